"""What a query may cost: refused in time, in Prometheus' words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.unit.promql.data import MINUTE, load, rows

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.engine import Engine, Limits

STORAGE = load("m{a='1'} 0+1x100\nm{a='2'} 0+1x100")


@pytest.mark.parametrize(
    ("limits", "expr", "message"),
    [
        (Limits(max_samples=1), "m", "query processing would load too many samples into memory in query execution"),
        (Limits(max_samples=10), "rate(m[10m])", "query processing would load too many samples"),
        (Limits(max_samples=30), "sum_over_time(m[20m:1m])", "query processing would load too many samples"),
        (Limits(max_subquery_steps=10), "sum_over_time(m[20m:1m])", "a subquery would evaluate 20 steps"),
        (Limits(), "count_over_time(vector(1)[1000000s:1s])", "a subquery would evaluate 1,000,000 steps"),
        (Limits(), "sum_over_time(sum_over_time(vector(1)[1w:10s])[1w:10s])", "a subquery would evaluate"),
    ],
)
def test_instant_queries_that_cost_too_much_are_refused(limits: Limits, expr: str, message: str) -> None:
    start = time.monotonic()
    with pytest.raises(QueryError, match=message):
        rows(expr, STORAGE, 50 * MINUTE, limits)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("end_ms", "step_ms", "message"),
    [
        (1_000_000_000, 1000, "exceeded maximum resolution of 11,000 points per timeseries"),
        (1000, 0, "zero or negative query resolution step widths are not accepted"),
        (1000, -1, "zero or negative query resolution step widths are not accepted"),
        (-1, 1000, "end timestamp must not be before start time"),
    ],
)
def test_range_queries_with_too_many_steps_or_none_are_refused(end_ms: int, step_ms: int, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        Engine().range("m", 0, end_ms, step_ms, STORAGE)


@pytest.mark.parametrize("expr", ["m[5m]", '"text"'])
def test_range_queries_give_only_numbers_over_time(expr: str) -> None:
    with pytest.raises(QueryError, match="invalid expression type"):
        Engine().range(expr, 0, 1000, 1000, STORAGE)


def test_a_query_ends_at_its_deadline() -> None:
    def clock() -> Iterator[float]:
        yield 0.0
        yield 0.0
        while True:
            yield 31.0

    ticks = clock()
    engine = Engine(Limits(timeout_s=30), clock=lambda: next(ticks))
    with pytest.raises(QueryError, match="query timed out in expression evaluation"):
        engine.range("m + m", 0, 10_000 * 1000, 1000, STORAGE)


def test_the_engine_lives_on_after_a_refusal() -> None:
    engine = Engine(Limits(max_samples=10))
    for _ in range(3):
        with pytest.raises(QueryError):
            engine.instant("rate(m[50m])", 50 * MINUTE, STORAGE)
    assert len(engine.instant("sum(m)", 50 * MINUTE, STORAGE).value.values) == 1  # type: ignore[union-attr]
