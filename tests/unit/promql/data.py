"""Series for the tests of the engine, written in Prometheus' notation."""

from __future__ import annotations

from rabbitwatch.promql.engine import Engine, Limits
from rabbitwatch.promql.notation import Histogram, parse_series
from rabbitwatch.promql.storage import MemoryStorage
from rabbitwatch.promql.values import Matrix, Scalar, Vector

MINUTE = 60_000


def load(text: str, step_ms: int = MINUTE) -> MemoryStorage:
    """One series a line, its first sample at time 0."""
    storage = MemoryStorage()
    for line in filter(None, map(str.strip, text.splitlines())):
        labels, points = parse_series(line)
        for index, point in enumerate(points):
            if point is not None and not isinstance(point, Histogram):
                storage.append(labels, index * step_ms, point)
    return storage


def rows(expr: str, storage: MemoryStorage, at_ms: int = 10 * MINUTE, limits: Limits | None = None) -> dict[str, float]:
    """The instant vector's (or scalar's) values by their printed labels."""
    value = Engine(limits).instant(expr, at_ms, storage).value
    if isinstance(value, Scalar):
        return {"scalar": value.value}
    assert isinstance(value, Vector)
    return {str(labels): number for labels, number in zip(value.labels, value.values, strict=True)}


def series(expr: str, storage: MemoryStorage, end_ms: int, step_ms: int = MINUTE) -> dict[str, dict[int, float]]:
    """The range query's values from 0 on, by printed labels and time."""
    value = Engine().range(expr, 0, end_ms, step_ms, storage).value
    assert isinstance(value, Matrix)
    return {str(s.labels): dict(zip(s.timestamps, s.values, strict=True)) for s in value.series}
