"""How two agents of a pair tell each other what was sent: the document of /api/v1/notices, and its reading.

A field that a later version adds needs a default, so that a pair can be upgraded one agent at a time.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.notice import Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.ports import Attempt, Entry


class Sent(msgspec.Struct, kw_only=True, frozen=True):
    """An Entry as it travels."""

    integration: str
    group_key: str
    firing: list[str]
    resolved: list[str]
    sent_at: float
    reason: Reason
    memory: dict[str, str] = msgspec.field(default_factory=dict)

    def entry(self, origin: str) -> Entry:
        """As the agent that has read it from `origin` keeps it."""
        return Entry(
            integration=self.integration,
            group_key=self.group_key,
            firing=frozenset(self.firing),
            resolved=frozenset(self.resolved),
            sent_at=self.sent_at,
            reason=self.reason,
            memory=self.memory,
            origin=origin,
        )


class Said(msgspec.Struct, kw_only=True, frozen=True):
    """A loud remark as it travels. fingerprint: of the alert that it is about."""

    fingerprint: str
    id: str
    at: float
    text: str
    approval: str = ""

    def remark(self) -> Remark:
        """As the agent that has read it keeps it."""
        return Remark(id=self.id, at=self.at, text=self.text, loud=True, approval=self.approval)


class Told(msgspec.Struct, kw_only=True, frozen=True):
    """What an agent tells about its notices. agent: an id of this process. position: in its pair; None without one.
    entries: what it has sent itself. sending: keys of groups that it is telling at this moment. silences: as
    Silence.record makes them, ended ones included. remarks: loud ones."""

    agent: str
    position: int | None = None
    entries: list[Sent] = msgspec.field(default_factory=list)
    sending: list[str] = msgspec.field(default_factory=list)
    silences: list[dict[str, Any]] = msgspec.field(default_factory=list)
    remarks: list[Said] = msgspec.field(default_factory=list)


class _Answer(msgspec.Struct):
    data: Told


_decode = msgspec.json.Decoder(_Answer).decode


def read(body: bytes) -> Told:
    """What a peer has answered; CallError where that is something else."""
    try:
        return _decode(body).data
    except msgspec.DecodeError as error:
        raise unreadable(error) from None


def unreadable(error: msgspec.DecodeError) -> CallError:
    """What came is no answer of another agent."""
    return CallError(CallFailure.ERROR, f"answers what no rabbitwatch says ({error}): is it an agent?")


def entry_document(entry: Entry) -> Sent:
    """An entry for the way."""
    return Sent(
        integration=entry.integration,
        group_key=entry.group_key,
        firing=sorted(entry.firing),
        resolved=sorted(entry.resolved),
        sent_at=entry.sent_at,
        reason=Reason.NEW if entry.reason is Reason.REMARKED else entry.reason,  # older agents know no remarks
        memory=dict(entry.memory),
    )


def remark_document(fingerprint: str, remark: Remark) -> Said:
    """A loud remark for the way."""
    return Said(fingerprint=fingerprint, id=remark.id, at=remark.at, text=remark.text, approval=remark.approval)


def attempt_document(attempt: Attempt) -> dict[str, Any]:
    """A line of the delivery log, for people and programs."""
    return {
        "id": attempt.id,
        "integration": attempt.integration,
        "groupKey": attempt.group_key,
        "reason": attempt.reason,
        "firing": sorted(attempt.firing),
        "resolved": sorted(attempt.resolved),
        "beganAt": attempt.began_at,
        "endedAt": attempt.ended_at,
        "tries": attempt.tries,
        "result": attempt.result,
        "why": attempt.why,
    }
