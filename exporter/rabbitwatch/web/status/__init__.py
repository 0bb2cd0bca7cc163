"""/: the clusters for a person at a browser, who wants to know what is wrong, where and why."""

from rabbitwatch.web.status.pages import StatusPages

__all__ = ["StatusPages"]
