"""Groups: rules in order, results visible to later rules, limits, labels, failures, timing, reloads."""

from __future__ import annotations

import pytest
from tests.unit.alerting.evaluate.world import World, rules

from rabbitwatch.alerting.alert import AlertState
from rabbitwatch.alerting.evaluate.context import Settings
from rabbitwatch.alerting.evaluate.status import Health
from rabbitwatch.promql.nodes import Parsed
from rabbitwatch.promql.storage import Storage
from rabbitwatch.promql.values import Result

DOWN = """
groups:
- name: nodes
  rules:
  - alert: Down
    expr: up == 0
    for: 30s
    labels: {severity: page}
    annotations: {summary: '{{ $labels.node }} is down'}
"""


def test_a_later_rule_sees_what_earlier_ones_recorded_and_the_alerts_of_the_same_cycle() -> None:
    world = World(
        rules("""
groups:
- name: g
  rules:
  - {record: 'cluster:down', expr: 'count by (cluster) (up == 0)'}
  - {alert: Down, expr: 'cluster:down > 1'}
  - {alert: AlertsFire, expr: 'count(ALERTS{alertstate="firing", alertname="Down"}) > 0'}
""")
    )
    alerts = world.alerts(0.0, {'up{cluster="c",node="a"}': 0.0, 'up{cluster="c",node="b"}': 0.0})
    assert [str(alert.labels) for alert in alerts] == ['{alertname="AlertsFire"}', '{alertname="Down", cluster="c"}']
    assert world.query("cluster:down", 0.0) == {'cluster:down{cluster="c"}': 2.0}


def test_alerts_and_their_start_are_series_that_end_with_them() -> None:
    world = World(rules(DOWN))
    world.cycle(1000.0, {'up{node="a"}': 0.0})
    pending = 'ALERTS{alertname="Down", alertstate="pending", node="a", severity="page"}'
    assert world.query("ALERTS", 1000.0) == {pending: 1.0}
    world.cycle(1015.0, {'up{node="a"}': 0.0})
    world.cycle(1030.0, {'up{node="a"}': 0.0})
    assert world.query("ALERTS", 1030.0) == {pending.replace("pending", "firing"): 1.0}
    assert list(world.query("ALERTS_FOR_STATE", 1030.0).values()) == [1000.0]
    world.cycle(1045.0, {'up{node="a"}': 1.0})
    assert world.query("{__name__=~'ALERTS.*'}", 1045.0) == {}


def test_a_recorded_series_ends_when_its_expression_no_longer_returns_it() -> None:
    world = World(rules("groups:\n- name: g\n  rules:\n  - {record: a, expr: up == 0}\n"))
    world.cycle(0.0, {'up{node="a"}': 0.0})
    assert world.query("a", 0.0) == {'a{node="a"}': 0.0}
    world.cycle(15.0, {'up{node="a"}': 1.0})
    assert world.query("a", 15.0) == {}


def test_labels_are_made_in_prometheus_order() -> None:
    world = World(
        rules("""
groups:
- name: g
  labels: {team: queues, severity: low}
  rules:
  - alert: Down
    expr: up == 0
    labels: {severity: 'v{{ $value }}', node: '', place: '{{ $externalLabels.dc }}/{{ $labels.node }}', alertname: x}
"""),
        settings=Settings(external_labels={"dc": "west"}),
    )
    (alert,) = world.alerts(0.0, {'up{node="a",cluster="c"}': 0.0})
    assert alert.labels.as_dict() == {
        "alertname": "Down",
        "cluster": "c",
        "place": "west/a",
        "severity": "v0",
        "team": "queues",
    }


def test_a_scalar_is_one_alert_without_labels() -> None:
    (alert,) = World(rules("groups:\n- name: g\n  rules:\n  - {alert: Heart, expr: '1'}\n")).alerts(0.0, {})
    assert (str(alert.labels), alert.value, alert.state) == ('{alertname="Heart"}', 1.0, AlertState.FIRING)


def test_a_template_can_ask_for_more_and_is_asked_again_each_time() -> None:
    world = World(
        rules("""
groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    annotations: {summary: '{{ with query "count(up)" }}{{ . | first | value }}{{ end }} nodes'}
""")
    )
    (alert,) = world.alerts(0.0, {'up{node="a"}': 0.0})
    assert alert.annotations == {"summary": "1 nodes"}
    (alert,) = world.alerts(15.0, {'up{node="a"}': 0.0, 'up{node="b"}': 1.0})
    assert alert.annotations == {"summary": "2 nodes"}


