"""What a cluster is, as far as the answers of its nodes allow to say: the result of an assessment.

Everywhere, None and an absent key mean "unknown"; neither ever stands for zero or for healthy.
Times are unix seconds, durations seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from rabbitwatch.model.broker import BrokerNode
from rabbitwatch.model.observation import Source


class PollState(StrEnum):
    """How a node's own management API behaved; the values of the label `state` of rabbitwatch_node_poll_state."""

    OK = "ok"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNAUTHORISED = "unauthorised"
    ERROR = "error"


class Severity(StrEnum):
    """How much a finding matters. NOTE alone does not make a cluster unhealthy."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. kind: a fixed word such as `split`; subject: the node, queue, vhost or cluster that it
    is about; sentence: for a person, with the figures. (kind, subject) names a finding across polls."""

    severity: Severity
    kind: str
    subject: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """One member, whether it answered or not.

    answered: its management API gave an answer in this poll; None when it was not asked.
    poll_state, poll_reason: how asking it for its view went; None when it was not asked.
    running: somebody who answered says that it runs; None when nobody who answered lists it.
    component_size: how many nodes its component has; None when it did not tell its view.
    type: disc or ram, as observed. figures: its resources, by itself, else by the largest component that tells them.
    cookie_mismatch: its cookie is not the one that most nodes have. cookie_file_differs: its cookie file no longer
    holds the cookie that it runs with. checks: by name, whether the health check passed.
    """

    name: str
    url: str | None
    declared: bool
    missing: bool
    answered: bool | None
    poll_state: PollState | None
    poll_reason: str
    running: bool | None
    component_size: int | None
    type: str | None
    declared_type: str | None
    version: str | None
    erlang_version: str | None
    figures: BrokerNode | None
    cookie_mismatch: bool | None
    cookie_file_differs: bool | None
    checks: Mapping[str, bool]

    @property
    def type_mismatch(self) -> bool | None:
        """Is the observed type another than the declared one?"""
        if self.type is None or self.declared_type is None:
            return None
        return self.type != self.declared_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Who says what: outer keys are observers (nodes that answered), inner keys what they speak of.

    running: does the observer say that the node runs; a member that it does not list does not run, to it.
    partitioned: does the observer list the node as partitioned from itself; absent where the broker cannot report it.
    connected: has the observer's runtime a distribution connection to the node (metrics plugin; evidence of its own).
    objects: how many connections, channels, exchanges, queues and consumers the observer counts in the cluster.
    queues: how many queues each vhost has, to the node that was asked on behalf of its component.
    counts: what the observer's statistics have counted in the cluster since its nodes started (`churn_rates` and
    `message_stats` of /api/overview); less than before when one of them restarts.
    """

    running: Mapping[str, Mapping[str, bool]]
    partitioned: Mapping[str, Mapping[str, bool]]
    connected: Mapping[str, Mapping[str, bool]]
    objects: Mapping[str, Mapping[str, int]]
    queues: Mapping[str, Mapping[str, int]]
    counts: Mapping[str, Mapping[str, int]]

    @property
    def asymmetric(self) -> tuple[tuple[str, str], ...]:
        """Pairs (a, b) of observers where a says that b runs and b says that a does not."""
        return tuple(
            (a, b)
            for a, row in self.running.items()
            for b, runs in row.items()
            if runs and b in self.running and not self.running[b].get(a, False)
        )

    @property
    def running_sets(self) -> frozenset[frozenset[str]]:
        """The different answers to the question which nodes run."""
        return frozenset(frozenset(n for n, runs in row.items() if runs) for row in self.running.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """Partitions as brokers report them, which they do only after the link has healed.

    reportable: can the metadata store report any at all: true with Mnesia, false with Khepri, None when unknown.
    own: what each node reports of itself; absent where not told or not reportable.
    reported: every pair (node, peer) that any answer holds.
    """

    reportable: bool | None
    own: Mapping[str, frozenset[str]]
    reported: frozenset[tuple[str, str]]

    @property
    def nodes(self) -> frozenset[str]:
        """Every node on either side of a reported partition."""
        return frozenset(name for pair in self.reported for name in pair)


class QueueState(msgspec.Struct, frozen=True, gc=False):
    """One queue, as the component that owns it sees it.

    labels: cluster, vhost, name: shared by every row about this queue.
    state: `running` also for what the broker calls idle or flow, which come and go by the second.
    mirrored: a policy in effect asks for mirrors, and this queue can have them.
    mirrors, synchronised: how many there are; None where the broker does not tell (and after 3.x).
    expected: how many mirrors the policy asks for with the nodes that run now; None when not mirrored.
    at_risk: messages that are gone with the leader's node: all of a mirrored queue that has no synchronised mirror.
    missing, unsynchronised: names of nodes cannot be told apart for `exactly`, so these are counts.
    members, online, has_leader: of quorum queues and streams.
    unhealthy: any of the above is not as it should be; such a queue is never hidden by the cap.
    """

    labels: tuple[str, str, str]
    type: str
    state: str
    node: str
    durable: bool | None
    exclusive: bool | None
    policy: str
    operator_policy: str
    ha_mode: str
    promote_on_failure: str
    mirrored: bool
    messages: int | None
    ready: int | None
    unacknowledged: int | None
    consumers: int | None
    mirrors: int | None
    synchronised: int | None
    expected: int | None
    at_risk: int | None
    sync_messages: int | None
    members: int | None
    online: int | None
    has_leader: bool | None
    unhealthy: bool

    @property
    def vhost(self) -> str:
        return self.labels[1]

    @property
    def name(self) -> str:
        return self.labels[2]

    @property
    def unsynchronised(self) -> int:
        """Mirrors that exist and have not caught up; 0 where nothing is told."""
        if self.mirrors is None or self.synchronised is None:
            return 0
        return max(self.mirrors - self.synchronised, 0)

    @property
    def missing(self) -> int:
        """Mirrors that the policy asks for and that do not exist; 0 where nothing is told."""
        if self.mirrors is None or self.expected is None:
            return 0
        return max(self.expected - self.mirrors, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTotals:
    """Sums over queues, hidden ones included; what a queue does not tell is not in them.

    depth_unknown: queues that did not tell how many messages they hold. consumers: None unless every queue told.
    unmirrored: durable classic queues that no policy mirrors although the cluster could.
    """

    queues: int = 0
    messages: int = 0
    ready: int = 0
    unacknowledged: int = 0
    at_risk: int = 0
    unsynchronised: int = 0
    missing: int = 0
    unmirrored: int = 0
    depth_unknown: int = 0
    consumers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Every included queue, once.

    complete: every component told its queues, so that sums are of the whole cluster.
    all: sorted by vhost and name. shown: those that get series of their own, in the same order.
    totals: None unless complete; by_vhost likewise empty. by_state, leaders (by node): counts, likewise.
    ambiguous: by vhost, queues that two policies of equal and highest priority match; absent where undecided.
    contested: queues that more than one component told, with different leaders.
    """

    complete: bool
    all: tuple[QueueState, ...]
    shown: tuple[QueueState, ...]
    totals: QueueTotals | None
    by_vhost: Mapping[str, QueueTotals]
    by_state: Mapping[str, int]
    leaders: Mapping[str, int]
    ambiguous: Mapping[str, int]
    contested: int

    @property
    def hidden(self) -> int:
        """How many queues have no series of their own."""
        return len(self.all) - len(self.shown)

    @property
    def unhealthy(self) -> tuple[QueueState, ...]:
        """The unhealthy queues, all of which are shown."""
        return tuple(queue for queue in self.shown if queue.unhealthy)


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of a policy that is not as declared. key: as the API spells it: `pattern`, `apply-to`, `priority` or
    `definition.` and a key of the definition. declared, found: JSON values, None where the key is not there."""

    key: str
    declared: Any
    found: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPolicyState:
    """One declared policy. drift: `missing` or `changed`, "" when it is as declared; differences: in what, when it is
    changed."""

    vhost: str
    name: str
    operator: bool
    drift: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class UnexpectedPolicy:
    """A policy that nobody declared, in a vhost for which others are declared."""

    vhost: str
    name: str
    operator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Declared policies, as far as the broker told its own; unexpected: those besides; undeclared: by vhost that has
    declared ones, how many those are, and absent where that is unknown."""

    declared: tuple[DeclaredPolicyState, ...]
    unexpected: tuple[UnexpectedPolicy, ...]
    undeclared: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How one question to one node went. reason: why there is no answer; flaws: parts of it that were broken."""

    node: str
    source: Source
    heard: bool
    reason: str
    took: float
    flaws: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """One assessed poll of one cluster.

    nodes: every member that is declared, listed by anyone, or missing, sorted by name.
    components: the groups that nodes which answered fall into, largest first; empty when nobody answered.
    cookie_groups: how many different cookies the nodes have whose cookie is known; None when that says nothing.
    mirroring_supported: does this version have classic mirrors at all.
    vhosts: by vhost and node, does the vhost run there. policies: what became of the declared ones.
    """

    cluster: str
    at: float
    took: float
    nodes: tuple[NodeState, ...]
    views: Views
    components: tuple[frozenset[str], ...]
    partitions: Partitions
    cookie_groups: int | None
    mirroring_supported: bool | None
    queues: Queues
    vhosts: Mapping[str, Mapping[str, bool]]
    policies: Drift
    sources: tuple[SourceState, ...]

    @property
    def disc_nodes_running(self) -> int | None:
        """Disc nodes that run by anybody's word; None when nobody answered, or a running node's type is unknown."""
        running = [node for node in self.nodes if node.running]
        if not self.components or any(node.type is None for node in running):
            return None
        return sum(node.type == "disc" for node in running)

    @property
    def versions(self) -> frozenset[str]:
        """The broker versions of the running nodes, as far as they are known."""
        return frozenset(node.version for node in self.nodes if node.running and node.version)
