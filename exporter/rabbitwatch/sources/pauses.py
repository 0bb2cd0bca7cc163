"""Metrics plugins that are not there: asked again seldom, so that they cost nothing."""

from __future__ import annotations

from collections.abc import Callable

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import Heard, Missed, NotAsked, Source

_PAUSED_SOURCES = frozenset({Source.PLUGIN, Source.PLUGIN_CONSUMERS})


class Pauses:
    """Remembers, per address and source, what was missed, and until when it stands without asking anew.

    pause: seconds. clock: monotonic.
    """

    def __init__(self, pause: float, clock: Callable[[], float]) -> None:
        self._pause = pause
        self._clock = clock
        self._held: dict[tuple[str, Source], tuple[float, Missed]] = {}

    def held(self, url: str, source: Source) -> Missed | None:
        """What stands in for a call now; None when it is to be made."""
        until, missed = self._held.get((url, source), (0.0, None))
        return missed if self._clock() < until else None

    def note(self, url: str, source: Source, part: Heard[object] | Missed | NotAsked, *, api_answers: bool) -> None:
        """What a call gave. A plugin that times out on a node whose API answers is behind a firewall; where the API
        is silent too, the plugin may be the first to answer again and is asked every time."""
        if source not in _PAUSED_SOURCES or self.held(url, source) is not None:
            return
        if isinstance(part, Missed) and (part.failure == CallFailure.REFUSED or api_answers):
            self._held[url, source] = (self._clock() + self._pause, part)
        else:
            self._held.pop((url, source), None)
