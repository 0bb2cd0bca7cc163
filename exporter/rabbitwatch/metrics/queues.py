"""Families about single queues: those that the cap shows.

These are most of a page, so their rows are built in one pass each; all share the queue's own label tuple.
"""

from __future__ import annotations

from rabbitwatch.metrics.family import QUEUE, TO_3_13, gauge, info
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.sample import Row

_QUEUES = "/api/queues of one node of every component"
_POLICIES = "/api/queues, /api/policies, /api/operator-policies"
_RAFT = "quorum queues and streams, where the broker tells"


_FLAG = {None: "", True: "true", False: "false"}


def _info(state: ClusterState) -> list[Row]:
    return [
        (
            (
                *q.labels,
                q.node,
                q.type,
                q.state,
                q.policy,
                q.operator_policy,
                q.ha_mode,
                q.promote_on_failure,
                _FLAG[q.durable],
                _FLAG[q.exclusive],
            ),
            1,
        )
        for q in state.queues.shown
    ]


def _messages(state: ClusterState) -> list[Row]:
    return [(q.labels, q.messages) for q in state.queues.shown if q.messages is not None]


def _ready(state: ClusterState) -> list[Row]:
    return [(q.labels, q.ready) for q in state.queues.shown if q.ready is not None]


def _unacknowledged(state: ClusterState) -> list[Row]:
    return [(q.labels, q.unacknowledged) for q in state.queues.shown if q.unacknowledged is not None]


def _consumers(state: ClusterState) -> list[Row]:
    return [(q.labels, q.consumers) for q in state.queues.shown if q.consumers is not None]


def _mirrors(state: ClusterState) -> list[Row]:
    return [(q.labels, q.mirrors) for q in state.queues.shown if q.mirrors is not None]


def _synchronised(state: ClusterState) -> list[Row]:
    return [(q.labels, q.synchronised) for q in state.queues.shown if q.synchronised is not None]


def _expected(state: ClusterState) -> list[Row]:
    return [(q.labels, q.expected) for q in state.queues.shown if q.expected is not None]


def _at_risk(state: ClusterState) -> list[Row]:
    return [(q.labels, q.at_risk) for q in state.queues.shown if q.at_risk is not None]


def _sync_messages(state: ClusterState) -> list[Row]:
    return [(q.labels, q.sync_messages) for q in state.queues.shown if q.sync_messages is not None]


def _members(state: ClusterState) -> list[Row]:
    return [(q.labels, q.members) for q in state.queues.shown if q.members is not None]


def _online(state: ClusterState) -> list[Row]:
    return [(q.labels, q.online) for q in state.queues.shown if q.online is not None]


def _has_leader(state: ClusterState) -> list[Row]:
    return [(q.labels, q.has_leader) for q in state.queues.shown if q.has_leader is not None]


COLLECTORS = (
    info(
        "queue",
        (
            *QUEUE,
            "node",
            "type",
            "state",
            "policy",
            "operator_policy",
            "ha_mode",
            "promote_on_failure",
            "durable",
            "exclusive",
        ),
        _info,
        "What may change about a queue: its leader's node, its state (running also stands for idle and flow), the "
        "policies in effect, what they ask for. promote_on_failure says what becomes of messages at risk: always "
        "loses them, when-synced keeps the queue down. Empty where it does not apply or is not told.",
        source=_POLICIES,
    ),
    gauge("queue_messages", QUEUE, _messages, "Messages in the queue, ready and unacknowledged.", source=_QUEUES),
    gauge("queue_messages_ready", QUEUE, _ready, "Messages that wait for a consumer.", source=_QUEUES),
    gauge(
        "queue_messages_unacknowledged",
        QUEUE,
        _unacknowledged,
        "Messages that a consumer has and has not acknowledged.",
        source=_QUEUES,
    ),
    gauge(
        "queue_consumers",
        QUEUE,
        _consumers,
        "Consumers of the queue. Absent where the metrics plugin of its leader's node did not tell.",
        source="the broker's metrics plugin, on the leader's node",
    ),
    gauge(
        "queue_mirrors",
        QUEUE,
        _mirrors,
        "Mirrors that the queue has, its leader not counted. Only mirrored queues have a row.",
        source=_QUEUES,
        versions=TO_3_13,
    ),
    gauge(
        "queue_mirrors_synchronised",
        QUEUE,
        _synchronised,
        "Mirrors that have every message of the queue. Only mirrored queues have a row.",
        source=_QUEUES,
        versions=TO_3_13,
    ),
    gauge(
        "queue_mirrors_expected",
        QUEUE,
        _expected,
        "Mirrors that the policies in effect ask for, given the nodes that run: all = running - 1, exactly N = "
        "min(N, running) - 1, nodes = those listed that run, the leader's not counted. No row for a queue that no "
        "policy mirrors, and none for exclusive queues, which are never mirrored.",
        source=_POLICIES,
        versions=TO_3_13,
    ),
    gauge(
        "queue_messages_at_risk",
        QUEUE,
        _at_risk,
        "Messages that are gone if the leader's node is: all of a queue that a policy mirrors and that has no "
        "synchronised mirror, else 0. Also when no other node runs, so that no mirror is expected.",
        source=_POLICIES,
        versions=TO_3_13,
    ),
    gauge(
        "queue_sync_messages",
        QUEUE,
        _sync_messages,
        "Messages that the synchronisation in progress has copied. The queue is blocked until it is done.",
        source=_QUEUES,
        versions=TO_3_13,
    ),
    gauge("queue_members", QUEUE, _members, f"Members of the queue: {_RAFT}.", source=_QUEUES, versions="3.8 on"),
    gauge(
        "queue_members_online",
        QUEUE,
        _online,
        f"Members whose node runs: {_RAFT}. It does not mean that they have caught up.",
        source=_QUEUES,
        versions="3.8 on",
    ),
    gauge(
        "queue_has_leader",
        QUEUE,
        _has_leader,
        f"1 when the queue has a leader on a node that runs, else 0: {_RAFT}.",
        source=_QUEUES,
        versions="3.8 on",
    ),
)
