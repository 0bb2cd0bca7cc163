"""The agent's metrics about its rules: names, labels and values as they are exposed."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from tests.unit.alerting.evaluate.world import World, rules

from rabbitwatch.alerting.coverage import Coverage, Gap
from rabbitwatch.alerting.evaluate.context import Settings
from rabbitwatch.alerting.own_metrics import NoRules, RuleMetrics


def exposed(collector: RuleMetrics) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_counts_times_and_alerts() -> None:
    world = World(
        rules("""
groups:
- name: g
  rules:
  - {alert: Down, expr: up == 0}
  - {alert: Clash, expr: up, labels: {node: same}}
"""),
        settings=Settings(blind_hold_s=900.0),
    )
    world.cycle(30.0, {'up{node="a"}': 0.0, 'up{node="b"}': 1.0})
    world.cycle(45.0, {'up{node="b"}': 1.0}, Coverage([Gap({"node": "a"}, frozenset({"up"}))]))
    lines = exposed(RuleMetrics(world.evaluator))
    assert 'rabbitwatch_rule_evaluations_total{group="g",rule="Down"} 2.0' in lines
    assert 'rabbitwatch_rule_evaluation_failures_total{group="g",rule="Down"} 0.0' in lines
    assert 'rabbitwatch_rule_evaluation_failures_total{group="g",rule="Clash"} 1.0' in lines
    assert 'rabbitwatch_rule_group_last_evaluation_timestamp_seconds{group="g"} 45.0' in lines
    assert 'rabbitwatch_alerts{state="firing"} 2.0' in lines
    assert 'rabbitwatch_alerts{state="pending"} 0.0' in lines
    assert "rabbitwatch_alerts_blind 1.0" in lines


def test_without_rules_the_names_are_there() -> None:
    assert 'rabbitwatch_alerts{state="firing"} 0.0' in exposed(RuleMetrics(NoRules()))
