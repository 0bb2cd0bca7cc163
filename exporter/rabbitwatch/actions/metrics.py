"""The agent's own figures about repairs, for its page of metrics and the rules on it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rabbitwatch.actions.chain import Head
from rabbitwatch.metrics.own_families import (
    ACTION_AUDIT_ENTRIES,
    ACTION_AUDIT_FAILURES,
    ACTION_AUDIT_HEAD,
    ACTION_AUDIT_PROBLEMS,
    ACTION_ERRORS,
    ACTION_FIGHTS,
    ACTION_LEASE_HELD,
    ACTION_OPEN_SECONDS,
    ACTION_REFUSALS,
    ACTION_WEBHOOK_REFUSALS,
    ACTIONS,
    ACTIONS_OPEN,
    ACTIONS_PAUSED,
    APPROVALS_WAITING,
    gathered,
)
from rabbitwatch.model.action import Outcome

ENDS = (Outcome.DONE, Outcome.STALLED, Outcome.TIMED_OUT, Outcome.FAILED)


def word(outcome: Outcome) -> str:
    """As a label's value."""
    return outcome.value.replace(" ", "_")


class ActionCounts:
    """What is counted as it happens. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Counter[tuple[str, str, str]] = Counter()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self._errors: Counter[str] = Counter()
        self._audit_failures = 0
        self._webhook_refusals = 0

    def begin(self, pairs: Iterator[tuple[str, str]]) -> None:
        """Count these clusters and actions from 0 where they are new, so that a first failure is an increase."""
        with self._lock:
            for cluster, action in pairs:
                self._errors[cluster] += 0
                for outcome in ENDS:
                    self._ended[cluster, action, word(outcome)] += 0

    def ended(self, cluster: str, action: str, outcome: Outcome) -> None:
        """A requested step has come to this end."""
        with self._lock:
            self._ended[cluster, action, word(outcome)] += 1

    def refused(self, cluster: str, action: str, guard: str) -> None:
        """A guard's refusal was recorded."""
        with self._lock:
            self._refused[cluster, action, guard] += 1

    def error(self, cluster: str) -> None:
        """A defect of rabbitwatch ended a pass along the line."""
        with self._lock:
            self._errors[cluster] += 1

    def audit_failed(self) -> None:
        """Something could not be recorded, and so was not done."""
        with self._lock:
            self._audit_failures += 1

    def webhook_refused(self) -> None:
        """A request to the webhook was refused and that was recorded."""
        with self._lock:
            self._webhook_refusals += 1

    def metrics(self) -> Iterator[Metric]:
        """All counts."""
        ended, refused, errors = gathered(ACTIONS), gathered(ACTION_REFUSALS), gathered(ACTION_ERRORS)
        audit, webhook = gathered(ACTION_AUDIT_FAILURES), gathered(ACTION_WEBHOOK_REFUSALS)
        with self._lock:
            for labels, count in self._ended.items():
                ended.add_metric(labels, count)
            for labels, count in self._refused.items():
                refused.add_metric(labels, count)
            for cluster, count in self._errors.items():
                errors.add_metric((cluster,), count)
            audit.add_metric((), self._audit_failures)
            webhook.add_metric((), self._webhook_refusals)
        yield from (ended, refused, errors, audit, webhook)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is read off the parts when somebody asks; by cluster where it is a mapping. open_since: of the oldest step
    whose end nobody has seen, how long that is, with how many there are. head: the audit's, None before it was read."""

    paused: bool = False
    problems: int = 0
    head: Head | None = None
    opened: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    leases: Mapping[str, bool] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    fights: Mapping[str, int] = field(default_factory=dict)


class ActionMetrics(Collector):
    """Register it at the agent's registry (metrics.own.OwnMetrics.registry)."""

    def __init__(self, counts: ActionCounts, figures: Callable[[], Figures]) -> None:
        self._counts = counts
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Counts and figures."""
        yield from self._counts.metrics()
        figures = self._figures()
        paused, problems = gathered(ACTIONS_PAUSED), gathered(ACTION_AUDIT_PROBLEMS)
        paused.add_metric((), float(figures.paused))
        problems.add_metric((), figures.problems)
        opened, seconds = gathered(ACTIONS_OPEN), gathered(ACTION_OPEN_SECONDS)
        for cluster, (count, age) in figures.opened.items():
            opened.add_metric((cluster,), count)
            seconds.add_metric((cluster,), age)
        entries, head = gathered(ACTION_AUDIT_ENTRIES), gathered(ACTION_AUDIT_HEAD)
        if figures.head is not None:
            entries.add_metric((), figures.head.number)
            head.add_metric((), figures.head.figure)
        yield from (paused, entries, head, problems, opened, seconds)
        for family, values in (
            (ACTION_LEASE_HELD, figures.leases),
            (APPROVALS_WAITING, figures.waiting),
            (ACTION_FIGHTS, figures.fights),
        ):
            metric = gathered(family)
            for cluster, value in values.items():
                metric.add_metric((cluster,), float(value))
            yield metric
