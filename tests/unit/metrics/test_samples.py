from __future__ import annotations

import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from tests.unit.cluster.build import (
    ABC,
    HA_ALL,
    A,
    B,
    C,
    cluster,
    healthy,
    heard,
    missed,
    node,
    objects,
    policy,
    queue,
    sees,
    split,
    vhost,
)

from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig, DeclaredPolicy
from rabbitwatch.errors import CallFailure
from rabbitwatch.metrics import own
from rabbitwatch.metrics.exposition import Page
from rabbitwatch.metrics.samples import COLLECTORS, blocks
from rabbitwatch.model.broker import Overview
from rabbitwatch.model.observation import CheckResult, ClusterObservation, PluginView

CONFIG = ClusterConfig(
    name="orders",
    policies=(DeclaredPolicy(name="ha", pattern=".*", apply_to="queues", definition={"ha-mode": "all"}),),
)
Rows = dict[str, dict[tuple[str, ...], float]]


def rows(observation: ClusterObservation) -> Rows:
    """By family, without its prefix; label values without the cluster's."""
    found = blocks([assess(observation, CONFIG)])
    return {b.family.name.removeprefix("rabbitwatch_"): {labels[1:]: value for labels, value in b.rows} for b in found}


def everything() -> ClusterObservation:
    """An observation that gives every family at least one row."""
    figures = {
        "mem_alarm": False, "disk_free": 7, "disk_free_limit": 5, "disk_free_alarm": False, "fd_used": 1, "fd_total": 9,
        "sockets_used": 1, "sockets_total": 9, "proc_used": 1, "proc_total": 9, "run_queue": 0, "processors": 2,
        "uptime": 90_500, "net_ticktime": 60, "being_drained": False,
    }  # fmt: skip
    totals = dict.fromkeys(("connections", "channels", "consumers", "exchanges", "queues"), 3)
    view = sees(ABC, more=dict.fromkeys(ABC, figures))
    nodes = [
        node(
            name,
            view,
            declared_type="disc",
            overview=heard(
                Overview(
                    node=name,
                    rabbitmq_version="3.10.8",
                    erlang_version="25.2",
                    object_totals=totals,
                    churn_rates={"connection_created": 14, "connection_closed": 13},
                    message_stats={"drop_unroutable": 2, "return_unroutable": 1},
                )
            ),
            plugin=heard(PluginView(dict.fromkeys(ABC, 3))),
            consumers=heard({("/", "q"): 1, ("/", 'odd\n"\\ 🐇<script>'): 0, ("/", "qq"): 0}),
            cookie_hash=heard("eA=="),
            cookie_file_hash=heard("eA=="),
            checks={"alarms": heard(CheckResult(True, ""))},
        )
        for name in ABC
    ]
    queues = (
        queue(mirrors=[B, C], synchronised=[B], policy="ha", state="syncing", sync_messages=2),
        queue('odd\n"\\ 🐇<script>'),
        queue("qq", type="quorum", leader=A, members=list(ABC), online=list(ABC)),
    )
    told = objects(queues=queues, policies=(HA_ALL, policy({}, "b")), vhosts=(vhost("/", a="running"),))
    return cluster(nodes, told)


def test_every_family_has_rows_when_everything_is_told() -> None:
    assert [name for name, found in rows(everything()).items() if not found] == []


def test_labels_fit_and_no_series_stands_twice() -> None:
    for block in blocks([assess(everything(), CONFIG)]):
        labels = [labels for labels, _ in block.rows]
        assert {len(values) for values in labels} == {len(block.family.labels)}
        assert len(set(labels)) == len(labels), block.family.name
        assert block.family.labels[0] == "cluster"


def test_two_clusters_share_a_block() -> None:
    state = assess(everything(), CONFIG)
    other = assess(ClusterObservation(cluster="other", at=1, took=1, nodes=(), objects=()), CONFIG)
    block = next(b for b in blocks([state, other]) if b.family.name == "rabbitwatch_cluster_nodes")
    assert list(block.rows) == [(("orders",), 3), (("other",), 0)]


def test_when_nobody_answers_only_what_is_known_has_rows() -> None:
    found = {name for name, there in rows(cluster([node(n, missed()) for n in ABC])).items() if there}
    assert found == {
        "cluster_nodes",
        "cluster_nodes_up",
        "node_up",
        "node_poll_state",
        "node_missing",
        "node_declared",
        "observation_timestamp_seconds",
        "source_up",
        "source_duration_seconds",
    }


def test_a_split() -> None:
    found = rows(split())
    assert found["cluster_components"] == {(): 2}
    assert found["cluster_running_sets"] == {(): 2}
    assert found["cluster_partitioned_nodes"] == {(): 0}
    assert found["node_partitions"] == {(n,): 0 for n in ABC}
    assert found["node_component_size"] == {(A,): 2, (B,): 2, (C,): 1}
    assert found["view_running"][A, C] == 0
    assert found["view_running"][C, C] == 1


def test_a_dead_node_does_not_drop_out_of_the_sums() -> None:
    found = rows(cluster([node(A, sees({A, B})), node(B, sees({A, B})), node(C, missed(CallFailure.REFUSED))]))
    assert found["cluster_nodes"] == {(): 3}
    assert found["node_up"] == {(A,): 1, (B,): 1, (C,): 0}
    states = {state: value for (name, state), value in found["node_poll_state"].items() if name == C}
    assert states == {"ok": 0, "timeout": 0, "refused": 1, "unauthorised": 0, "error": 0}


