from __future__ import annotations

import pytest
from tests.unit.cluster.build import ABC, CONFIG, A, B, C, cluster, heard, missed, node, sees

from rabbitwatch.cluster.assess import assess
from rabbitwatch.model.broker import ClusterStatus


def _flag(state: str) -> ClusterStatus:
    return ClusterStatus(feature_flags=[{"name": "other", "state": "enabled"}, {"name": "khepri_db", "state": state}])


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (("3.8.0", "3.10.8", "3.12.14"), True),
        (("3.13.7", "3.13.7", "3.13.7"), None),
        (("4.2.0", "4.2.0", "4.2.0"), None),
        (("4.3.6", "4.3.6", "4.3.6"), False),
        (("3.12.1", "3.12.1", "3.13.0"), None),
        ((None, None, None), None),
        (("3.10.8", None, None), True),
        (("unheard-of", "3.10.8", "3.10.8"), None),
    ],
)
def test_whether_partitions_can_be_reported_by_version(versions: tuple[str | None, ...], expected: bool | None) -> None:
    nodes = [node(name, sees(ABC), version) for name, version in zip(ABC, versions, strict=True)]
    assert assess(cluster(nodes), CONFIG).partitions.reportable is expected


@pytest.mark.parametrize(("state", "expected"), [("enabled", False), ("disabled", True), ("unsupported", None)])
def test_the_feature_flag_decides_between_3_13_and_4_2(state: str, expected: bool | None) -> None:
    nodes = [node(name, sees(ABC), "4.0.5", cluster_status=heard(_flag(state))) for name in ABC]
    assert assess(cluster(nodes), CONFIG).partitions.reportable is expected


def test_nodes_that_tell_the_flag_differently_leave_it_unknown() -> None:
    flags = {A: "enabled", B: "disabled", C: "disabled"}
    nodes = [node(name, sees(ABC), "4.0.5", cluster_status=heard(_flag(flags[name]))) for name in ABC]
    assert assess(cluster(nodes), CONFIG).partitions.reportable is None


def test_a_ram_node_means_mnesia() -> None:
    nodes = [node(name, sees(ABC, more={C: {"type": "ram"}}), "3.13.7") for name in ABC]
    assert assess(cluster(nodes), CONFIG).partitions.reportable is True


def test_a_reported_partition_proves_that_it_can_be_reported() -> None:
    nodes = [node(name, sees(ABC, more={A: {"partitions": [B]}}), "3.13.7") for name in ABC]
    assert assess(cluster(nodes), CONFIG).partitions.reportable is True


def test_while_it_is_unknown_an_empty_list_says_nothing() -> None:
    found = assess(cluster([node(name, sees(ABC), "3.13.7") for name in ABC]), CONFIG)
    assert found.partitions.own == {}
    assert found.views.partitioned == {}


def test_a_list_that_is_not_told_is_not_an_empty_one() -> None:
    view = sees(ABC, more={A: {"partitions": None}})
    found = assess(cluster([node(A, view), node(B, view), node(C, view)]), CONFIG)
    assert found.partitions.own.keys() == {B, C}


def test_an_old_cluster_status_that_names_nobody_does_not_stand_in_for_a_node_that_hangs() -> None:
    nodes = [node(name, missed(), cluster_status=heard(ClusterStatus(partitions={}))) for name in ABC]
    assert assess(cluster(nodes), CONFIG).partitions.own == {}
