"""The agent's own metrics about its rules, read from the evaluator whenever they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rabbitwatch.alerting.evaluate.status import GroupStatus, Raised, RuleFigures
from rabbitwatch.metrics.own_families import (
    ALERTS,
    ALERTS_BLIND,
    GROUP_DURATION,
    GROUP_EVALUATED,
    RULE_EVALUATIONS,
    RULE_FAILURES,
    gathered,
)


class Rules(Protocol):
    """The evaluator, as far as it is counted."""

    def status(self) -> Sequence[GroupStatus]:
        """How groups do."""

    def alerts(self) -> Sequence[Raised]:
        """The pending and firing alerts."""

    def figures(self) -> Sequence[RuleFigures]:
        """Counts by rule."""


class NoRules:
    """Where there is no evaluator: to know the names of the metrics without one."""

    def status(self) -> Sequence[GroupStatus]:
        """See Rules."""
        return ()

    def alerts(self) -> Sequence[Raised]:
        """See Rules."""
        return ()

    def figures(self) -> Sequence[RuleFigures]:
        """See Rules."""
        return ()


class RuleMetrics(Collector):
    """Register it at the agent's registry (metrics.own.OwnMetrics.registry)."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def collect(self) -> Iterator[Metric]:
        """Counts by rule, times by group, alerts by state."""
        evaluations, failures = gathered(RULE_EVALUATIONS), gathered(RULE_FAILURES)
        for each in self._rules.figures():
            evaluations.add_metric((each.group, each.rule), each.evaluations)
            failures.add_metric((each.group, each.rule), each.failures)
        yield evaluations
        yield failures
        yield from self._groups()
        yield from self._alerts()

    def _groups(self) -> Iterator[Metric]:
        took, at = gathered(GROUP_DURATION), gathered(GROUP_EVALUATED)
        for status in self._rules.status():
            if status.last_evaluation is not None:
                took.add_metric((status.group.key,), status.duration_s)
                at.add_metric((status.group.key,), status.last_evaluation)
        yield took
        yield at

    def _alerts(self) -> Iterator[Metric]:
        states: Counter[str] = Counter(pending=0, firing=0)
        blind = 0
        for raised in self._rules.alerts():
            states[raised.alert.state.value] += 1
            blind += raised.alert.blind_since is not None
        alerts = gathered(ALERTS)
        for state, count in states.items():
            alerts.add_metric((state,), count)
        yield alerts
        held = gathered(ALERTS_BLIND)
        held.add_metric((), blind)
        yield held
