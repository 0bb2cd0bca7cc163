"""Families about who sees whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rabbitwatch.metrics.family import MNESIA, VIEW, Rows, gauge
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.sample import Row

Matrix = Mapping[str, Mapping[str, float]]


def _cells(matrix: Callable[[ClusterState], Matrix]) -> Rows:
    def rows(state: ClusterState) -> Iterator[Row]:
        for observer, row in matrix(state).items():
            for about, value in row.items():
                yield (state.cluster, observer, about), value

    return rows


COLLECTORS = (
    gauge(
        "view_running",
        VIEW,
        _cells(lambda s: s.views.running),
        "1 where the observer says that the node runs, 0 where it says that it does not or does not list it. "
        "A node that did not answer is no observer.",
        source="/api/nodes of every node",
    ),
    gauge(
        "view_partitioned",
        VIEW,
        _cells(lambda s: s.views.partitioned),
        "1 where the observer lists the node as partitioned from itself, which brokers do only after the link has "
        "healed. No rows where the metadata store cannot report partitions, or it is unknown whether it can.",
        source="/api/nodes of every node, cluster_status",
        versions=MNESIA,
    ),
    gauge(
        "view_connected",
        VIEW,
        _cells(lambda s: s.views.connected),
        "1 where the observer's runtime has a distribution connection to the node. Evidence of its own: after a "
        "split has healed it is 1 everywhere although the databases may still be divided.",
        source="the broker's metrics plugin, erlang_vm_dist_node_state",
    ),
    gauge(
        "view_objects",
        ("cluster", "observer", "kind"),
        _cells(lambda s: s.views.objects),
        "How many connections, channels, consumers, exchanges and queues the observer counts in the whole cluster. "
        "Observers that lastingly differ look at different clusters.",
        source="/api/overview of every node",
    ),
    gauge(
        "view_queues",
        ("cluster", "observer", "vhost"),
        _cells(lambda s: s.views.queues),
        "How many included queues the vhost has, to the node that was asked on behalf of its component.",
        source="/api/queues of one node of every component",
    ),
)
