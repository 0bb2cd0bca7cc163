"""Unanswered questions of a poll become gaps by cluster, node and observer."""

from __future__ import annotations

from tests.unit.cluster.build import CONFIG, A, B, C, cluster, missed, node, sees

from rabbitwatch.alerting.coverage import Coverage, Gap, Input
from rabbitwatch.alerting.gaps import coverage
from rabbitwatch.cluster.assess import assess
from rabbitwatch.model.observation import NodeObservation
from rabbitwatch.model.sample import Family, Kind
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.storage import MemoryStorage


def family(name: str, *labels: str) -> Family:
    return Family(name=name, kind=Kind.GAUGE, labels=labels, help="", source="")


FAMILIES = [
    family("cluster_nodes", "cluster"),
    family("node_up", "cluster", "node"),
    family("view_running", "cluster", "observer", "node"),
    family("build_info", "version"),
]


def after(*nodes: NodeObservation) -> Coverage:
    return coverage([assess(cluster(nodes), CONFIG)], FAMILIES)


def test_a_poll_that_heard_all_has_no_gaps() -> None:
    found = after(*(node(name, sees((A, B, C))) for name in (A, B, C)))
    assert not found
    assert found.gaps == ()


def test_a_silent_node_may_miss_what_it_tells_of_itself_and_what_it_sees() -> None:
    found = after(node(A, sees((A, B))), node(B, sees((A, B))), node(C, missed()))
    (name,) = {gap.labels["cluster"] for gap in found.gaps}
    assert list(found.gaps) == [
        Gap({"cluster": name}, frozenset({"cluster_nodes", "node_up", "view_running"})),
        Gap({"cluster": name, "node": C}, frozenset({"node_up", "view_running"})),
        Gap({"cluster": name, "observer": C}, frozenset({"view_running"})),
    ]


def test_a_gap_counts_only_where_its_series_are_gone() -> None:
    storage = MemoryStorage()
    gap = Gap({"cluster": "c", "node": C}, frozenset({"node_up"}))
    inputs = [Input("node_up", ())]
    assert Coverage([gap]).blinding(inputs, storage, 60_000) == [gap]
    storage.append(LabelSet.of({"__name__": "node_up", "cluster": "c", "node": C}), 60_000, 0.0)
    assert Coverage([gap]).blinding(inputs, storage, 60_000) == []
