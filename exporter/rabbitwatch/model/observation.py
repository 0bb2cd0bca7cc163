"""What was heard in one poll of a cluster: frozen, by node and by source, with when and how long.

A part of an observation is always one of three things: `Heard`, `Missed` or `NotAsked`. There is no fourth, so
nothing that was not told can be taken for zero or for healthy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.broker import BrokerNode, ClusterStatus, CookieSources, Overview, Policy, Queue, Vhost

T = TypeVar("T")


class Source(StrEnum):
    """Where a part comes from; also the values of the label `source` of the agent's own metrics."""

    OVERVIEW = "overview"
    NODES = "nodes"
    QUEUES = "queues"
    POLICIES = "policies"
    OPERATOR_POLICIES = "operator_policies"
    VHOSTS = "vhosts"
    PLUGIN = "plugin"
    PLUGIN_CONSUMERS = "plugin_consumers"
    CLUSTER_STATUS = "cluster_status"
    COOKIE_HASH = "cookie_hash"
    COOKIE_SOURCES = "cookie_sources"
    COOKIE_FILE = "cookie_file"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """An answer. `at`: when it was complete, unix seconds; `took`: seconds; `flaws`: parts of it that were left
    out because they were broken, one readable line each."""

    value: T
    at: float
    took: float
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """No answer. `reason` is one readable line without secrets."""

    failure: CallFailure
    reason: str
    at: float
    took: float


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Deliberately not asked: switched off, not due, or nobody to ask."""

    reason: str


Part = Heard[T] | Missed | NotAsked
AnyPart = Heard[Any] | Missed | NotAsked


def told(part: Heard[T] | Missed | NotAsked) -> T | None:
    """The value that was heard, or None."""
    return part.value if isinstance(part, Heard) else None


@dataclass(frozen=True, slots=True)
class PluginView:
    """What the metrics plugin of one node says. `links`: erlang_vm_dist_node_state by peer node name
    (1 pending, 2 up_pending, 3 up); a peer that is absent has no distribution connection at all. `node`, `cluster`:
    who it says it is."""

    links: Mapping[str, int]
    node: str | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of one `rabbitmq-diagnostics check_*` command."""

    passed: bool
    detail: str


_OFF = NotAsked("not configured")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeObservation:
    """Everything that was heard from, or beside, one node.

    name: Erlang node name (`rabbit@rabbit1`), or the URL's host and port until the node has told its name.
    declared: the configuration lists this node; listed: it was found in another node's answer.
    nodes: this node's own answer to /api/nodes, its view of everyone.
    consumers: (vhost, queue) -> consumers, of queues whose leader is on this node (metrics plugin).
    cookie_hash: base64(md5(cookie)) by the node's own diagnostics; cookie_file_hash: the same computed from its
    cookie file. Both stay inside the process: they are compared and never shown.
    checks: by command name without the prefix `check_`.
    """

    name: str
    url: str
    declared: bool
    declared_type: str | None = None
    overview: Heard[Overview] | Missed | NotAsked = _OFF
    nodes: Heard[tuple[BrokerNode, ...]] | Missed | NotAsked = _OFF
    plugin: Heard[PluginView] | Missed | NotAsked = _OFF
    consumers: Heard[Mapping[tuple[str, str], int]] | Missed | NotAsked = _OFF
    cluster_status: Heard[ClusterStatus] | Missed | NotAsked = _OFF
    cookie_hash: Heard[str] | Missed | NotAsked = _OFF
    cookie_file_hash: Heard[str] | Missed | NotAsked = _OFF
    cookie_sources: Heard[CookieSources] | Missed | NotAsked = _OFF
    checks: Mapping[str, Heard[CheckResult] | Missed | NotAsked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectsObservation:
    """Cluster-wide objects as one component sees them, asked of one of its nodes.

    asked: the node that was asked; component: the names of the nodes that it speaks for. unseen_vhosts: vhosts into
    which the agent's user may not look, so that their queues and policies are unknown and in no list here.
    """

    asked: str
    component: frozenset[str]
    queues: Heard[tuple[Queue, ...]] | Missed | NotAsked
    policies: Heard[tuple[Policy, ...]] | Missed | NotAsked
    operator_policies: Heard[tuple[Policy, ...]] | Missed | NotAsked
    vhosts: Heard[tuple[Vhost, ...]] | Missed | NotAsked
    unseen_vhosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterObservation:
    """One poll of one cluster. at: when the poll began, unix seconds; took: seconds it lasted.

    cluster: the configured name, else what the broker calls itself, else the first node's address.
    nodes: by name, declared nodes first. missing: names that answers listed earlier and nobody lists any more.
    """

    cluster: str
    at: float
    took: float
    nodes: tuple[NodeObservation, ...]
    objects: tuple[ObjectsObservation, ...]
    missing: frozenset[str] = frozenset()
