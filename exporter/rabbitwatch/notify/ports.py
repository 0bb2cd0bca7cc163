"""What the parts of notify/ ask of each other and from below. Each has one implementation here or in storage/."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from rabbitwatch.model.notice import Notice, OutAlert, Reason

Memory = Mapping[str, str]
"""What a receiver wants to find again at the group's next notice: Slack's channel and message. Small, no secrets."""


class Sender(Protocol):
    """Hands one notice over, once: one file a kind in notify/receivers/. Retrying is receivers/base.py's business."""

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """Deliver, and return what to remember; DeliveryError when it was not delivered, or when nobody can tell.

        memory: what the group's last confirmed notice returned; empty where there was none, and after the group was
        resolved. attempt: an id of this notice, the same when it is tried again, also after a restart: for receivers
        that can tell a double. Takes no longer than its configured timeout.
        """
        ...

    def close(self) -> None:
        """Let go of sessions and threads."""
        ...


@runtime_checkable
class Doubting(Protocol):
    """A Sender that can find out whether an attempt has arrived; any other sends it again, for doubt speaks for
    sending."""

    def doubt(self, group_key: str, attempt: str, since: float) -> None:
        """A kill ended this attempt, which began at `since`, or another in the place of this sender, before a reload,
        still tries it. The group's next `send` looks first: of the same attempt, where that had arrived, it sends
        nothing and returns what to remember; of another it goes on from there."""
        ...


@runtime_checkable
class Commenting(Protocol):
    """A Sender that has a thread for each group, in which something can be said that calls nobody."""

    def comment(self, memory: Memory, text: str) -> None:
        """Say it once, or raise DeliveryError. memory: what the group's last confirmed notice returned."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The last confirmed notice to one integration about one group. firing, resolved: what it told; see Notice.news.

    integration: `receiver/kind[index]`, stable over restarts. origin: empty, or the peer's address when the other
    agent of a pair has sent it.
    """

    integration: str
    group_key: str
    firing: frozenset[str]
    resolved: frozenset[str]
    sent_at: float
    reason: Reason
    memory: Memory = field(default_factory=dict)
    origin: str = ""


class Result(StrEnum):
    """What became of an attempt. SENDING: not known yet, and after a kill in doubt. FAILED: it is tried again at the
    group's next flush, as long as there is news to tell. GIVEN_UP: its alerts were over before it arrived."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line of the delivery log: a notice and what became of it. firing, resolved: what it tells; see Notice.news.
    tries: how often it was tried. why: the last failure, with no secret in it."""

    id: str
    integration: str
    group_key: str
    reason: Reason
    firing: frozenset[str]
    resolved: frozenset[str]
    began_at: float
    ended_at: float | None
    tries: int
    result: Result
    why: str = ""

    @property
    def unfinished(self) -> bool:
        """Whether it has neither arrived nor been given up."""
        return self.result in (Result.SENDING, Result.FAILED)


class DeliveryLog(Protocol):
    """What was sent where. Each method is one transaction, durable when it returns; StorageError when it is not."""

    def entry(self, integration: str, group_key: str) -> Entry | None:
        """The last confirmed notice."""
        ...

    def entries(self) -> Sequence[Entry]:
        """All of them, for the peer."""
        ...

    def adopt(self, entry: Entry) -> None:
        """Take over what the peer has sent, where it is newer."""
        ...

    def begin(self, attempt: Attempt) -> None:
        """Before the first try."""
        ...

    def doubtful(self, integration: str, group_key: str) -> Attempt | None:
        """The attempt that has neither arrived nor been given up: it has failed so far, or a kill has left it in
        doubt. The next notice to this integration about this group goes on with it: under its id, if it tells the
        same."""
        ...

    def unfinished(self) -> Sequence[Attempt]:
        """Every doubtful attempt."""
        ...

    def failed(self, attempt: Attempt) -> None:
        """It did not arrive: its result is FAILED or GIVEN_UP."""
        ...

    def confirmed(self, attempt: Attempt, entry: Entry, told: Sequence[OutAlert] = ()) -> None:
        """It arrived; all in one transaction. told: the alerts that it told as firing."""
        ...

    def recent(self, limit: int) -> Sequence[Attempt]:
        """The newest attempts, newest first."""
        ...

    def prune(self, before: float, known: AbstractSet[str] = frozenset()) -> None:
        """Forget what ended before that time; but not that one of the `known` alerts, by fingerprint, was told as
        firing, or it would be news."""
        ...


class DeliveryStore(DeliveryLog, Protocol):
    """A log that can also be read as a whole, at the start."""

    def in_doubt(self) -> Sequence[Attempt]:
        """Those that a kill has left without a result, when nothing about the group has been confirmed since: the
        receiver may have heard of them. Oldest first."""
        ...

    def told(self) -> Sequence[OutAlert]:
        """The alerts that the last confirmed notices told as firing: somebody waits to hear that they are over. One
        that several integrations have told is there once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStatus:
    """An alert, who hears of it, and what keeps it quiet: ids of silences, fingerprints of alerts that inhibit it,
    names of time intervals. state: `active` or `suppressed`; Alertmanager's `unprocessed` does not last here."""

    alert: OutAlert
    receivers: Sequence[str]
    silenced_by: Sequence[str]
    inhibited_by: Sequence[str]
    muted_by: Sequence[str]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """The alerts that one route collects under one set of labels. flushed_at: when it was last told; None: not yet.
    next_at: when it will be looked at again."""

    receiver: str
    route: str
    group_key: str
    labels: Mapping[str, str]
    alerts: Sequence[AlertStatus]
    flushed_at: float | None
    next_at: float


class Decided(Protocol):
    """What became of a person's answer. text: one line for the person. done: this answer decided it; False where the
    question is unknown, has expired or was answered before."""

    @property
    def text(self) -> str: ...
    @property
    def done(self) -> bool: ...


class Approvals(Protocol):
    """Who takes a person's answer to a remark that asks for one; actions/facade.py. Answers at once; RabbitwatchError
    where it cannot."""

    def approval(self, approval_id: str) -> object | None:
        """None for an id that this agent has never given out."""
        ...

    def approve(self, approval_id: str, by: str, source: str) -> Decided:
        """by: name and id. source: `slack` here."""
        ...

    def decline(self, approval_id: str, by: str, source: str) -> Decided:
        """Likewise."""
        ...


class Book(Protocol):
    """What is firing now and who is told: for the APIs, pages and commands. Safe to ask from any thread."""

    def alerts(self) -> Sequence[AlertStatus]:
        """Every alert that fires, in the order of its labels."""
        ...

    def groups(self) -> Sequence[AlertGroup]:
        """Every group, in the order of receivers and labels."""
        ...


Silencing = Callable[[Mapping[str, str], float], Sequence[str]]
"""The ids of silences that are active at that time for these labels; notify/silences.py."""
