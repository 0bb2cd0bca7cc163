"""Repairs as nouns: what is looked at before one, what would be done, what speaks against it, what became of it.

Times are unix seconds, durations seconds, sizes bytes; None means "unknown" and never stands for zero or for healthy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rabbitwatch.config.models import DeclaredPolicy
from rabbitwatch.model.broker import Policy
from rabbitwatch.model.cluster import ClusterState


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLook:
    """One queue as its leader's node tells it in detail, asked for by itself just before a decision.

    mirrors, synchronised: nodes; None where not told. message_bytes: of all messages; publish_rate, deliver_rate:
    messages a second by the broker's statistics. sync_messages: how far a synchronisation under way is. batch: the
    policy's ha-sync-batch-size, None where it sets none.
    """

    vhost: str
    name: str
    type: str | None
    node: str | None
    state: str | None
    policy: str | None
    exclusive: bool | None
    messages: int | None
    message_bytes: int | None
    publish_rate: float | None
    deliver_rate: float | None
    mirrors: tuple[str, ...] | None
    synchronised: tuple[str, ...] | None
    sync_messages: int | None
    batch: int | None

    @property
    def unsynchronised(self) -> tuple[str, ...]:
        """Mirrors that lag; empty where the broker does not tell."""
        if self.mirrors is None or self.synchronised is None:
            return ()
        return tuple(node for node in self.mirrors if node not in self.synchronised)

    @property
    def syncing(self) -> bool:
        """A synchronisation is under way."""
        return self.state == "syncing" or self.sync_messages is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A cluster at one moment, as far as repairs must know it.

    state: a poll of its own, never the last cycle's. policies: what the broker has, by (operator, vhost, name), as the
    only component tells it; None when unknown or when components differ. unseen_vhosts: where nobody may look.
    queues: details of queues that lag, or that a restored policy would have synchronised, by (vhost, name); missed: of
    those that could not be had, why. not_asked: how many more there are than were asked for in detail. syncing: every
    queue that is being synchronised now, in the target or not, watched by this agent or not; None where that is not
    known of the whole cluster.
    """

    state: ClusterState
    declared: Sequence[DeclaredPolicy]
    policies: Mapping[tuple[bool, str, str], Policy] | None
    unseen_vhosts: frozenset[str] = frozenset()
    queues: Mapping[tuple[str, str], QueueLook] = field(default_factory=dict)
    missed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    not_asked: int = 0
    syncing: frozenset[tuple[str, str]] | None = None

    @property
    def cluster(self) -> str:
        return self.state.cluster

    @property
    def at(self) -> float:
        return self.state.at


@dataclass(frozen=True, slots=True)
class Target:
    """What a repair may reach: a cluster, or one vhost, one queue or one policy of it; "" is all of them."""

    cluster: str
    vhost: str = ""
    queue: str = ""
    policy: str = ""

    def __str__(self) -> str:
        named = (("vhost", self.vhost), ("queue", self.queue), ("policy", self.policy))
        return ", ".join([f"cluster {self.cluster}", *(f"{what} {name}" for what, name in named if name)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request to the broker. action: who makes and runs it. object: the policy's or queue's name.

    request: method, path below the API's root, body. summary: one sentence for a person. before: what it changes, as it
    is now. queues, messages, message_bytes: how many it touches.
    """

    action: str
    cluster: str
    vhost: str
    object: str
    operator: bool = False
    method: str
    path: str
    body: Mapping[str, Any]
    summary: str
    before: Mapping[str, Any]
    queues: int | None
    messages: int | None
    message_bytes: int | None = None

    @property
    def key(self) -> tuple[str, str, str, bool, str]:
        """What cooldowns and fights are counted by."""
        return self.cluster, self.action, self.vhost, self.operator, self.object

    @property
    def digest(self) -> str:
        """The same for the same request, whatever the depth of the queue: what an approval is given for."""
        said = json.dumps([*self.key, self.method, self.path, self.body], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in the target that this action does nothing about, and why."""

    object: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action would do, in order; one step is taken at a time, and after it all is looked at anew.

    text: advice for a person, of actions that never act. nothing: why there is neither a step nor a text.
    """

    action: str
    target: Target
    steps: tuple[Step, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    text: str = ""
    nothing: str = ""

    @property
    def overlapping(self) -> bool:
        """Several steps may touch the same queues, so that their sums say how many are touched at most."""
        return len(self.steps) > 1 and len({step.action for step in self.steps}) > 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What one guard says. refused: its reason in one line, "" when nothing speaks against it. approvable: a person's
    approval lifts the refusal."""

    guard: str
    refused: str = ""
    approvable: bool = False


class Mode(StrEnum):
    """What a binding allows."""

    OFF = "off"
    DRY_RUN = "dry_run"
    APPROVE = "approve"
    AUTO = "auto"


class Outcome(StrEnum):
    """What became of a step. REQUESTED is open: the broker was asked and nobody has seen the end yet."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    AWAITING = "awaiting approval"
    DECLINED = "declined"
    EXPIRED = "expired"
    REQUESTED = "requested"
    DONE = "done"
    STALLED = "stalled"
    TIMED_OUT = "timed out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A step that was requested, as history knows it. by: the alert's name, or the person."""

    id: str
    key: tuple[str, str, str, bool, str]
    at: float
    outcome: Outcome
    by: str = ""

    @property
    def cluster(self) -> str:
        return self.key[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the broker said to a request. status: None when there was no answer, and so a doubt whether it was heard,
    unless `unsent`: then no connection came about, and surely nobody heard it. reason: one line, without secrets."""

    status: int | None
    reason: str = ""
    unsent: bool = False

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def doubtful(self) -> bool:
        """It may have been done or not: only looking tells."""
        return self.status is None and not self.unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a requested step is, by a later look. measure: grows with the work, for telling a stall; text: one line
    for a person. done: None when this look cannot tell. after: the state, as `Step.before`."""

    done: bool | None
    text: str
    measure: float | None = None
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a repair is considered. alert: name; fingerprint, labels: of that alert; by: a person, where one asked or
    approved; source: `rule`, `alertmanager`, `command`, `page` or `slack`."""

    source: str
    alert: str = ""
    fingerprint: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    by: str = ""

    def __str__(self) -> str:
        who = self.by or (f"alert {self.alert}" if self.alert else "nobody")
        return f"{who} ({self.source})"
