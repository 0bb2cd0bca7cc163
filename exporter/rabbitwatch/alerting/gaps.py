"""From the questions of a poll that were not answered to the gaps that hold alerts (coverage.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rabbitwatch.alerting.coverage import Coverage, Gap
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.sample import Family

_BY_NODE = ("node", "observer")


def coverage(states: Sequence[ClusterState], families: Iterable[Family]) -> Coverage:
    """What the last poll of each cluster missed.

    Which answer feeds which family is not spelt out: a node that left any question unanswered may be missing from
    every family, and the samples decide, because a gap counts only where its series are really gone.
    """
    known = list(families)
    return Coverage([gap for state in states for gap in _of_cluster(state, known)])


def _of_cluster(state: ClusterState, families: Sequence[Family]) -> Iterator[Gap]:
    silent = sorted({source.node for source in state.sources if not source.heard})
    if not silent:
        return
    yield Gap({"cluster": state.cluster}, frozenset(f.name for f in families if "cluster" in f.labels))
    for label in _BY_NODE:
        names = frozenset(family.name for family in families if {"cluster", label} <= set(family.labels))
        for node in silent if names else ():
            yield Gap({"cluster": state.cluster, label: node}, names)
