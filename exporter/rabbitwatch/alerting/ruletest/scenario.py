"""One item under `tests`: feed the input, evaluate all groups step by step, compare what comes out.

Order, steps and messages are promtool's (cmd/promtool/unittest.go). As there, the groups' own intervals are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rabbitwatch.alerting.alert import AlertState
from rabbitwatch.alerting.evaluate.context import Context, Settings
from rabbitwatch.alerting.evaluate.group_runner import GroupRunner
from rabbitwatch.alerting.rulefile.model import Group
from rabbitwatch.alerting.rulefile.names import ALERTNAME
from rabbitwatch.alerting.ruletest import wording
from rabbitwatch.alerting.ruletest.testfile import AlertCheck, ExprCheck, RuleTestFile, Scenario
from rabbitwatch.errors import QueryError
from rabbitwatch.promql.engine import Engine, Limits
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.notation import parse_metric, parse_values
from rabbitwatch.promql.parse import parse
from rabbitwatch.promql.storage import MemoryStorage

AlertTexts = tuple[Mapping[str, str], Mapping[str, str]]


class ScenarioRun:
    """Runs one scenario over groups in their order of evaluation. failures: as promtool words them."""

    def __init__(self, scenario: Scenario, file: RuleTestFile, groups: Sequence[Group]) -> None:
        self._scenario = scenario
        self._file = file
        self._storage = MemoryStorage()
        self._context = Context(
            engine=Engine(Limits(subquery_step_ms=round(file.evaluation_interval_s * 1000))),
            storage=self._storage,
            appender=self._storage,
            settings=Settings(
                interval_s=scenario.interval_s,
                blind_hold_s=0.0,
                external_labels=scenario.external_labels,
                external_url=scenario.external_url,
            ),
        )
        self._runners = [GroupRunner(group, self._context) for group in groups]
        self.failures: list[str] = []

    def run(self) -> list[str]:
        """What failed; nothing where all is as expected."""
        nameless = [check for check in self._scenario.alerts if not check.alertname]
        if nameless:
            group = f" (in TestGroup {self._scenario.name})" if self._scenario.name else ""
            at = wording.duration(nameless[0].eval_time_s)
            return [f"an item under alert_rule_test misses required attribute alertname at eval_time {at}{group}"]
        try:
            self._feed()
        except QueryError as error:
            return [error.message]
        if self._evaluate():
            for check in self._scenario.exprs:
                self._check_expression(check)
        return self.failures

    def _feed(self) -> None:
        step_ms = round(self._scenario.interval_s * 1000)
        for series in self._scenario.inputs:
            labels = _metric(series.series)
            for index, value in enumerate(parse_values(series.values)):
                if isinstance(value, float):
                    self._storage.append(labels, index * step_ms, value)

    def _evaluate(self) -> bool:
        """Step through the test; False where a rule failed, which ends it."""
        interval = self._file.evaluation_interval_s
        waiting = sorted(self._scenario.alerts, key=lambda check: (check.eval_time_s, check.alertname))
        for step in range(int(self._scenario.end_s / interval + 1e-9) + 1):
            at = step * interval
            errors = [failure for runner in self._runners for failure in runner.evaluate(at)]
            if errors:
                when = wording.go_duration(at)
                self.failures += [f"    rule: {each.rule}, time: {when}, err: {each.error}" for each in errors]
                return False
            while waiting and waiting[0].eval_time_s < at + interval:
                self._check_alerts(waiting.pop(0))
        return True

    def _check_alerts(self, check: AlertCheck) -> None:
        expected = sorted(
            (({**each.labels, ALERTNAME: check.alertname}, each.annotations) for each in check.expected), key=_order
        )
        got = sorted(self._firing(check.alertname), key=_order)
        if expected != got:
            name = f"    name: {self._scenario.name},\n" if self._scenario.name else ""
            self.failures.append(
                f"{name}    alertname: {check.alertname}, time: {wording.duration(check.eval_time_s)}, \n"
                f"        exp:{wording.alerts(expected)}, \n        got:{wording.alerts(got)}"
            )

    def _firing(self, name: str) -> Iterator[AlertTexts]:
        for runner in self._runners:
            for raised in runner.raised():
                if raised.alert.state is AlertState.FIRING and raised.alert.name == name:
                    yield raised.alert.labels.as_dict(), dict(raised.alert.annotations)

    def _check_expression(self, check: ExprCheck) -> None:
        head = f'    expr: "{check.expr.strip()}", time: {wording.duration(check.eval_time_s)},'
        try:
            got = self._context.rows(parse(check.expr), round(check.eval_time_s * 1000))
            expected = [(_expected_metric(sample.labels), sample.value) for sample in check.expected]
        except QueryError as error:
            self.failures.append(f"{head} err: {error.message}")
            return
        expected.sort(key=lambda row: row[0].pairs())
        got.sort(key=lambda row: row[0].pairs())
        if not self._same(expected, got):
            self.failures.append(
                f"{head}\n        exp: {wording.samples(expected)}\n        got: {wording.samples(got)}"
            )

    def _same(self, expected: Sequence[tuple[LabelSet, float]], got: Sequence[tuple[LabelSet, float]]) -> bool:
        if [labels for labels, _ in expected] != [labels for labels, _ in got]:
            return False
        return all(self._equal(one, other) for (_, one), (_, other) in zip(expected, got, strict=True))

    def _equal(self, one: float, other: float) -> bool:
        if one == other or (math.isnan(one) and math.isnan(other)):
            return True
        return self._file.fuzzy_compare and other in (math.nextafter(one, -math.inf), math.nextafter(one, math.inf))


def _expected_metric(text: str) -> LabelSet:
    try:
        return _metric(text.strip() or "{}")
    except QueryError as error:
        raise QueryError(f'labels "{text}": {error.message}') from None


def _metric(text: str) -> LabelSet:
    labels, rest = parse_metric(text)
    if rest.strip():
        raise QueryError(f"unexpected {rest.strip()!r} after the metric")
    return labels


def _order(texts: AlertTexts) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return sorted(texts[0].items()), sorted(texts[1].items())
