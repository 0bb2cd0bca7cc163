"""One rule at work: it keeps what must be known from one evaluation to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.coverage import COMPLETE, Coverage
from rabbitwatch.alerting.evaluate.context import Context, Row
from rabbitwatch.alerting.evaluate.rendering import Renderer
from rabbitwatch.alerting.evaluate.transitions import Timing, resumed, seen, unseen
from rabbitwatch.alerting.rulefile.model import AlertingRule, RecordingRule
from rabbitwatch.errors import RuleError
from rabbitwatch.promql.labels import METRIC_NAME, LabelSet


@dataclass(frozen=True, slots=True)
class Moment:
    """When an evaluation happens. now: seconds since the epoch. at_ms: what expressions see, the query offset taken
    off. coverage: what the last poll missed."""

    now: float
    at_ms: int
    coverage: Coverage = COMPLETE


class RecordingRunner:
    """Records the expression's result under the rule's name."""

    def __init__(self, rule: RecordingRule, context: Context, limit: int) -> None:
        self.rule = rule
        self._context = context
        self._limit = limit
        self._changes = {METRIC_NAME: rule.name, **rule.labels}
        self._named: dict[LabelSet, LabelSet] = {}

    def step(self, moment: Moment) -> list[Row]:
        """The series to record; RuleError where the rule fails."""
        rows = self._context.rows(self.rule.expr, moment.at_ms)
        known = self._named
        self._named = {labels: known.get(labels) or labels.replace(self._changes) for labels, _ in rows}
        made = [(self._named[labels], value) for labels, value in rows]
        if len({labels for labels, _ in made}) < len(made):
            raise RuleError("vector contains metrics with the same labelset after applying rule labels")
        if 0 < self._limit < len(made):
            raise RuleError(f"exceeded limit of {self._limit} with {len(made)} series")
        return made


class AlertingRunner:
    """Steps the alerts of a rule. alerts: by their labels, resolved ones included; replaced as a whole, so that other
    threads may read it."""

    def __init__(self, rule: AlertingRule, context: Context, limit: int) -> None:
        self.rule = rule
        self.alerts: Mapping[LabelSet, Alert] = {}
        self._context = context
        self._limit = limit
        self._renderer = Renderer(rule, context)
        self._timing = Timing(
            for_s=rule.for_s,
            keep_firing_for_s=rule.keep_firing_for_s,
            blind_hold_s=context.settings.blind_hold_s,
        )
        self._series: dict[tuple[LabelSet, AlertState], tuple[LabelSet, LabelSet]] = {}

    def step(self, moment: Moment) -> list[Row]:
        """The samples of ALERTS and ALERTS_FOR_STATE; RuleError where the rule fails, and then no alert changes."""
        rows = self._context.rows(self.rule.expr, moment.at_ms)
        rendered = self._renderer.render(rows, moment.now, moment.at_ms)
        after: dict[LabelSet, Alert] = {}
        for (_, value), (labels, texts) in zip(rows, rendered, strict=True):
            if labels in after:
                raise RuleError("vector contains metrics with the same labelset after applying alert labels")
            after[labels] = seen(self.alerts.get(labels), labels, texts, value, moment.now, self._timing)
        missing = [alert for labels, alert in self.alerts.items() if labels not in after]
        after.update((alert.labels, alert) for alert in self._without(missing, moment))
        active = sum(alert.active for alert in after.values())
        if 0 < self._limit < active:
            self.alerts = {}
            raise RuleError(f"exceeded limit of {self._limit} with {active} alerts")
        self.alerts = after
        return self.samples()

    def samples(self) -> list[Row]:
        """What the active alerts are in the window: 1 with their state, and since when they are active."""
        known, self._series = self._series, {}
        made: list[Row] = []
        for alert in self.alerts.values():
            if alert.active:
                key = (alert.labels, alert.state)
                pair = self._series[key] = known.get(key) or _series(alert)
                made += ((pair[0], 1.0), (pair[1], float(int(alert.active_at))))
        return made

    def adopt(self, alerts: Iterable[Alert]) -> None:
        """Go on with alerts of an earlier life of this rule."""
        self.alerts = {alert.labels: alert for alert in alerts}

    def resume(self, evaluated_at: float, now: float, interval_s: float) -> None:
        """After a restart, at the first evaluation: account for the time in which nobody looked."""
        after = (resumed(alert, evaluated_at, now, interval_s) for alert in self.alerts.values())
        self.adopt(alert for alert in after if alert is not None)

    def _without(self, missing: list[Alert], moment: Moment) -> Iterable[Alert]:
        """The alerts that the expression no longer returns, as far as they are still to be kept."""
        gaps = []
        if moment.coverage and self._timing.blind_hold_s > 0 and any(alert.active for alert in missing):
            gaps = moment.coverage.blinding(self.rule.inputs, self._context.storage, moment.at_ms)
        for alert in missing:
            blind = any(gap.concerns(alert.labels) for gap in gaps)
            after = unseen(alert, moment.now, self._timing, blind=blind)
            if after is not None:
                yield after


def _series(alert: Alert) -> tuple[LabelSet, LabelSet]:
    state = alert.labels.replace({METRIC_NAME: "ALERTS", "alertstate": alert.state.value})
    return state, LabelSet("ALERTS_FOR_STATE", alert.labels.names, alert.labels.values)


Runner = RecordingRunner | AlertingRunner
