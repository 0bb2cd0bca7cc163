"""A person's answer to an approval, and what page and API make of one that comes too late or to nobody's question."""

from __future__ import annotations

from dataclasses import dataclass

from rabbitwatch.actions.approvals import NOBODY
from rabbitwatch.actions.facade import Repairs
from rabbitwatch.actions.ports import Approval

UNKNOWN, USED, OVER = 404, 409, 410


@dataclass(frozen=True, slots=True)
class Result:
    """done: this answer has decided. status: of HTTP; text: one line for the person."""

    done: bool
    status: int
    text: str


def answered(repairs: Repairs, approval_id: str, *, granted: bool, by: str, source: str, now: float) -> Result:
    """Give the answer; whatever comes of it is on record."""
    decide = repairs.approve if granted else repairs.decline
    before = standing(repairs.approval(approval_id), now)
    decision = decide(approval_id, by, source)
    # one that was open is not any more only because somebody else was faster
    return Result(decision.done, 200 if decision.done else before if before != 200 else USED, decision.text)


def standing(approval: Approval | None, now: float) -> int:
    """The status of a page about it: 200 while it can be answered, 404 for an id that nobody gave out, 409 when it was
    answered, 410 when it is over without an answer."""
    if approval is None:
        return UNKNOWN
    if approval.granted is None:
        return OVER if approval.expires_at <= now else 200
    return OVER if approval.decided_by == NOBODY else USED
