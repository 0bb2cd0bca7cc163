"""Alertmanager's API v2 over the agent's notices and silences, for amtool and its like (docs/http.md)."""

from rabbitwatch.web.alertmanager.api import AlertmanagerApi

__all__ = ["AlertmanagerApi"]
