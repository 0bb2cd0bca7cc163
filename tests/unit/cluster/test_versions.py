from __future__ import annotations

import pytest
from tests.unit.cluster.build import ABC, CONFIG, A, cluster, heard, missed, node, sees

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.versions import SYNC_CRITICAL_CHECK, has_mirroring, release
from rabbitwatch.model.broker import ClusterStatus
from rabbitwatch.model.observation import CheckResult


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.10.8", (3, 10)),
        ("4.0.0-rc.1", (4, 0)),
        ("3.12.0+12.gabc", (3, 12)),
        ("", None),
        (None, None),
        ("v3", None),
    ],
)
def test_release(version: str | None, expected: tuple[int, int] | None) -> None:
    assert release(version) == expected


@pytest.mark.parametrize(
    ("versions", "expected"),
    [({"3.13.7"}, True), ({"4.0.5"}, False), ({"3.13.7", "4.0.5"}, None), (set(), None), ({"?"}, None)],
)
def test_mirroring_ended_with_4_0(versions: set[str], expected: bool | None) -> None:
    assert has_mirroring(versions) is expected


@pytest.mark.parametrize(
    ("version", "expected"), [("3.10.8", {SYNC_CRITICAL_CHECK, "alarms"}), ("4.0.5", {"alarms"}), (None, {"alarms"})]
)
def test_a_check_that_passes_without_looking_is_no_check(version: str | None, expected: set[str]) -> None:
    passed = heard(CheckResult(True, ""))
    asked = node(A, sees([A], [A]), version, checks={SYNC_CRITICAL_CHECK: passed, "alarms": passed, "z": missed()})
    assert set(assess(cluster([asked]), CONFIG).nodes[0].checks) == expected


def test_versions_come_from_the_command_where_the_api_is_silent() -> None:
    versions = {A: {"rabbitmq_version": "3.10.8", "erlang_version": "25.2.3"}}
    status = heard(ClusterStatus(disk_nodes=[A], versions=versions))
    found = assess(cluster([node(A, missed(), cluster_status=status)]), CONFIG).nodes[0]
    assert (found.version, found.erlang_version) == ("3.10.8", "25.2.3")


def test_mixed_versions_count_running_nodes_only() -> None:
    nodes = [node(name, sees(ABC), version) for name, version in zip(ABC, ("3.10.8", "3.10.8", "3.12.1"), strict=True)]
    assert assess(cluster(nodes), CONFIG).versions == {"3.10.8", "3.12.1"}
