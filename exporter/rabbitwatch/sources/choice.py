"""Which node of a component is asked for what the whole component knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import Heard, Missed, NotAsked


class Choice:
    """The same node as last time while it answers, because the broker caches what it told; another one after it
    failed. A refusal of the user is no reason to change: every node would say the same."""

    def __init__(self) -> None:
        self._kept: tuple[str, ...] = ()
        self._failed: dict[str, int] = {}
        self._polls = 0

    @property
    def kept(self) -> tuple[str, ...]:
        """Those that were asked last, and answered."""
        return self._kept

    def of(self, component: Iterable[str], order: Sequence[str]) -> str:
        """One name of the component: one that was kept, else one that has not failed or failed longest ago.

        order: all names, the preferred ones first.
        """
        rank = {name: place for place, name in enumerate(order)}
        candidates = sorted(component, key=lambda n: (self._failed.get(n, 0), rank.get(n, len(rank)), n))
        return next((name for name in candidates if name in self._kept), candidates[0])

    def note(self, asked: Mapping[str, Heard[Any] | Missed | NotAsked], *, views: bool) -> None:
        """What came of the queue lists of one poll, by the name that was asked.

        views: any node told its view. Where none did, as before the tick when all hang, the failure says nothing about
        the node that was asked, and changing to another would only cost its cache too.
        """
        if not asked or not views:
            return
        self._polls += 1
        bad = {n for n, part in asked.items() if isinstance(part, Missed) and part.failure != CallFailure.UNAUTHORISED}
        self._kept = tuple(name for name in asked if name not in bad)
        self._failed = {n: at for n, at in self._failed.items() if n not in asked} | dict.fromkeys(bad, self._polls)
