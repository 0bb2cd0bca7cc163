"""What the buttons "Approve" and "Decline" do: they go at once, somebody's answer is handed on, and what became of it
stands in the thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

import structlog

from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.notify.ports import Approvals
from rabbitwatch.notify.receivers.slack import limits, looks
from rabbitwatch.notify.receivers.slack.answers import Answers, without_buttons
from rabbitwatch.notify.receivers.slack.blocks import Block, context
from rabbitwatch.notify.receivers.slack.buttons import APPROVE, DECLINE
from rabbitwatch.notify.receivers.slack.clicks import Click, Handler
from rabbitwatch.notify.receivers.slack.escaping import line, prose

_REMEMBERED = 1000
_SOURCE = "slack"
_BUTTONS = frozenset({APPROVE, DECLINE})
_LONGEST_NAME = 80

_log = structlog.get_logger(__name__)


class ApprovalButtons:
    """Answers clicks, one after the other. may: whether a user of this id may answer; asked before anything is looked
    up, so that nobody else learns whether an approval exists."""

    def __init__(self, answers: Answers, approvals: Approvals, may: Callable[[str], bool]) -> None:
        self._answers = answers
        self._approvals = approvals
        self._may = may
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def handlers(self) -> Mapping[str, Handler]:
        """By action id."""
        return {APPROVE: self, DECLINE: self}

    def __call__(self, click: Click) -> None:
        """See clicks.Handler."""
        if not self._may(click.user_id):
            self._turned_away(click)
            return
        try:
            known = self._approvals.approval(click.value) is not None
        except RabbitwatchError as error:
            self._not_taken(click, error)
            return
        if not known:
            self._unknown(click)
        elif self._first(click.value, ""):
            self._decide(click)

    def _decide(self, click: Click) -> None:
        """The buttons go before anything is decided: what the decision leads to edits the message, too, and later."""
        approves = click.action_id == APPROVE
        by = line(click.user, _LONGEST_NAME)
        word = "Approve" if approves else "Decline"
        said = f"{looks.WAITING.symbol} {by} clicked {word}: the thread tells what comes of it"
        self._answers.edit(click, _replaced(click.value, said))
        try:
            decide = self._approvals.approve if approves else self._approvals.decline
            decision = decide(click.value, click.user, _SOURCE)
        except RabbitwatchError as error:
            self._forget(click.value)
            self._not_taken(click, error)
            self._answers.edit(click, lambda block: block)
            return
        _log.info("an approval was answered in Slack", by=click.user, answer=word.lower(), done=decision.done)
        look = looks.WARNING if not decision.done else looks.RESOLVED if approves else looks.REFUSED
        self._answers.reply(click, f"{look.symbol} {by}: {prose(decision.text, limits.ACTION)}")

    def _not_taken(self, click: Click, error: RabbitwatchError) -> None:
        _log.warning("an answer from Slack was not taken", by=click.user, why=str(error))
        self._answers.reply(click, f"{looks.WARNING.symbol} Not taken: {line(str(error), limits.SUMMARY)}")

    def _turned_away(self, click: Click) -> None:
        _log.warning("somebody who may not answer approvals has clicked in Slack", by=click.user)
        if self._first(click.message_ts, click.user_id):
            self._answers.reply(
                click,
                f"{looks.REFUSED.symbol} {line(click.user, _LONGEST_NAME)} may not answer this: "
                "`actions.approval.slack_users` lists who may.",
            )

    def _unknown(self, click: Click) -> None:
        _log.warning("an approval that is not known here was answered in Slack", by=click.user)
        self._answers.reply(
            click,
            f"{looks.WARNING.symbol} Nothing done: this agent knows no such approval. The other of a pair may know it: "
            "click again, or answer on its page.",
        )

    def _first(self, one: str, other: str) -> bool:
        with self._lock:
            if (one, other) in self._seen:
                return False
            self._seen[one, other] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True

    def _forget(self, approval_id: str) -> None:
        """It may be tried again."""
        with self._lock:
            self._seen.pop((approval_id, ""), None)


def _replaced(approval_id: str, said: str) -> Callable[[Block], Block | None]:
    """The buttons of this approval, replaced by what was said."""

    def change(block: Block) -> Block | None:
        left = without_buttons(
            block, lambda element: element.get("action_id") in _BUTTONS and element.get("value") == approval_id
        )
        return context(said) if left is None else left

    return change
