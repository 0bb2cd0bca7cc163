"""From assessed states to samples: one block per family, over all clusters. Pure.

A new family is one entry in its group; a new group is one file and one line here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from rabbitwatch.metrics import answers, cluster, nodes, queues, resources, sums, views
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.sample import Block

GROUPS = {
    "Views": views.COLLECTORS,
    "Cluster": cluster.COLLECTORS,
    "Nodes": nodes.COLLECTORS,
    "Resources of nodes": resources.COLLECTORS,
    "Queues": queues.COLLECTORS,
    "Sums over queues, and vhosts": sums.COLLECTORS,
    "Questions of the last poll": answers.COLLECTORS,
}

COLLECTORS = tuple(collector for group in GROUPS.values() for collector in group)


def blocks(states: Sequence[ClusterState]) -> list[Block]:
    """Every family with its rows; a family about which nothing is known has a block without rows.

    The clusters' names must differ, since they are all that tells two clusters' series apart.
    """
    return [
        Block(collector.family, tuple(chain.from_iterable([collector.rows(state) for state in states])))
        for collector in COLLECTORS
    ]
