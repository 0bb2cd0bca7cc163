"""The agent's own metrics about its notices: counted as they happen, read when they are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rabbitwatch.errors import DeliveryError
from rabbitwatch.metrics.own_families import (
    HANDED_OVER,
    HANDOVER_AT,
    HANDOVER_DROPPED,
    HANDOVER_FAILURES,
    HANDOVER_REQUESTS,
    HANDOVER_SECONDS,
    HANDOVER_WAITING,
    NOTICE_GROUPS,
    NOTICE_LOG_FAILURES,
    NOTICE_REQUEST_FAILURES,
    NOTICE_REQUEST_SECONDS,
    NOTICE_REQUESTS,
    NOTICES,
    NOTICES_FAILING,
    NOTICES_LOST,
    NOTICES_WAITING,
    SLACK_CONNECTED,
    gathered,
)
from rabbitwatch.notify import push
from rabbitwatch.notify.receivers.waiting import Ending, Outcome


@dataclass(slots=True)
class _Counts:
    """Of one integration. failing_since: monotonic; when the first of the tries ended that have failed in a row; None
    where the last has not, and where nothing is left to try."""

    sent: int = 0
    lost: int = 0
    tries: int = 0
    failures: int = 0
    seconds: float = 0.0
    failing_since: float | None = None


class NoticeCounts:
    """Implements receivers.base.Tally. Safe to use from any thread. clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, _Counts] = {}

    def begin(self, integrations: Iterable[str]) -> None:
        """Count these, from 0 where they are new, so that a first failure is an increase and no new series; forget all
        others."""
        with self._lock:
            self._counts = {key: self._counts.get(key, _Counts()) for key in integrations}

    def tried(self, integration: str, seconds: float, failure: DeliveryError | None) -> None:
        """See Tally."""
        with self._lock:
            if (counts := self._counts.get(integration)) is None:
                return
            counts.tries += 1
            counts.seconds += max(seconds, 0.0)
            if failure is None:
                counts.failing_since = None
            else:
                counts.failures += 1
                counts.failing_since = self._clock() if counts.failing_since is None else counts.failing_since

    def ended(self, integration: str, outcome: Outcome) -> None:
        """See Tally."""
        with self._lock:
            if outcome.ending is Ending.SENT and integration in self._counts:
                self._counts[integration].sent += 1

    def lost(self, integration: str) -> None:
        """A notice was given up."""
        with self._lock:
            if integration in self._counts:
                self._counts[integration].lost += 1

    def idle(self, integration: str) -> None:
        """Nothing is left that it should tell."""
        with self._lock:
            if integration in self._counts:
                self._counts[integration].failing_since = None

    def metrics(self) -> Iterator[Metric]:
        """All counts, by receiver and integration."""
        families = [NOTICES, NOTICES_LOST, NOTICE_REQUESTS, NOTICE_REQUEST_FAILURES, NOTICE_REQUEST_SECONDS]
        made = [gathered(family) for family in (*families, NOTICES_FAILING)]
        now = self._clock()
        with self._lock:
            for key, counts in self._counts.items():
                failing = 0.0 if counts.failing_since is None else max(now - counts.failing_since, 0.0)
                values = (counts.sent, counts.lost, counts.tries, counts.failures, counts.seconds, failing)
                for metric, value in zip(made, values, strict=True):
                    metric.add_metric(labels_of(key), value)
        yield from made


@dataclass(frozen=True, slots=True)
class Figures:
    """What is read off the parts when somebody asks. waiting: notices by integration. slack: of each connection of
    Socket Mode, whether it stands."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    groups: int = 0
    log_failures: int = 0
    alertmanagers: Sequence[push.Figures] = ()
    slack: Sequence[bool] = ()


class NoticeMetrics(Collector):
    """Register it at the agent's registry (metrics.own.OwnMetrics.registry)."""

    def __init__(self, counts: NoticeCounts, figures: Callable[[], Figures]) -> None:
        self._counts = counts
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Counts and figures."""
        yield from self._counts.metrics()
        figures = self._figures()
        waiting, groups, failures = (gathered(f) for f in (NOTICES_WAITING, NOTICE_GROUPS, NOTICE_LOG_FAILURES))
        for key, count in figures.waiting.items():
            waiting.add_metric(labels_of(key), count)
        groups.add_metric((), figures.groups)
        failures.add_metric((), figures.log_failures)
        slack = gathered(SLACK_CONNECTED)
        for number, connected in enumerate(figures.slack):
            slack.add_metric((str(number),), float(connected))
        yield from (waiting, groups, failures, slack)
        yield from _handed_over(figures.alertmanagers)


def no_figures() -> Figures:
    """Where nothing is told: to know the names of the metrics."""
    return Figures()


def _handed_over(alertmanagers: Iterable[push.Figures]) -> Iterator[Metric]:
    families = (HANDED_OVER, HANDOVER_DROPPED, HANDOVER_REQUESTS, HANDOVER_FAILURES, HANDOVER_SECONDS, HANDOVER_WAITING)
    made, last = [gathered(family) for family in families], gathered(HANDOVER_AT)
    for each in alertmanagers:
        values = (each.sent, each.dropped, each.posts, each.errors, each.seconds, each.waiting)
        for metric, value in zip(made, values, strict=True):
            metric.add_metric((each.alertmanager,), value)
        if each.sent_at is not None:
            last.add_metric((each.alertmanager,), each.sent_at)
    yield from (*made, last)


def labels_of(integration: str) -> tuple[str, str]:
    """The receiver, and the kind with its index, of `receiver/kind[index]`."""
    receiver, _, kind = integration.rpartition("/")
    return receiver, kind
