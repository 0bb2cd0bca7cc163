"""Expressions: /query, /query_range, /format_query, and /query_exemplars, of which there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import promql_parser

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.labels import quote
from rabbitwatch.promql.nodes import Parsed, ValueType
from rabbitwatch.promql.parse import parse
from rabbitwatch.promql.source import Guarded, guard
from rabbitwatch.promql.values import Matrix, Result, Value, Vector
from rabbitwatch.promql.window import Window
from rabbitwatch.web.prometheus.encoding import result
from rabbitwatch.web.prometheus.params import Params
from rabbitwatch.web.prometheus.ports import MakeQuerier, Querier
from rabbitwatch.web.prometheus.reply import Answer, ApiError, ErrorType, bad_parameter


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """timeout_s: of one query, which a request may only shorten. max_steps: of a range query, as in Prometheus.
    max_answer: samples in one answer."""

    timeout_s: float = 30.0
    max_steps: int = 11_000
    max_answer: int = 1_000_000


class Queries:
    """Answers expressions from the window. `now` is in seconds since the epoch."""

    def __init__(
        self, window: Window, make_querier: MakeQuerier, limits: QueryLimits, now: Callable[[], float]
    ) -> None:
        self._window = window
        self._make_querier = make_querier
        self._limits = limits
        self._now = now

    def instant(self, params: Params) -> Answer:
        """/query"""
        at_ms = params.time_ms("time", round(self._now() * 1000))
        timeout_s = self._timeout(params)
        limit = params.limit()
        parsed = _parsed(params)
        storage = self._window.snapshot()
        found = self._run(timeout_s, lambda engine: engine.instant(parsed, at_ms, storage))
        return self._answer(found, at_ms, limit)

    def range(self, params: Params) -> Answer:
        """/query_range"""
        start_ms, end_ms = params.time_ms("start"), params.time_ms("end")
        if end_ms < start_ms:
            raise bad_parameter("end", "end timestamp must not be before start time")
        step_ms = int(params.seconds("step") * 1000)
        if step_ms <= 0:
            raise bad_parameter(
                "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        if (end_ms - start_ms) // step_ms > self._limits.max_steps:
            raise ApiError(
                ErrorType.BAD_DATA,
                f"exceeded maximum resolution of {self._limits.max_steps:,} points per timeseries. "
                "Try decreasing the query resolution (?step=XX)",
            )
        timeout_s = self._timeout(params)
        limit = params.limit()
        parsed = _parsed(params)
        if parsed.type not in (ValueType.SCALAR, ValueType.VECTOR):
            kind = "range vector" if parsed.type is ValueType.MATRIX else "string"
            raise ApiError(
                ErrorType.BAD_DATA,
                f'invalid parameter "query": invalid expression type "{kind}" for range query, '
                "must be Scalar or instant Vector",
            )
        storage = self._window.snapshot()
        found = self._run(timeout_s, lambda engine: engine.range(parsed, start_ms, end_ms, step_ms, storage))
        return self._answer(found, end_ms, limit)

    def formatted(self, params: Params) -> Answer:
        """/format_query: the expression as the parser writes it."""
        _parsed(params)
        guarded = guard(params.text("query"))
        strings = tuple(quote(text)[1:-1] for text in guarded.strings)
        return Answer(Guarded(guarded.text, strings).restore(promql_parser.parse(guarded.text).prettify()))

    def exemplars(self, params: Params) -> Answer:
        """/query_exemplars: the broker gives none, so there are none."""
        params.time_ms("start", 0)
        params.time_ms("end", 0)
        _parsed(params)
        return Answer([])

    def _timeout(self, params: Params) -> float:
        if not params.text("timeout"):
            return self._limits.timeout_s
        wanted = params.seconds("timeout")
        if wanted < 0:
            raise bad_parameter("timeout", f'cannot parse "{params.text("timeout")}" to a valid duration')
        return min(wanted, self._limits.timeout_s)

    def _run(self, timeout_s: float, work: Callable[[Querier], Result]) -> Result:
        began = time.monotonic()
        try:
            return work(self._make_querier(timeout_s))
        except QueryError as error:
            late = time.monotonic() - began >= timeout_s
            raise ApiError(ErrorType.TIMEOUT if late else ErrorType.EXECUTION, error.message) from None

    def _answer(self, found: Result, at_ms: int, limit: int) -> Answer:
        size = _samples(found.value)
        if size > self._limits.max_answer:
            raise ApiError(
                ErrorType.EXECUTION,
                f"the answer has {size:,} samples and the limit is {self._limits.max_answer:,}: "
                "aggregate, narrow the selector, or widen the step",
            )
        data = result(found.value, at_ms)
        warnings = list(found.warnings)
        rows: Any = data["result"]
        if limit and isinstance(found.value, (Vector, Matrix)) and len(rows) > limit:
            data["result"] = rows[:limit]
            warnings.append("results truncated due to limit")
        return Answer(data, warnings, found.infos)


def _parsed(params: Params) -> Parsed:
    try:
        return parse(params.text("query"))
    except QueryError as error:
        raise bad_parameter("query", error.message) from None


def _samples(value: Value) -> int:
    match value:
        case Vector(values=values):
            return len(values)
        case Matrix(series=series):
            return sum(len(one.values) for one in series)
        case _:
            return 1
