"""Silences that begin and end at the moment somebody says so, by a button."""

from __future__ import annotations

from collections.abc import Callable

from rabbitwatch.config.matchers import Matchers
from rabbitwatch.model.silence import SilenceDraft, SilenceState
from rabbitwatch.notify.silences import Silences


class SilencesOfNow:
    """Implements slack.silencing.SilenceKeeper. now: seconds since the epoch."""

    def __init__(self, silences: Silences, now: Callable[[], float]) -> None:
        self._silences = silences
        self._now = now

    def begin(self, matchers: Matchers, author: str, comment: str, seconds: float) -> str:
        """See SilenceKeeper."""
        now = self._now()
        draft = SilenceDraft(
            matchers=matchers, starts_at=now, ends_at=now + seconds, created_by=author, comment=comment
        )
        return self._silences.set(draft).id

    def end(self, silence_id: str) -> tuple[Matchers, bool]:
        """See SilenceKeeper."""
        before = self._silences.get(silence_id)
        over = before.state(self._now()) is SilenceState.EXPIRED
        if not over:
            self._silences.expire(silence_id)
        return before.matchers, not over
