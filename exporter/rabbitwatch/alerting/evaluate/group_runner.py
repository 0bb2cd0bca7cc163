"""One group at work: its rules in order, their results into the window, and the whole outcome into the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from rabbitwatch.alerting.coverage import COMPLETE, Coverage
from rabbitwatch.alerting.evaluate.context import Context, Row
from rabbitwatch.alerting.evaluate.runners import AlertingRunner, Moment, RecordingRunner, Runner
from rabbitwatch.alerting.evaluate.status import GroupStatus, Health, Raised, RuleFailure, RuleStatus
from rabbitwatch.alerting.ports import StoredAlert, StoredGroup
from rabbitwatch.alerting.rulefile.model import AlertingRule, Group, Rule
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.storage import STALE

_EARLY = 0.9
"""A group is due a little before its interval has passed, so that a poll that comes early skips no evaluation."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Slot:
    """One rule of the group and what is known of it. key: the rule's identity, numbered where several share it.
    series: what the last successful evaluation put into the window."""

    key: str
    runner: Runner
    series: frozenset[LabelSet] = frozenset()
    health: Health = Health.UNKNOWN
    last_error: str = ""
    last_evaluation: float | None = None
    duration_s: float = 0.0

    @property
    def alerting(self) -> AlertingRunner | None:
        """The runner, where it makes alerts."""
        return self.runner if isinstance(self.runner, AlertingRunner) else None


class GroupRunner:
    """Evaluates one group. Reading `status()` from another thread is safe; everything else belongs to one thread."""

    def __init__(self, group: Group, context: Context) -> None:
        self.group = group
        self.last_evaluation: float | None = None
        self._context = context
        self._duration_s = 0.0
        self._resume_from: float | None = None
        self._holds_saved = False
        self.slots = [Slot(key, _runner(rule, context, group.limit)) for key, rule in _numbered(group.rules)]

    @property
    def interval_s(self) -> float:
        """The group's own interval, or the default."""
        return self.group.interval_s or self._context.settings.interval_s

    def due(self, now: float) -> bool:
        """Whether it is time for an evaluation; also after the clock was set back."""
        last = self.last_evaluation
        return last is None or now < last or now - last >= _EARLY * self.interval_s

    def evaluate(self, now: float, coverage: Coverage = COMPLETE) -> list[RuleFailure]:
        """Evaluate all rules at `now`; one that fails says so and stops no other. Nothing is stored yet."""
        started = self._context.stopwatch()
        if self._resume_from is not None:
            for slot in self.slots:
                if slot.alerting:
                    slot.alerting.resume(self._resume_from, now, self.interval_s)
            self._resume_from = None
        moment = Moment(now, round((now - (self.group.query_offset_s or 0.0)) * 1000), coverage)
        failures = [failure for slot in self.slots if (failure := self._evaluate(slot, moment)) is not None]
        self.last_evaluation = now
        self._duration_s = self._context.stopwatch() - started
        return failures

    def save(self) -> None:
        """Store all alerts in one transaction; StorageError where that fails. Without alerts there is nothing to do."""
        alerts = [
            StoredAlert(slot.key, alert)
            for slot in self.slots
            if slot.alerting is not None
            for alert in slot.alerting.alerts.values()
        ]
        if alerts or self._holds_saved:
            self._context.store.save(StoredGroup(self.group.key, self.last_evaluation or 0.0, alerts))
            self._holds_saved = bool(alerts)

    def restore(self, stored: StoredGroup) -> list[StoredAlert]:
        """Take over the alerts of an earlier process; returns those whose rule is gone."""
        slots = {slot.key: slot for slot in self.slots if slot.alerting is not None}
        for key, slot in slots.items():
            if slot.alerting is not None:
                slot.alerting.adopt(each.alert for each in stored.alerts if each.rule == key)
                slot.series = frozenset(labels for labels, _ in slot.alerting.samples())
        self._resume_from = stored.evaluated_at
        self._holds_saved = bool(stored.alerts)
        return [each for each in stored.alerts if each.rule not in slots]

    def take_over(self, old: GroupRunner) -> None:
        """Go on where the same group of an earlier load of the files stands."""
        before = {slot.key: slot for slot in old.slots}
        for slot in self.slots:
            earlier = before.get(slot.key)
            if earlier is None:
                continue
            slot.series = earlier.series
            slot.health, slot.last_error = earlier.health, earlier.last_error
            slot.last_evaluation, slot.duration_s = earlier.last_evaluation, earlier.duration_s
            if slot.alerting is not None and earlier.alerting is not None:
                slot.alerting.adopt(earlier.alerting.alerts.values())
        self.last_evaluation = old.last_evaluation
        self._duration_s = old._duration_s
        self._resume_from = old._resume_from
        self._holds_saved = old._holds_saved

    def raised(self) -> Iterable[Raised]:
        """All alerts, resolved ones that are still kept included."""
        for slot in self.slots:
            if slot.alerting is not None:
                expr = slot.alerting.rule.expr.text
                yield from (Raised(self.group.key, expr, alert) for alert in slot.alerting.alerts.values())

    def status(self) -> GroupStatus:
        """How the group and its rules do."""
        return GroupStatus(
            group=self.group,
            interval_s=self.interval_s,
            last_evaluation=self.last_evaluation,
            duration_s=self._duration_s,
            rules=[_status(slot) for slot in self.slots],
        )

    def _evaluate(self, slot: Slot, moment: Moment) -> RuleFailure | None:
        started = self._context.stopwatch()
        error = ""
        try:
            self._publish(slot, slot.runner.step(moment), moment.at_ms)
        except RabbitwatchError as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001 - the border: no rule may stop the others
            _log.exception("a rule failed in an unexpected way", group=self.group.name, rule=slot.runner.rule.name)
            error = f"{type(failure).__name__}: {failure}"
        slot.health = Health.ERROR if error else Health.OK
        slot.last_error = error
        slot.last_evaluation = moment.now
        slot.duration_s = self._context.stopwatch() - started
        return RuleFailure(self.group.key, slot.runner.rule.name, error) if error else None

    def _publish(self, slot: Slot, rows: list[Row], at_ms: int) -> None:
        append = self._context.appender.append
        for labels, value in rows:
            append(labels, at_ms, value)
        series = frozenset(labels for labels, _ in rows)
        for labels in slot.series - series:
            append(labels, at_ms, STALE)
        slot.series = series


def _runner(rule: Rule, context: Context, limit: int) -> Runner:
    if isinstance(rule, AlertingRule):
        return AlertingRunner(rule, context, limit)
    return RecordingRunner(rule, context, limit)


def _numbered(rules: Iterable[Rule]) -> Iterable[tuple[str, Rule]]:
    """Each rule with a key of its own: rules of the same name and labels are told apart by their order."""
    seen: dict[str, int] = {}
    for rule in rules:
        count = seen[rule.identity] = seen.get(rule.identity, 0) + 1
        yield (rule.identity if count == 1 else f"{rule.identity}#{count}"), rule


def _status(slot: Slot) -> RuleStatus:
    runner = slot.runner
    alerts = [alert for alert in runner.alerts.values() if alert.active] if isinstance(runner, AlertingRunner) else []
    return RuleStatus(
        rule=runner.rule,
        health=slot.health,
        last_error=slot.last_error,
        last_evaluation=slot.last_evaluation,
        duration_s=slot.duration_s,
        alerts=alerts,
    )