def test_a_missing_node_has_rows_that_say_so() -> None:
    pair = (A, B)
    found = rows(cluster([node(n, sees(pair, pair)) for n in pair], missing=[C]))
    assert found["cluster_nodes"] == {(): 3}
    assert found["node_up"][C,] == 0
    assert found["node_missing"] == {(A,): 0, (B,): 0, (C,): 1}


def test_a_node_that_is_listed_and_not_asked_is_neither_up_nor_down() -> None:
    found = rows(cluster([node(A, sees(ABC))]))
    assert found["node_up"] == {(A,): 1}
    assert found["cluster_nodes"] == {(): 3}


def test_zero_of_zero_sockets_is_unknown() -> None:
    newer = {"sockets_used": 0, "sockets_total": 0, "fd_used": 0, "fd_total": 0}
    found = rows(cluster([node(A, sees([A], [A], {A: newer}), "4.0.5")]))
    for name in ("node_sockets_used", "node_sockets_limit", "node_file_descriptors_used"):
        assert found[name] == {}


def test_uptime_is_in_seconds() -> None:
    assert rows(everything())["node_uptime_seconds"][A,] == 90.5


def test_4_3_has_no_row_about_mirrors_or_partitions() -> None:
    found = rows(healthy(objects(queues=(queue(messages=2, policy="ha"),), policies=(HA_ALL,)), version="4.3.6"))
    assert found["cluster_mirroring_supported"] == {(): 0}
    assert found["cluster_partitions_reportable"] == {(): 0}
    assert found["cluster_messages"] == {(): 2}
    about = ("mirror", "at_risk", "partition")
    told = {name for name, there in found.items() if there and any(word in name for word in about)}
    assert told == {"cluster_mirroring_supported", "cluster_partitions_reportable"}


def test_flaws_are_counted_by_node_and_source() -> None:
    found = rows(healthy(objects(queues=heard((queue(),), ("one", "two")), policies=missed())))
    assert found["observation_flaws"][A, "queues"] == 2
    assert found["observation_flaws"][A, "nodes"] == 0
    assert (A, "policies") not in found["observation_flaws"]
    assert found["source_up"][A, "policies"] == 0


def test_what_a_failover_changes_is_on_the_info_metric() -> None:
    found = rows(healthy(objects(queues=(queue(mirrors=[B, C], policy="ha"),), policies=(HA_ALL,))))
    expected = ("/", "q", A, "classic", "running", "ha", "", "all", "always", "true", "false")
    assert found["queue_info"] == {expected: 1}
    assert found["queue_mirrors_expected"] == {("/", "q"): 2}


def test_connections_of_a_split_add_up() -> None:
    counts = {A: 10, B: 10, C: 4}
    nodes = [
        node(n, sees({A, B} if n != C else {C}), overview=heard(Overview(object_totals={"connections": counts[n]})))
        for n in ABC
    ]
    found = rows(cluster(nodes))
    assert found["cluster_connections"] == {(): 14}
    assert found["cluster_channels"] == {}


@pytest.mark.parametrize("family", [c.family for c in COLLECTORS] + list(own.FAMILIES), ids=lambda f: f.name)
def test_every_family_is_described(family: own.Family) -> None:
    assert family.help.endswith(".")
    assert family.source
    assert family.versions


def test_no_two_families_share_a_name() -> None:
    names = [c.family.name for c in COLLECTORS] + [family.name for family in own.FAMILIES]
    assert len(set(names)) == len(names)


def page() -> Page:
    metrics = own.OwnMetrics()
    metrics.observe(everything())
    metrics.cycle_failed("orders")
    return Page(blocks([assess(everything(), CONFIG)]), metrics.render)


def test_openmetrics_parses_as_a_whole() -> None:
    text = page().scrape(openmetrics=True, gzipped=False)[0].decode()
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families["rabbitwatch_queue"].type == "info"
    assert {s.labels["queue"] for s in families["rabbitwatch_queue_messages"].samples} == {
        "q",
        "qq",
        'odd\n"\\ 🐇<script>',
    }


@pytest.mark.prometheus
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_no_complaint() -> None:
    text = page().scrape(openmetrics=False, gzipped=False)[0]
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_drift_is_told_by_kind() -> None:
    changed = policy({"ha-mode": "all"}, priority=7)
    found = rows(healthy(objects(policies=(changed, policy({}, "other")))))["policy_drift"]
    assert found == {("/", "ha", "missing"): 0, ("/", "ha", "changed"): 1, ("/", "other", "unexpected"): 1}
    found = rows(healthy(objects()))["policy_drift"]
    assert found == {("/", "ha", "missing"): 1, ("/", "ha", "changed"): 0}


def test_a_policy_and_an_operator_policy_of_one_name_share_rows() -> None:
    both = tuple(
        each.model_copy(update={"operator": operator}) for each in CONFIG.policies for operator in (False, True)
    )
    state = assess(
        healthy(objects(policies=(policy({"ha-mode": "all"}),))), CONFIG.model_copy(update={"policies": both})
    )
    block = next(block for block in blocks([state]) if block.family.name == "rabbitwatch_policy_drift")
    assert dict(block.rows) == {("orders", "/", "ha", "missing"): 1, ("orders", "/", "ha", "changed"): 0}
