"""What the program says of 4.0 and 4.3: no mirrors, in 4.3 no partitions and no ram nodes; a split shows as ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, LabFactory, Paging
from tests.cluster.observer import Observer, Seen, observing
from tests.support.waiting import NOTICED, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ONE, THREE = "rabbit@rabbit1", "rabbit@rabbit3"
# Mnesia is the store of a new 4.0 cluster, Khepri the only one in 4.3
REPORTABLE = {"4.0": 1, "4.3": 0}


@pytest.fixture(scope="module", params=list(REPORTABLE))
def lab(request: pytest.FixtureRequest, lab_factory: LabFactory) -> Iterator[Lab]:
    lab = lab_factory("--nodes", "3", "--version", request.param, "--net-ticktime", "10")
    yield lab
    lab.down()


@pytest.fixture
def reportable(lab: Lab) -> int:
    return next(value for version, value in REPORTABLE.items() if lab.status()["version"].startswith(version))


@pytest.fixture
def observer(lab: Lab, tmp_path: Path) -> Iterator[Observer]:
    with observing(lab.config_text(), tmp_path) as one:
        yield one


def whole(seen: Seen) -> bool:
    """Every node answers and all see each other."""
    return seen.value("cluster_nodes_up") == 3 and set(seen.rows("view_running").values()) == {1}


def test_healthy_with_nothing_that_this_version_lacks(lab: Lab, tmp_path: Path, reportable: int) -> None:
    Api(lab.url("rabbit1"), "admin", lab.admin_password).queue("classic", messages=3)
    with observing(lab.config_text(), tmp_path, diagnostics=True) as observer:
        observer.until(lambda s: whole(s) and s.value("queue_messages", "/", "classic") == 3, NOTICED, "it has settled")
        seen = observer.look(diagnostics=True)
    assert whole(seen)
    assert seen.value("cluster_components") == 1
    assert seen.value("cluster_partitions_reportable") == reportable
    assert seen.value("cluster_mirroring_supported") == 0
    assert seen.value("queue_messages", "/", "classic") == 3
    for name in ("queue_mirrors", "queue_mirrors_expected", "queue_messages_at_risk", "cluster_unsynchronised_mirrors"):
        assert seen.rows(name) == {}, name
    if not reportable:
        assert seen.rows("node_partitions") == seen.rows("view_partitioned") == {}
        assert seen.value("cluster_partitioned_nodes") is None
    assert seen.value("cluster_cookie_groups") == 1
    assert seen.kinds == set(), seen.cycle.findings
    checks = {check for _, check in seen.rows("node_check_passed")}
    assert "if_node_is_quorum_critical" in checks
    assert "if_node_is_mirror_sync_critical" not in checks, "it says ok there whatever is the case"


def test_a_synchronisation_does_not_apply_and_says_so(lab: Lab, tmp_path: Path) -> None:
    Api(lab.url("rabbit1"), "admin", lab.admin_password).queue("classic", messages=3)
    path = tmp_path / "agent.yml"
    declared = "    policies: [{vhost: /, name: ha, pattern: '.*', apply_to: queues, definition: {ha-mode: all}}]\n"
    for text in (lab.config_text(), lab.config_text() + declared):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        argv = [sys.executable, "-m", "rabbitwatch", "resync", "--cluster", "lab", "--config", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        said = " ".join(done.stdout.split())
        assert "nothing to do" in said
        assert "RabbitMQ 4 has no mirrored queues" in said
        assert ("RabbitMQ 4 has no mirroring and refuses ha-* keys" in said) == (text != lab.config_text())


@pytest.mark.fires("RabbitMQDrainingTooLong")
def test_a_node_that_stays_in_maintenance_mode(lab: Lab, paging: Paging) -> None:
    lab.run("exec", "rabbit3", "--", "rabbitmq-upgrade", "drain")
    try:
        with paging(lab, step=240) as pager:
            until(lambda: pager.look().seen.value("node_draining", THREE), "its peers know that it drains")
            told = pager.minutes(32)
    finally:
        lab.run("exec", "rabbit3", "--", "rabbitmq-upgrade", "revive")
    assert told.names == set(), "it is done on purpose"
    assert [alert["node"] for alert in told.firing["RabbitMQDrainingTooLong"]] == [THREE]


def test_a_split_shows_in_the_views(lab: Lab, observer: Observer) -> None:
    lab.run("load", "--kind", "quorum", "--queues", "2", "--messages", "5", "--prefix", "qq.")
    seen = observer.until(lambda s: s.value("queue_members_online", "/", "qq.1") == 3, NOTICED, "three members online")
    assert seen.value("queue_has_leader", "/", "qq.1") == 1
    lab.run("partition", "rabbit3")
    try:
        cut = observer.until(
            lambda s: s.value("cluster_components") == 2 and s.value("view_running", ONE, THREE) == 0,
            NOTICED,
            "two groups while the link is cut",
        )
        assert set(cut.rows("view_partitioned").values()) <= {0}
        assert "split" in cut.kinds
    finally:
        lab.run("heal")


def test_a_killed_node(lab: Lab, observer: Observer) -> None:
    lab.run("kill", "rabbit3")
    seen = observer.until(lambda s: s.value("view_running", ONE, THREE) == 0, NOTICED, "a peer says that it is down")
    assert seen.value("node_up", THREE) == 0
    assert seen.value("cluster_nodes") == 3
    online = observer.until(
        lambda s: s.value("queue_members_online", "/", "qq.1") == 2, NOTICED, "two members of three are online"
    )
    assert "members_offline" in online.kinds, online.kinds
