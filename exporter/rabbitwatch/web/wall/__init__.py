"""/wall: the clusters for people across the room, with nothing to click and nothing to scroll."""

from rabbitwatch.web.wall.pages import WallPages

__all__ = ["WallPages"]