def test_a_template_that_fails_says_so_in_its_place_and_the_alert_goes_out() -> None:
    world = World(
        rules("""
groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    annotations: {summary: '{{ $labels.node | humanize }}'}
""")
    )
    (alert,) = world.alerts(0.0, {'up{node="a"}': 0.0})
    assert alert.state is AlertState.FIRING
    assert alert.annotations["summary"].startswith("<error expanding template: ")


class TestFailures:
    TWO = """
groups:
- name: g
  rules:
  - {alert: Clash, expr: 'up == 0', labels: {node: same}}
  - {alert: Fine, expr: 'up == 0'}
  - {record: clash, expr: 'up', labels: {node: same}}
"""

    def test_equal_labels_after_templating_fail_that_rule_and_no_other(self) -> None:
        world = World(rules(self.TWO))
        cycle = world.cycle(0.0, {'up{node="a"}': 0.0, 'up{node="b"}': 0.0})
        assert [(f.group, f.rule, f.error) for f in cycle.failures] == [
            ("g", "Clash", "vector contains metrics with the same labelset after applying alert labels"),
            ("g", "clash", "vector contains metrics with the same labelset after applying rule labels"),
        ]
        assert [raised.alert.name for raised in cycle.alerts] == ["Fine", "Fine"]
        (group,) = world.evaluator.status()
        assert [(r.health, bool(r.last_error)) for r in group.rules] == [
            (Health.ERROR, True),
            (Health.OK, False),
            (Health.ERROR, True),
        ]

    def test_a_failing_rule_neither_fires_nor_resolves_and_recovers(self) -> None:
        world = World(rules(self.TWO))
        world.cycle(0.0, {'up{node="a"}': 0.0})
        for at in (15.0, 30.0):
            cycle = world.cycle(at, {'up{node="a"}': 0.0, 'up{node="b"}': 0.0})
            assert [r.alert.state for r in cycle.alerts if r.alert.name == "Clash"] == [AlertState.FIRING]
        cycle = world.cycle(45.0, {'up{node="a"}': 1.0})
        assert cycle.failures == []
        assert [r.alert.state for r in cycle.alerts if r.alert.name == "Clash"] == [AlertState.INACTIVE]
        (group,) = world.evaluator.status()
        assert group.rules[0].last_error == ""

    def test_failures_are_counted_by_rule(self) -> None:
        world = World(rules(self.TWO))
        world.cycle(0.0, {'up{node="a"}': 0.0, 'up{node="b"}': 0.0})
        world.cycle(15.0, {'up{node="a"}': 0.0})
        counts = {(f.rule, f.evaluations, f.failures) for f in world.evaluator.figures()}
        assert counts == {("Clash", 2, 1), ("Fine", 2, 0), ("clash", 2, 1)}

    def test_an_unforeseen_exception_is_that_rules_error_too(self) -> None:
        world = World(rules(DOWN))

        class Broken:
            def instant(self, expression: Parsed, at_ms: int, storage: Storage, /) -> Result:
                raise ZeroDivisionError("oops")

        context = world.evaluator._context
        object.__setattr__(context, "engine", Broken())
        (failure,) = world.cycle(0.0, {'up{node="a"}': 0.0}).failures
        assert failure.error == "ZeroDivisionError: oops"


class TestLimit:
    LIMITED = "groups:\n- name: g\n  limit: 1\n  rules:\n  - {alert: Down, expr: up == 0}\n  - {record: r, expr: up}\n"

    def test_within_the_limit_nothing_happens(self) -> None:
        assert World(rules(self.LIMITED)).cycle(0.0, {'up{node="a"}': 0.0}).failures == []

    def test_beyond_it_all_alerts_of_the_rule_are_dropped_and_nothing_is_recorded(self) -> None:
        world = World(rules(self.LIMITED))
        world.cycle(0.0, {'up{node="a"}': 0.0})
        cycle = world.cycle(15.0, {'up{node="a"}': 0.0, 'up{node="b"}': 0.0})
        assert [f.error for f in cycle.failures] == [
            "exceeded limit of 1 with 2 alerts",
            "exceeded limit of 1 with 2 series",
        ]
        assert list(cycle.alerts) == []
        assert world.query('r{node="b"}', 15.0) == {}


