"""The agent counts what it does: how its polls go, what it is, what it costs."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics_format
from prometheus_client.registry import Collector

from rabbitwatch import __version__
from rabbitwatch.cluster.answers import questions
from rabbitwatch.errors import CallFailure
from rabbitwatch.metrics.own_families import (
    BUILD,
    CALL_FAILURES,
    CALL_SECONDS,
    CALLS,
    CYCLE_FAILURES,
    DURATION,
    FAMILIES,
    POLLS,
    RELOAD_AT,
    RELOAD_OK,
    SUCCESS,
    own_family,
)
from rabbitwatch.model.observation import ClusterObservation, Heard, Missed, NotAsked
from rabbitwatch.model.sample import Block, Family, Kind, Row


class OwnMetrics:
    """Counts what the agent does. Safe to use from any thread.

    registry: for whoever else has something to count (HTTP, notices, actions).
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._build, self._duration, self._success = (self._gauge(f) for f in (BUILD, DURATION, SUCCESS))
        self._polls, self._cycle_failures = self._counter(POLLS), self._counter(CYCLE_FAILURES)
        self._calls, self._call_seconds = self._counter(CALLS), self._counter(CALL_SECONDS)
        self._failures = self._counter(CALL_FAILURES)
        self._reload_ok, self._reload_at = self._gauge(RELOAD_OK), self._gauge(RELOAD_AT)
        self._build.labels(__version__, platform.python_version()).set(1)

    def _gauge(self, family: Family) -> Gauge:
        return Gauge(family.name, family.help, family.labels, registry=self.registry)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.help, family.labels, registry=self.registry)

    def reloaded(self, *, ok: bool) -> None:
        """Say whether the configuration was taken over when it was last loaded, at the start or at a reload."""
        self._reload_ok.set(ok)
        if ok:
            self._reload_at.set_to_current_time()

    def observe(self, observation: ClusterObservation) -> None:
        """Count one poll. Parts that were heard in an earlier poll and carried over are not counted again."""
        cluster = observation.cluster
        self._polls.labels(cluster).inc()
        self._duration.labels(cluster).set(observation.took)
        self._cycle_failures.labels(cluster)  # so that a first failure is an increase, not a new series
        if any(isinstance(node.nodes, Heard) for node in observation.nodes):
            self._success.labels(cluster).set(observation.at)
        for _, source, part in questions(observation):
            if isinstance(part, NotAsked) or part.at < observation.at:
                continue
            self._calls.labels(cluster, source.value).inc()
            self._call_seconds.labels(cluster, source.value).inc(max(part.took, 0.0))
            for reason in CallFailure:
                self._failures.labels(cluster, source.value, reason.value)
            if isinstance(part, Missed):
                self._failures.labels(cluster, source.value, part.failure.value).inc()

    def cycle_failed(self, cluster: str) -> None:
        """Count a cycle that ended in an unforeseen exception."""
        self._cycle_failures.labels(cluster).inc()

    def render(self, openmetrics: bool) -> bytes:
        """The page's last part; in OpenMetrics with the closing line."""
        lean = _Lean(self.registry)
        if not openmetrics:
            return generate_latest(lean)
        rendered: bytes = openmetrics_format.generate_latest(lean)  # type: ignore[no-untyped-call]
        return rendered

    def blocks(self) -> list[Block]:
        """The same as samples, for rules and pages; a block for each name of a sample."""
        found: dict[str, tuple[Family, list[Row]]] = {}
        for metric in _Lean(self.registry).collect():
            for sample in metric.samples:
                if sample.name not in found:
                    found[sample.name] = (_described(metric, sample.name, tuple(sample.labels)), [])
                family, rows = found[sample.name]
                rows.append((tuple(sample.labels[name] for name in family.labels), sample.value))
        return [Block(family, rows) for family, rows in found.values()]


class _Lean(Collector):
    """A registry without the `_created` series, which nobody reads and which double the number of counters."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


_KNOWN = {family.name: family for family in FAMILIES}


def _described(metric: Metric, name: str, labels: tuple[str, ...]) -> Family:
    kind = Kind.COUNTER if metric.type == "counter" else Kind.GAUGE
    return _KNOWN.get(name) or own_family(name, kind, labels, metric.documentation)
