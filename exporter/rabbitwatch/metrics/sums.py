"""Families of sums over queues, by vhost and for the cluster. Hidden queues are in them.

They are absent, rather than too low, while a component does not tell its queues; those about mirrors also where the
broker's version has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rabbitwatch.cluster.drift import CHANGED, MISSING, UNEXPECTED
from rabbitwatch.metrics.family import CLUSTER, TO_3_13, VHOST, Collector, Rows, gauge, one
from rabbitwatch.model.cluster import ClusterState, QueueTotals
from rabbitwatch.model.sample import Row

_SOURCE = "/api/queues of one node of every component"


@dataclass(frozen=True, slots=True)
class _Sum:
    name: str
    value: Callable[[QueueTotals], int | None]
    help: str
    source: str = _SOURCE
    versions: str = "all"


_SUMS = (
    _Sum("queues", lambda t: t.queues, "Queues that are included."),
    _Sum("messages", lambda t: t.messages, "Messages in queues, as far as queues tell."),
    _Sum("messages_ready", lambda t: t.ready, "Messages that wait for a consumer."),
    _Sum("messages_unacknowledged", lambda t: t.unacknowledged, "Messages that consumers have not acknowledged."),
    _Sum(
        "messages_at_risk",
        lambda t: t.at_risk,
        "Messages in mirrored queues that have no synchronised mirror.",
        versions=TO_3_13,
    ),
    _Sum(
        "unsynchronised_mirrors",
        lambda t: t.unsynchronised,
        "Mirrors that exist and have not caught up.",
        versions=TO_3_13,
    ),
    _Sum(
        "missing_mirrors",
        lambda t: t.missing,
        "Mirrors that policies ask for, given the nodes that run, and that do not exist.",
        versions=TO_3_13,
    ),
    _Sum(
        "unmirrored_queues",
        lambda t: t.unmirrored,
        "Durable classic queues that no policy mirrors, in a cluster of several nodes that could.",
        versions=TO_3_13,
    ),
    _Sum(
        "queues_depth_unknown",
        lambda t: t.depth_unknown,
        "Queues that do not tell how many messages they hold, such as those on a dead node, and streams.",
    ),
    _Sum(
        "queue_consumers",
        lambda t: t.consumers,
        "Consumers of included queues. Absent unless every queue's are known.",
        source="the broker's metrics plugin on every node",
    ),
)


def _applies(total: _Sum, state: ClusterState) -> bool:
    return total.versions != TO_3_13 or state.mirroring_supported is not False


def _of_cluster(total: _Sum) -> Rows:
    def value(state: ClusterState) -> int | None:
        sums = state.queues.totals
        return total.value(sums) if sums is not None and _applies(total, state) else None

    return one(value)


def _of_vhosts(total: _Sum) -> Rows:
    def rows(state: ClusterState) -> Iterator[Row]:
        for vhost, sums in state.queues.by_vhost.items() if _applies(total, state) else ():
            found = total.value(sums)
            if found is not None:
                yield (state.cluster, vhost), found

    return rows


def _both(total: _Sum) -> tuple[Collector, Collector]:
    def at(level: str, labels: tuple[str, ...], rows: Rows, of: str) -> Collector:
        help_text = f"{total.help} {of}, hidden queues included."
        return gauge(f"{level}_{total.name}", labels, rows, help_text, source=total.source, versions=total.versions)

    return (
        at("cluster", CLUSTER, _of_cluster(total), "In the whole cluster"),
        at("vhost", VHOST, _of_vhosts(total), "In the vhost"),
    )


def _table(labelled: Callable[[ClusterState], Mapping[str, float]]) -> Rows:
    def rows(state: ClusterState) -> Iterator[Row]:
        for name, value in labelled(state).items():
            yield (state.cluster, name), value

    return rows


def _policy_drift(state: ClusterState) -> Iterator[Row]:
    rows: dict[tuple[str, str, str], bool] = {}
    for policy in state.policies.declared:
        for kind in (MISSING, CHANGED):
            key = policy.vhost, policy.name, kind
            rows[key] = rows.get(key, False) or policy.drift == kind
    rows.update(((other.vhost, other.name, UNEXPECTED), True) for other in state.policies.unexpected)
    for key, value in rows.items():
        yield (state.cluster, *key), value


def _vhost_up(state: ClusterState) -> Iterator[Row]:
    for vhost, states in state.vhosts.items():
        for node, runs in states.items():
            yield (state.cluster, vhost, node), runs


COLLECTORS = (
    *(collector for total in _SUMS for collector in _both(total)),
    gauge(
        "cluster_queues_hidden",
        CLUSTER,
        one(lambda s: s.queues.hidden if s.queues.complete else None),
        "Included queues that have no series of their own, because queues.limit shows only the deepest and all "
        "unhealthy ones.",
        source="configuration, /api/queues",
    ),
    gauge(
        "cluster_queues_by_state",
        ("cluster", "state"),
        _table(lambda s: s.queues.by_state),
        "Queues by state. running also stands for idle and flow; syncing, minority, down, crashed, stopped and "
        "terminated always have a row.",
        source=_SOURCE,
    ),
    gauge(
        "vhost_ambiguous_policy_queues",
        VHOST,
        _table(lambda s: s.queues.ambiguous),
        "Queues that two policies of equal priority match, so that the broker's choice is undefined. Absent for a "
        "vhost where such policies use a regex that RE2 does not know.",
        source="/api/policies, /api/queues",
    ),
    gauge(
        "policy_drift",
        ("cluster", "vhost", "policy", "kind"),
        _policy_drift,
        "1 when the policy is not as the configuration declares it, by kind: missing (declared, and not there), "
        "changed (its pattern, apply-to, priority or definition is another) or unexpected (there, and not declared, in "
        "a vhost for which others are). Declared policies always have a row for missing and changed; a policy and an "
        "operator policy of one name share their rows.",
        source="configuration, /api/policies, /api/operator-policies",
    ),
    gauge(
        "vhost_undeclared_policies",
        VHOST,
        _table(lambda s: s.policies.undeclared),
        "Policies that the configuration does not declare, in vhosts for which it declares any.",
        source="configuration, /api/policies, /api/operator-policies",
    ),
    gauge(
        "vhost_up",
        ("cluster", "vhost", "node"),
        _vhost_up,
        "1 when the vhost runs on the node, 0 when it is stopped there. No row for a node that cannot be reached.",
        source="/api/vhosts of one node of every component",
    ),
)