class TestTime:
    def test_each_group_has_its_own_interval(self) -> None:
        world = World(
            rules(
                "groups:\n- name: slow\n  interval: 1m\n  rules: [{record: s, expr: up}]\n"
                "- name: quick\n  rules: [{record: q, expr: up}]\n"
            )
        )
        ran = [tuple(world.cycle(at, {"up": 1.0}).groups) for at in (0.0, 15.0, 30.0, 45.0, 60.0)]
        assert ran == [("slow", "quick"), ("quick",), ("quick",), ("quick",), ("slow", "quick")]

    def test_a_poll_that_comes_a_little_early_skips_no_evaluation(self) -> None:
        world = World(rules(DOWN))
        assert [len(world.cycle(at, {}).groups) for at in (0.0, 14.2, 29.0, 44.9)] == [1, 1, 1, 1]

    def test_a_clock_that_was_set_back_stops_nothing(self) -> None:
        world = World(rules(DOWN))
        world.cycle(100_000.0, {})
        assert list(world.cycle(10.0, {}).groups) == ["nodes"]

    def test_query_offset_looks_back(self) -> None:
        world = World(rules("groups:\n- name: g\n  query_offset: 1m\n  rules: [{record: r, expr: up}]\n"))
        world.cycle(0.0, {"up": 5.0})
        world.cycle(60.0, {"up": 7.0})
        assert world.storage.all()[-1].labels.name == "r"
        assert list(world.storage.all()[-1].timestamps) == [0]
        assert list(world.storage.all()[-1].values) == [5.0]


class TestReload:
    def test_an_alert_goes_on_though_threshold_annotations_and_file_change(self) -> None:
        world = World(rules(DOWN))
        for at in (0.0, 15.0, 30.0):
            world.cycle(at, {'up{node="a"}': 0.0})
        changed = DOWN.replace("up == 0", "up < 1").replace("is down", "gone")
        world.evaluator.load(rules("groups: []\n", changed))
        (alert,) = world.alerts(45.0, {'up{node="a"}': 0.0})
        assert (alert.state, alert.active_at, alert.fired_at) == (AlertState.FIRING, 0.0, 30.0)
        assert alert.annotations == {"summary": "a gone"}

    def test_loading_the_same_rules_delays_no_evaluation(self) -> None:
        world = World(rules(DOWN))
        world.cycle(0.0, {})
        world.evaluator.load(rules(DOWN))
        assert list(world.cycle(5.0, {}).groups) == []

    @pytest.mark.parametrize("text", ["groups: []\n", DOWN.replace("alert: Down", "alert: Other")])
    def test_the_alerts_of_a_rule_that_is_gone_resolve_and_their_series_end(self, text: str) -> None:
        world = World(rules(DOWN))
        for at in (0.0, 15.0, 30.0):
            world.cycle(at, {'up{node="a"}': 0.0})
        world.evaluator.load(rules(text))
        down = [a for a in world.alerts(45.0, {'up{node="a"}': 0.0}) if a.name == "Down"]
        assert [(a.state, a.resolved_at) for a in down] == [(AlertState.INACTIVE, 45.0)]
        assert world.query('ALERTS{alertname="Down"}', 45.0) == {}
        later = [a for a in world.alerts(45.0 + 901.0, {'up{node="a"}': 0.0}) if a.name == "Down"]
        assert later == []

    def test_rules_of_one_name_are_told_apart_by_their_order(self) -> None:
        twice = DOWN + "  - {alert: Down, expr: 'up == 0 and on (node) extra', labels: {severity: page}}\n"
        world = World(rules(twice))
        for at in (0.0, 15.0):
            world.cycle(at, {'up{node="a"}': 0.0, 'extra{node="a"}': 1.0})
        world.evaluator.load(rules(twice))
        states = [a.state for a in world.alerts(25.0, {'up{node="a"}': 0.0, 'extra{node="a"}': 1.0})]
        assert sorted(states) == [AlertState.FIRING, AlertState.PENDING]

    def test_groups_of_one_name_in_two_files_do_not_mix(self) -> None:
        world = World(rules(DOWN, DOWN.replace("alert: Down", "alert: Gone")))
        cycle = world.cycle(0.0, {'up{node="a"}': 0.0})
        assert list(cycle.groups) == ["nodes", "nodes#2"]
        assert set(world.store.groups) == {"nodes", "nodes#2"}
