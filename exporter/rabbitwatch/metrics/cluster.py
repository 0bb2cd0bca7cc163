"""Families about the cluster as a whole, its queues aside."""

from __future__ import annotations

from collections.abc import Mapping

from rabbitwatch.metrics.family import CLUSTER, MNESIA, TO_3_13, counter, gauge, one
from rabbitwatch.model.cluster import ClusterState

COMPARISON = "comparison of /api/nodes of every node"

_RESETS = "The sum over the nodes that run, since each started: falls when one stops, so `rate` may overstate it then."


def _seen(state: ClusterState, value: int) -> int | None:
    """A figure that means something only when somebody answered."""
    return value if state.components else None


def _counted(state: ClusterState, kind: str) -> int | None:
    return _together(state, state.views.objects, kind)


def _since_start(state: ClusterState, name: str) -> int | None:
    return _together(state, state.views.counts, name)


def _together(state: ClusterState, told: Mapping[str, Mapping[str, int]], kind: str) -> int | None:
    """What the components count together; each speaks through its first member that counted."""
    counts = []
    for group in state.components:
        observers = (told.get(name, {}) for name in sorted(group))
        counts.append(next((row[kind] for row in observers if kind in row), None))
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


COLLECTORS = (
    gauge(
        "cluster_nodes",
        CLUSTER,
        one(lambda s: len(s.nodes)),
        "Members of the cluster: configured, listed by any node, or missing. Does not shrink when a node dies.",
        source="configuration, /api/nodes of every node",
    ),
    gauge(
        "cluster_nodes_up",
        CLUSTER,
        one(lambda s: sum(node.answered is True for node in s.nodes)),
        "Members whose management API answered in this poll.",
        source="/api/nodes and /api/overview of every node",
    ),
    gauge(
        "cluster_nodes_running",
        CLUSTER,
        one(lambda s: _seen(s, sum(node.running is True for node in s.nodes))),
        "Members of which any node that answered says that they run. Absent when none answered.",
        source=COMPARISON,
    ),
    gauge(
        "cluster_components",
        CLUSTER,
        one(lambda s: _seen(s, len(s.components))),
        "Into how many groups that cannot see each other the nodes that answered fall: 1 is healthy, 2 and more is "
        "a split, seen while the link is cut. Two nodes belong together when each says that the other runs, directly "
        "or through others. Absent when no node answered.",
        source=COMPARISON,
    ),
    gauge(
        "cluster_running_sets",
        CLUSTER,
        one(lambda s: _seen(s, len(s.views.running_sets))),
        "How many different answers there are to the question which nodes run: 1 when all agree.",
        source=COMPARISON,
    ),
    gauge(
        "cluster_asymmetric_views",
        CLUSTER,
        one(lambda s: _seen(s, len(s.views.asymmetric))),
        "Pairs of nodes of which the first says that the second runs, and the second says that the first does not: "
        "a one-way cut, or databases divided behind connections that work.",
        source=COMPARISON,
    ),
    gauge(
        "cluster_partitions_reportable",
        CLUSTER,
        one(lambda s: s.partitions.reportable),
        "1 where the metadata store can report partitions (Mnesia), 0 where it never does (Khepri). "
        "Absent while it is unknown.",
        source="version, the feature flag khepri_db in cluster_status, node types, reported partitions",
    ),
    gauge(
        "cluster_partitioned_nodes",
        CLUSTER,
        one(lambda s: _seen(s, len(s.partitions.nodes)) if s.partitions.reportable else None),
        "Nodes on either side of a partition that any answer reports, united over all answers. "
        "Stays above 0 after the link has healed, until nodes are restarted.",
        source="/api/nodes of every node, every entry; cluster_status",
        versions=MNESIA,
    ),
    gauge(
        "cluster_disc_nodes_running",
        CLUSTER,
        one(lambda s: s.disc_nodes_running),
        "Disc nodes that run. At 0 the definitions of queues, users and policies are in memory only, and gone when "
        "the last node stops. Absent while the type of a running node is unknown.",
        source="/api/nodes of every node, cluster_status",
    ),
    gauge(
        "cluster_cookie_groups",
        CLUSTER,
        one(lambda s: s.cookie_groups),
        "How many different Erlang cookies the nodes have whose cookie is known: 1 is healthy. Absent while fewer "
        "than two are known in a cluster of several nodes.",
        source="rabbitmq-diagnostics erlang_cookie_hash on each node, cookie files",
    ),
    gauge(
        "cluster_versions",
        CLUSTER,
        one(lambda s: len(s.versions) or None),
        "How many different broker versions the running nodes have.",
        source="/api/overview of every node, cluster_status",
    ),
    gauge(
        "cluster_mirroring_supported",
        CLUSTER,
        one(lambda s: s.mirroring_supported),
        "1 where this broker has classic mirrors (to 3.13), 0 where it has not. Absent when unknown or mixed.",
        source="/api/overview of every node",
    ),
    gauge(
        "cluster_connections",
        CLUSTER,
        one(lambda s: _counted(s, "connections")),
        "Client connections, summed over components.",
        source="/api/overview",
    ),
    gauge(
        "cluster_channels",
        CLUSTER,
        one(lambda s: _counted(s, "channels")),
        "Channels, summed over components.",
        source="/api/overview",
    ),
    gauge(
        "cluster_consumers",
        CLUSTER,
        one(lambda s: _counted(s, "consumers")),
        "Consumers, summed over components; of all queues, included or not.",
        source="/api/overview",
    ),
    counter(
        "cluster_connections_opened_total",
        CLUSTER,
        one(lambda s: _since_start(s, "connection_created")),
        f"Client connections that were opened. {_RESETS}",
        source="/api/overview, churn_rates",
    ),
    counter(
        "cluster_connections_closed_total",
        CLUSTER,
        one(lambda s: _since_start(s, "connection_closed")),
        f"Client connections that were closed. {_RESETS}",
        source="/api/overview, churn_rates",
    ),
    counter(
        "cluster_messages_dropped_unroutable_total",
        CLUSTER,
        one(lambda s: _since_start(s, "drop_unroutable")),
        f"Published messages that matched no queue and were dropped. {_RESETS}",
        source="/api/overview, message_stats",
    ),
    counter(
        "cluster_messages_returned_unroutable_total",
        CLUSTER,
        one(lambda s: _since_start(s, "return_unroutable")),
        f"Published messages that matched no queue and were returned to their publisher, as it asked. {_RESETS}",
        source="/api/overview, message_stats",
    ),
    gauge(
        "cluster_contested_queues",
        CLUSTER,
        one(lambda s: s.queues.contested if s.queues.complete else None),
        "Queues that more than one component tells, with different leaders: the two sides of a split have gone "
        "separate ways with them.",
        source="/api/queues of one node of every component",
        versions=TO_3_13,
    ),
)
