"""The window's own metrics, read whenever they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rabbitwatch.metrics.own_families import (
    WINDOW_DROPPED,
    WINDOW_LIMIT,
    WINDOW_SAMPLES,
    WINDOW_SERIES,
    gathered,
)
from rabbitwatch.promql.window.window import Stats, Window

_EMPTY = Stats(series=0, samples=0, budget=0, dropped=0, whole_since_ms=0)


class WindowMetrics(Collector):
    """Register it at the agent's registry (metrics.own.OwnMetrics.registry). window: None to know the names only."""

    def __init__(self, window: Window | None) -> None:
        self._window = window

    def collect(self) -> Iterator[Metric]:
        """How full the window is, and what its bound has cost."""
        stats = self._window.stats() if self._window else _EMPTY
        for family, value in (
            (WINDOW_SERIES, stats.series),
            (WINDOW_SAMPLES, stats.samples),
            (WINDOW_LIMIT, stats.budget),
            (WINDOW_DROPPED, stats.dropped),
        ):
            metric = gathered(family)
            metric.add_metric((), value)
            yield metric
