"""What is said by the way in a group's thread, such as how far a repair is: the newest alone, and not too often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rabbitwatch.notify.ports import Memory

SPACING_S = 10.0
"""Between two comments on the same group."""

_GROUPS = 1000


@dataclass(frozen=True, slots=True)
class Comment:
    """memory: what the group's last confirmed notice returned, when it is asked for."""

    group: str
    text: str
    memory: Callable[[], Memory]


class Comments:
    """At most one comment a group waits. Not safe to use from several threads; its owner has the lock. Times are
    monotonic."""

    def __init__(self) -> None:
        self._waiting: dict[str, Comment] = {}
        self._free_at: dict[str, float] = {}

    def put(self, comment: Comment) -> None:
        """In place of one about the same group that was not said yet."""
        if comment.group in self._waiting or len(self._waiting) < _GROUPS:
            self._waiting[comment.group] = comment

    def next_at(self) -> float | None:
        """When one may be said; None where none waits."""
        return min((self._free_at.get(group, float("-inf")) for group in self._waiting), default=None)

    def take(self, now: float) -> Comment | None:
        """The one that may be said now, and is said."""
        self._free_at = {group: at for group, at in self._free_at.items() if at > now}
        group = next((group for group in self._waiting if group not in self._free_at), None)
        if group is None:
            return None
        self._free_at[group] = now + SPACING_S
        return self._waiting.pop(group)

    def clear(self) -> None:
        """None is said any more."""
        self._waiting.clear()
