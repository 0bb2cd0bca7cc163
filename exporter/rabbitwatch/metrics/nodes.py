"""Families about single nodes: do they answer, run, match what is declared, share the cookie."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rabbitwatch.metrics.family import MNESIA, NODE, Rows, gauge, info
from rabbitwatch.model.cluster import ClusterState, NodeState, PollState
from rabbitwatch.model.sample import Row


def each(value: Callable[[NodeState], float | None]) -> Rows:
    """One row per node, none where the value is unknown."""

    def rows(state: ClusterState) -> Iterator[Row]:
        for node in state.nodes:
            found = value(node)
            if found is not None:
                yield (state.cluster, node.name), found

    return rows


def _up(node: NodeState) -> bool | None:
    return False if node.missing and node.answered is None else node.answered


def _poll_states(state: ClusterState) -> Iterator[Row]:
    for node in state.nodes:
        if node.poll_state is not None:
            for one in PollState:
                yield (state.cluster, node.name, one.value), node.poll_state is one


def _types(state: ClusterState) -> Iterator[Row]:
    for node in state.nodes:
        if node.type is not None:
            yield (state.cluster, node.name, node.type), 1


def _partitions(state: ClusterState) -> Iterator[Row]:
    for name, peers in state.partitions.own.items():
        yield (state.cluster, name), len(peers)


def _checks(state: ClusterState) -> Iterator[Row]:
    for node in state.nodes:
        for check, passed in node.checks.items():
            yield (state.cluster, node.name, check), passed


def _versions(state: ClusterState) -> Iterator[Row]:
    for node in state.nodes:
        if node.version:
            yield (state.cluster, node.name, node.version, node.erlang_version or ""), 1


def _leaders(state: ClusterState) -> Iterator[Row]:
    for name, count in state.queues.leaders.items():
        yield (state.cluster, name), count


COLLECTORS = (
    gauge(
        "node_up",
        NODE,
        each(_up),
        "1 when the node's own management API answered in this poll, else 0. Every member that is asked has a row, "
        "dead and missing ones too. A node that does not answer need not be down: see rabbitwatch_node_poll_state "
        "and rabbitwatch_view_running.",
        source="/api/nodes and /api/overview of the node",
    ),
    gauge(
        "node_poll_state",
        ("cluster", "node", "state"),
        _poll_states,
        "How asking the node for its view went: 1 for the state that it is in, 0 for the others. Before a cut link "
        "is noticed, the API of every node hangs: that is timeout, not refused.",
        source="/api/nodes of the node",
    ),
    gauge(
        "node_missing",
        NODE,
        each(lambda n: n.missing),
        "1 for a member that answers listed earlier and nobody lists any more.",
        source="/api/nodes of every node",
    ),
    gauge(
        "node_declared",
        NODE,
        each(lambda n: n.declared),
        "1 for a node that the configuration lists, 0 for one that was discovered.",
        source="configuration",
    ),
    gauge(
        "node_component_size",
        NODE,
        each(lambda n: n.component_size),
        "How many nodes are in the component of this node, itself included. Less than "
        "rabbitwatch_cluster_nodes_running on every side of a split.",
        source="comparison of /api/nodes of every node",
    ),
    gauge(
        "node_partitions",
        NODE,
        _partitions,
        "Peers that the node itself reports as partitioned. Only after the link has healed, and at different times "
        "on different nodes. No rows where the metadata store cannot report partitions, or it is unknown.",
        source="/api/nodes and cluster_status of the node",
        versions=MNESIA,
    ),
    gauge(
        "node_type",
        ("cluster", "node", "type"),
        _types,
        "1 for the type that the node has: disc or ram.",
        source="/api/nodes, cluster_status",
    ),
    gauge(
        "node_type_mismatch",
        NODE,
        each(lambda n: n.type_mismatch),
        "1 when the node's type is not the declared one. Only nodes with a declared type have a row.",
        source="configuration, /api/nodes, cluster_status",
    ),
    gauge(
        "node_cookie_mismatch",
        NODE,
        each(lambda n: n.cookie_mismatch),
        "1 when the node's Erlang cookie is not that of the largest group of nodes; on all when no group is the "
        "largest. Only nodes whose cookie is known have a row.",
        source="rabbitmq-diagnostics erlang_cookie_hash on each node, cookie files",
    ),
    gauge(
        "node_cookie_file_differs",
        NODE,
        each(lambda n: n.cookie_file_differs),
        "1 when the cookie file no longer holds the cookie that the node runs with: after its next start it cannot "
        "join.",
        source="rabbitmq-diagnostics erlang_cookie_hash, cookie file",
    ),
    gauge(
        "node_check_passed",
        ("cluster", "node", "check"),
        _checks,
        "1 when the health check rabbitmq-diagnostics check_<check> passed on the node, 0 when it failed. "
        "Checks that mean nothing on the node's version have no row.",
        source="rabbitmq-diagnostics check_*",
    ),
    gauge(
        "node_queue_leaders",
        NODE,
        _leaders,
        "Of how many included queues the node holds the leader.",
        source="/api/queues of one node of every component",
    ),
    info(
        "node_version",
        ("cluster", "node", "rabbitmq_version", "erlang_version"),
        _versions,
        "The versions that the node runs.",
        source="/api/overview of the node, cluster_status",
    ),
)
