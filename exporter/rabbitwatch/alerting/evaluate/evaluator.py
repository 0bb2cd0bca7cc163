"""All groups: when each is due, what happens when the files change, and what is left of rules that are gone.

The order of one cycle is: evaluate, store, return. Whoever announces alerts does it with what `evaluate` returns, so
nothing is announced that a restart could forget. Where storing fails, alerts are returned all the same: a full disk
must not silence them; `Cycle.unsaved` and the log say so.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.coverage import COMPLETE, Coverage
from rabbitwatch.alerting.evaluate.context import Context
from rabbitwatch.alerting.evaluate.group_runner import GroupRunner
from rabbitwatch.alerting.evaluate.status import Cycle, GroupStatus, Raised, RuleFailure, RuleFigures
from rabbitwatch.alerting.evaluate.transitions import RESOLVED_RETENTION_S
from rabbitwatch.alerting.ports import StoredGroup
from rabbitwatch.alerting.rulefile.model import RuleSet
from rabbitwatch.errors import StorageError
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.storage import STALE

_log = structlog.get_logger(__name__)


class Evaluator:
    """Evaluates a rule set; it schedules nothing, so whoever owns the clock calls `evaluate` after each poll.

    The store is read once, when the first rule set is loaded. Loading and evaluating exclude each other; `status`,
    `alerts` and `figures` may be called from any thread at any time.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._runners: tuple[GroupRunner, ...] = ()
        self._departed: tuple[Raised, ...] = ()
        self._orphans: set[LabelSet] = set()
        self._stored: dict[str, StoredGroup] | None = None
        self._unknown_groups: list[str] = []
        self._evaluations: Counter[tuple[str, str]] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()

    def load(self, rules: RuleSet) -> None:
        """Evaluate these rules from now on. Alerts go on where group, rule name and rule labels are the same; those
        of rules that are gone resolve at the next evaluation."""
        with self._lock:
            if self._stored is None:
                self._stored = {group.name: group for group in self._context.store.load()}
            before = {runner.group.key: runner for runner in self._runners}
            runners = tuple(GroupRunner(group, self._context) for group in rules.groups)
            for runner in runners:
                old = before.pop(runner.group.key, None)
                stored = self._stored.pop(runner.group.key, None)
                if old is not None:
                    runner.take_over(old)
                    self._part_with(old, kept={slot.key for slot in runner.slots})
                elif stored is not None:
                    gone = [Raised(stored.name, "", each.alert) for each in runner.restore(stored)]
                    self._departed += tuple(gone)
            for old in before.values():
                self._part_with(old, kept=set())
                self._unknown_groups.append(old.group.key)
            for stored in self._stored.values():
                self._departed += tuple(Raised(stored.name, "", each.alert) for each in stored.alerts)
                self._unknown_groups.append(stored.name)
            self._stored = {}
            self._runners = runners

    def evaluate(self, now: float, coverage: Coverage = COMPLETE) -> Cycle:
        """Evaluate what is due at `now` (seconds since the epoch), store it, and return all alerts."""
        with self._lock:
            self._settle_departed(now)
            due = [runner for runner in self._runners if runner.due(now)]
            failures: list[RuleFailure] = []
            unsaved = ""
            for runner in due:
                found = runner.evaluate(now, coverage)
                failures += found
                self._count(runner, found)
                unsaved = self._save(runner) or unsaved
            self._end_orphans(now)
            self._forget_unknown()
            alerts = [*self._departed, *(each for runner in self._runners for each in runner.raised())]
            return Cycle(now, [runner.group.key for runner in due], failures, alerts, unsaved)

    def status(self) -> list[GroupStatus]:
        """How groups and rules do, in the order of the files."""
        return [runner.status() for runner in self._runners]

    def alerts(self) -> list[Raised]:
        """The pending and firing alerts."""
        return [each for runner in self._runners for each in runner.raised() if each.alert.active]

    def figures(self) -> list[RuleFigures]:
        """Evaluations and failures of each rule of the loaded set."""
        keys = dict.fromkeys((r.group.key, slot.runner.rule.name) for r in self._runners for slot in r.slots)
        return [RuleFigures(*key, self._evaluations[key], self._failures[key]) for key in keys]

    # -- inside, with the lock held

    def _count(self, runner: GroupRunner, failures: Iterable[RuleFailure]) -> None:
        self._evaluations.update((runner.group.key, slot.runner.rule.name) for slot in runner.slots)
        self._failures.update((failure.group, failure.rule) for failure in failures)

    def _save(self, runner: GroupRunner) -> str:
        try:
            runner.save()
        except StorageError as error:
            _log.error("alerts could not be stored: a restart now would forget them", error=str(error))
            return str(error)
        return ""

    def _part_with(self, old: GroupRunner, kept: set[str]) -> None:
        for slot in old.slots:
            if slot.key in kept:
                continue
            self._orphans |= slot.series
            if slot.alerting is not None:
                alerts = slot.alerting.alerts.values()
                self._departed += tuple(Raised(old.group.key, slot.alerting.rule.expr.text, a) for a in alerts)

    def _settle_departed(self, now: float) -> None:
        """Resolve the firing alerts of rules that are gone, drop the pending, and forget both in time."""
        settled = (
            replace(each, alert=_ended(each.alert, now)) for each in self._departed if _worth_keeping(each.alert)
        )
        self._departed = tuple(
            each for each in settled if now - (each.alert.resolved_at or now) <= RESOLVED_RETENTION_S
        )

    def _end_orphans(self, now: float) -> None:
        """End the series of rules that are gone; after the evaluation, so that a rule that took one over keeps it."""
        for labels in self._orphans:
            self._context.appender.append(labels, round(now * 1000), STALE)
        self._orphans = set()

    def _forget_unknown(self) -> None:
        if not self._unknown_groups:
            return
        known: Sequence[str] = [runner.group.key for runner in self._runners]
        try:
            self._context.store.forget([key for key in self._unknown_groups if key not in known])
        except StorageError as error:
            _log.warning("groups that are gone could not be forgotten", error=str(error))
            return
        self._unknown_groups = []


def _worth_keeping(alert: Alert) -> bool:
    return alert.state is not AlertState.PENDING


def _ended(alert: Alert, now: float) -> Alert:
    return replace(alert, state=AlertState.INACTIVE, resolved_at=now) if alert.active else alert
