"""An alert that would resolve only because the poll could not see is held; one that really ended is not."""

from __future__ import annotations

from tests.unit.alerting.evaluate.world import World, rules

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.coverage import COMPLETE, Coverage, Gap
from rabbitwatch.alerting.evaluate.context import Settings

RULES = """
groups:
- name: g
  rules:
  - {record: 'cluster:split', expr: 'count by (cluster) (node_partitions > 0)'}
  - {alert: Deep, expr: queue_messages > 10}
  - {alert: NodeParted, expr: node_partitions > 0}
  - {alert: ClusterParted, expr: 'cluster:split > 0'}
  - {alert: Quiet, expr: queue_messages > 10 unless queue_muted}
  - {alert: NoNodes, expr: absent(node_partitions)}
"""
QUEUES = Gap({"cluster": "c"}, frozenset({"queue_messages", "queue_muted"}))
NODE_A = Gap({"cluster": "c", "node": "a"}, frozenset({"node_partitions"}))
ALL = {
    'queue_messages{cluster="c",queue="q"}': 11.0,
    'node_partitions{cluster="c",node="a"}': 1.0,
    'node_partitions{cluster="c",node="b"}': 0.0,
}


def world(hold_s: float = 900.0) -> World:
    made = World(rules(RULES), settings=Settings(blind_hold_s=hold_s))
    states = {alert.name: alert.state for alert in made.alerts(0.0, ALL)}
    assert states == dict.fromkeys(("Deep", "NodeParted", "ClusterParted", "Quiet"), AlertState.FIRING)
    return made


def without(*names: str) -> dict[str, float]:
    return {series: value for series, value in ALL.items() if not series.startswith(names)}


def named(alerts: list[Alert]) -> dict[str, Alert]:
    return {alert.name: alert for alert in alerts}


def test_queues_that_nobody_told_keep_their_alert_and_it_says_since_when() -> None:
    found = named(world().alerts(15.0, without("queue"), Coverage([QUEUES])))
    assert (found["Deep"].state, found["Deep"].blind_since) == (AlertState.FIRING, 15.0)
    assert found["Deep"].value == 11.0
    assert found["NodeParted"].blind_since is None


def test_held_alerts_stay_in_the_window() -> None:
    made = world()
    made.cycle(15.0, without("queue"), Coverage([QUEUES]))
    assert list(made.query('ALERTS{alertname="Deep"}', 15.0).values()) == [1.0]


def test_series_that_vanish_from_a_complete_poll_resolve_at_once() -> None:
    found = named(world().alerts(15.0, without("queue"), COMPLETE))
    assert found["Deep"].resolved_at == 15.0


def test_a_value_below_the_threshold_resolves_though_other_parts_are_missing() -> None:
    samples = {**without("queue", 'node_partitions{cluster="c",node="a"'), 'queue_messages{cluster="c",queue="q"}': 3.0}
    found = named(world().alerts(15.0, samples, Coverage([QUEUES, NODE_A])))
    assert found["Deep"].resolved_at == 15.0


def test_a_gap_elsewhere_holds_nothing_here() -> None:
    other_cluster = Gap({"cluster": "d"}, frozenset({"queue_messages"}))
    other_family = Gap({"cluster": "c"}, frozenset({"node_partitions"}))
    found = named(world().alerts(15.0, without("queue"), Coverage([other_cluster, other_family])))
    assert found["Deep"].resolved_at == 15.0


def test_a_silent_node_holds_its_own_alert_and_the_clusters_but_no_other_nodes() -> None:
    made = world()
    gone = {series: value for series, value in ALL.items() if 'node="a"' not in series}
    found = named(made.alerts(15.0, gone, Coverage([NODE_A])))
    assert found["NodeParted"].blind_since == 15.0
    assert found["ClusterParted"].blind_since == 15.0, "a recording rule hides the family, and is looked through"
    node_b = Gap({"cluster": "c", "node": "b"}, frozenset({"node_partitions"}))
    found = named(world().alerts(15.0, gone, Coverage([node_b])))
    assert found["NodeParted"].resolved_at == 15.0


def test_what_ends_an_alert_by_appearing_is_not_missed() -> None:
    found = named(
        world().alerts(
            15.0,
            {**without("queue"), 'queue_messages{cluster="c",queue="q"}': 3.0},
            Coverage([Gap({"cluster": "c"}, frozenset({"queue_muted"}))]),
        )
    )
    assert found["Quiet"].resolved_at == 15.0


def test_the_hold_ends_after_its_time_and_0_is_prometheus() -> None:
    made = world(hold_s=60.0)
    for at in (15.0, 30.0, 60.0):
        assert named(made.alerts(at, without("queue"), Coverage([QUEUES])))["Deep"].state is AlertState.FIRING
    assert named(made.alerts(75.0, without("queue"), Coverage([QUEUES])))["Deep"].resolved_at == 75.0
    found = named(world(hold_s=0.0).alerts(15.0, without("queue"), Coverage([QUEUES])))
    assert found["Deep"].resolved_at == 15.0


def test_blindness_survives_a_restart() -> None:
    made = world()
    made.cycle(15.0, without("queue"), Coverage([QUEUES]))
    made.restart(rules(RULES))
    found = named(made.alerts(30.0, without("queue"), Coverage([QUEUES])))
    assert (found["Deep"].state, found["Deep"].blind_since) == (AlertState.FIRING, 15.0)


def test_a_selector_that_excludes_the_gap_is_not_blinded_by_it() -> None:
    made = World(
        rules("groups:\n- name: g\n  rules:\n  - {alert: B, expr: 'node_partitions{node!=\"a\"} > 0'}\n"),
        settings=Settings(blind_hold_s=900.0),
    )
    made.cycle(0.0, {'node_partitions{cluster="c",node="b"}': 1.0})
    (alert,) = made.alerts(15.0, {}, Coverage([NODE_A]))
    assert alert.resolved_at == 15.0
