"""Writes down what is about to be told and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import structlog

from rabbitwatch.model.notice import Reason, news
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.ports import Attempt, Entry, Result
from rabbitwatch.notify.receivers.waiting import Outcome
from rabbitwatch.notify.stages.stage import Flush

_BY_THE_PEER = "the other agent of the pair has told it"

_log = structlog.get_logger(__name__)


class Record:
    """The line's hand in the delivery log. now: seconds since the epoch. lost: called with the integration's key for
    each notice that is given up."""

    def __init__(
        self,
        ledger: Ledger,
        lost: Callable[[str], None],
        now: Callable[[], float],
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._ledger = ledger
        self._lost = lost
        self._now = now
        self._new_id = new_id

    def begin(self, integration: str, flush: Flush, reason: Reason) -> Attempt:
        """A notice of all that this flush tells. One that told the same and has not arrived goes on under its id."""
        firing, resolved = news(flush.alerts)
        before = self._ledger.doubtful(integration, flush.group_key)
        if before is not None and (before.firing, before.resolved) == (firing, resolved):
            attempt = replace(before, result=Result.SENDING, ended_at=None)
        else:
            attempt = Attempt(
                id=self._new_id(),
                integration=integration,
                group_key=flush.group_key,
                reason=reason,
                firing=firing,
                resolved=resolved,
                began_at=self._now(),
                ended_at=None,
                tries=0,
                result=Result.SENDING,
            )
        self._ledger.begin(attempt)
        return attempt

    def sent(self, attempt: Attempt, flush: Flush, outcome: Outcome) -> None:
        """It arrived."""
        ended = self._ended(attempt, outcome, Result.SENT)
        entry = Entry(
            integration=attempt.integration,
            group_key=attempt.group_key,
            firing=attempt.firing,
            resolved=attempt.resolved,
            sent_at=self._now(),
            reason=attempt.reason,
            memory=outcome.memory,
        )
        self._ledger.confirmed(ended, entry, [alert for alert in flush.alerts if not alert.resolved])

    def failed(self, attempt: Attempt, outcome: Outcome) -> None:
        """It did not arrive yet."""
        self._ledger.failed(self._ended(attempt, outcome, Result.FAILED))

    def given_up(self, attempt: Attempt, outcome: Outcome | None = None, *, no_loss: str = "") -> None:
        """There is nothing left to tell. Lost is what nobody has told; no_loss: why it is none all the same."""
        ended = self._ended(attempt, outcome, Result.GIVEN_UP)
        entry = self._ledger.entry(attempt.integration, attempt.group_key)
        if entry is not None and entry.sent_at >= attempt.began_at:
            no_loss = _BY_THE_PEER
        if no_loss:
            self._ledger.failed(replace(ended, why=no_loss))
            return
        self._ledger.failed(ended)
        self._lost(attempt.integration)
        _log.error(
            "a notice was given up: its alerts were over before it arrived",
            integration=attempt.integration,
            group=attempt.group_key,
            tries=ended.tries,
            why=ended.why,
        )

    def over(self, integration: str, flush: Flush) -> None:
        """All is over, and this integration does not hear of that: noted, so that it is news when it fires again."""
        firing, resolved = news(flush.alerts)
        entry = Entry(
            integration=integration,
            group_key=flush.group_key,
            firing=firing,
            resolved=resolved,
            sent_at=self._now(),
            reason=Reason.ALL_RESOLVED,
        )
        self._ledger.adopt(entry)

    def _ended(self, attempt: Attempt, outcome: Outcome | None, result: Result) -> Attempt:
        ended = replace(attempt, result=result, ended_at=self._now())
        if outcome is None:
            return ended
        return replace(ended, tries=attempt.tries + outcome.tries, why=outcome.why or attempt.why)
