"""What goes down the line, and what a stage is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.routing import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """One group whose time has come. alerts: those that are still to be told, firing ones first. due: when the
    group's time came; it stays the same however often the flush is held back. now: the time of this look. Times are
    seconds since the epoch."""

    route: Route
    group_key: str
    labels: Mapping[str, str]
    alerts: tuple[OutAlert, ...]
    due: float
    now: float


@dataclass(frozen=True, slots=True)
class Later:
    """The flush is held back: the whole line is gone down again at `until`, with what is true then."""

    until: float


Stage = Callable[[Flush], Flush | Later]
"""Called on the dispatcher's thread, one flush after the other, so it waits for nothing, neither network nor sleep.
What takes time is begun elsewhere and looked for Later."""
