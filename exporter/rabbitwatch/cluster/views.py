"""Who sees whom: every node's own answer laid side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rabbitwatch.model.broker import BrokerNode
from rabbitwatch.model.graph import components
from rabbitwatch.model.observation import ClusterObservation, Heard, NodeObservation, told

LINK_UP = 3
"""erlang_vm_dist_node_state of a distribution connection that works."""

COUNTED = ("connections", "channels", "consumers", "exchanges", "queues")
"""The counts of /api/overview that are compared between nodes."""

Entries = Mapping[str, Mapping[str, BrokerNode]]


def entries(observation: ClusterObservation) -> dict[str, dict[str, BrokerNode]]:
    """Observer -> node -> what the observer's /api/nodes says about it; only observers that answered."""
    return {
        node.name: {entry.name: entry for entry in node.nodes.value}
        for node in observation.nodes
        if isinstance(node.nodes, Heard)
    }


def listed(heard: Entries) -> frozenset[str]:
    """Every name that somebody lists, and the observers themselves."""
    return frozenset(heard) | {name for row in heard.values() for name in row}


def running(heard: Entries) -> dict[str, dict[str, bool]]:
    """Observer -> node -> does it say that the node runs. A node that only others list does not run, to it."""
    names = sorted(listed(heard))
    return {observer: dict(_says(row, names)) for observer, row in heard.items()}


def _says(row: Mapping[str, BrokerNode], names: list[str]) -> Iterator[tuple[str, bool]]:
    for name in names:
        entry = row.get(name)
        if entry is None:
            yield name, False
        elif entry.running is not None:
            yield name, entry.running


def groups(views: Mapping[str, Mapping[str, bool]]) -> tuple[frozenset[str], ...]:
    """The components, largest first; a node that did not answer is in none."""
    return components({observer: frozenset(n for n, runs in row.items() if runs) for observer, row in views.items()})


def connected(observation: ClusterObservation, members: frozenset[str]) -> dict[str, dict[str, bool]]:
    """Observer -> member -> is there a distribution connection, as the observer's metrics plugin tells.

    Links to names that are no members, such as command-line tools, are left out.
    """
    return {
        node.name: {peer: view.links.get(peer) == LINK_UP for peer in sorted(members - {node.name})}
        for node in observation.nodes
        if (view := told(node.plugin)) is not None
    }


def objects(observation: ClusterObservation) -> dict[str, dict[str, int]]:
    """Observer -> kind of object -> how many of them the observer counts in the whole cluster."""
    return {node.name: counts for node in observation.nodes if (counts := _counts(node))}


SINCE_START = {
    "connection_created": "churn_rates",
    "connection_closed": "churn_rates",
    "drop_unroutable": "message_stats",
    "return_unroutable": "message_stats",
}
"""Counters of /api/overview, and where they stand in it."""


def counts(observation: ClusterObservation) -> dict[str, dict[str, int]]:
    """Observer -> counter -> what the statistics of the cluster's nodes have counted since they started."""
    return {node.name: found for node in observation.nodes if (found := _since_start(node))}


def _since_start(node: NodeObservation) -> dict[str, int]:
    overview = told(node.overview)
    found = {}
    for name, part in SINCE_START.items() if overview else ():
        count = (getattr(overview, part) or {}).get(name)
        if isinstance(count, int):
            found[name] = count
    return found


def _counts(node: NodeObservation) -> dict[str, int]:
    overview = told(node.overview)
    totals = (overview.object_totals or {}) if overview else {}
    return {kind: count for kind in COUNTED if isinstance(count := totals.get(kind), int)}
