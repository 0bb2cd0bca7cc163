"""What an agent takes back from its books when it begins: the pause switch, questions that wait, and what a former life
was asked for and did not begin."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from rabbitwatch.actions import wording
from rabbitwatch.actions.audit import APPROVED, PAUSED, REFUSED, RESUMED
from rabbitwatch.actions.books import Books
from rabbitwatch.actions.line import asking
from rabbitwatch.actions.ports import AuditStore
from rabbitwatch.model.action import Outcome
from rabbitwatch.model.remark import Remark

_NOT_BEGUN = "Nothing was done: the agent ended before this step's turn came; ask again"
_PAGE = 5000

_log = structlog.get_logger(__name__)


class Recall:
    """remark: says something about an alert, by its fingerprint. now: seconds since the epoch."""

    def __init__(self, books: Books, remark: Callable[[str, Remark], None], now: Callable[[], float]) -> None:
        self._books = books
        self._remark = remark
        self._now = now

    def begin(self, cooldown: float) -> None:
        """Once, before anybody can ask for anything. cooldown: for how many seconds what was declined rests.
        StorageError where the books cannot be used: then nothing may act."""
        self._books.audit.begin()
        self._refuse_unbegun()
        self._pause()
        self._books.approvals.recall(self._books.history, self._now() - cooldown)
        self._ask_again()

    def _refuse_unbegun(self) -> None:
        """It was asked for by what was seen then; whoever asked looks anew."""
        for asked in self._books.history.unbegun():
            self._books.audit.record(
                REFUSED,
                asked.cause,
                deed=asked.deed,
                step=asked.step,
                target=asked.target,
                outcome=Outcome.REFUSED,
                text=_NOT_BEGUN,
            )
            loud = asked.event == APPROVED
            remark = Remark(id=f"{asked.deed}.refused", at=self._now(), text=_NOT_BEGUN, loud=loud)
            self._remark(asked.cause.fingerprint, remark)

    def _pause(self) -> None:
        """Pause again where the audit says that somebody paused and nobody resumed, but the switch was lost with a
        damaged database."""
        history, pause = self._books.history, self._books.pause
        if pause.get() is not None:
            return
        number = _last_switch(history)
        last = next(iter(history.entries(after=number - 1, limit=1)), None) if number else None
        if last is not None and last.event == PAUSED:
            pause.pause(last.cause.by, last.at)
            _log.warning("repairs are paused, by the audit's word: the database has lost the switch", by=last.cause.by)

    def _ask_again(self) -> None:
        for approval in self._books.approvals.waiting():
            step = next((s for s in approval.plan.steps if s.digest == approval.digest), None)
            if step is not None:
                text = wording.question(approval.plan, step, (), approval.expires_at - self._now())
                self._remark(approval.cause.fingerprint, asking(approval, text))


def _last_switch(history: AuditStore) -> int:
    """The number of the last entry by which somebody paused or resumed; 0 where there is none. Looks at the lines as
    text, which is cheap for all of an audit."""
    found = seen = 0
    while lines := history.lines(after=seen, limit=_PAGE):
        for number, line in lines:
            if any(f'"event":"{event}"' in line for event in (PAUSED, RESUMED)):
                found = number
        seen = lines[-1][0]
    return found
