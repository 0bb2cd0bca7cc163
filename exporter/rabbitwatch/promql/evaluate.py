"""Evaluating an expression tree at one time, for all times of one scope."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from rabbitwatch.errors import QueryError
from rabbitwatch.promql import aggregate, operators
from rabbitwatch.promql.assemble import SeriesBuilder, without_dropped_names
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.fetch import Columns, Fetcher, Scope, Windows
from rabbitwatch.promql.functions.calls import CALLS
from rabbitwatch.promql.functions.elementwise import PLAIN
from rabbitwatch.promql.functions.ranges import COUNTERS_ONLY, KEEP_NAME, RANGE_FUNCTIONS, Span
from rabbitwatch.promql.functions.tables import TABLE_FUNCTIONS, Table
from rabbitwatch.promql.labels import LabelSet, quote
from rabbitwatch.promql.limits import Budget
from rabbitwatch.promql.nodes import (
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Negate,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from rabbitwatch.promql.storage import Latest, SampleSeries, Storage
from rabbitwatch.promql.values import Matrix, Notes, Scalar, String, Value, Vector

_V = TypeVar("_V", Scalar, String, Vector)
_COUNTER_ENDINGS = ("_total", "_sum", "_count", "_bucket")


class Evaluator:
    """Evaluates at the times of one scope. A subquery has an evaluator of its own, and shares all but the scope.

    delayed_names: drop `__name__` only from the end result, as Prometheus does behind its feature flag.
    """

    def __init__(
        self,
        storage: Storage,
        budget: Budget,
        notes: Notes,
        columns: Columns,
        scope: Scope,
        query: Scope,
        delayed_names: bool,
    ) -> None:
        self.notes = notes
        self.query = query
        self._storage = storage
        self._budget = budget
        self._columns = columns
        self._scope = scope
        self._delayed = delayed_names
        self._fetcher = Fetcher(storage, budget, scope, query, columns)
        self._subqueries: dict[Subquery, Windows] = {}

    def evaluate(self, node: Node, at_ms: int) -> Value:
        """The value at this time; QueryError where the expression fails."""
        match node:
            case Number():
                return Scalar(node.value)
            case Text():
                return String(node.value)
            case Selector():
                latest = self.latest(node, at_ms)
                return Vector(latest.labels, latest.values)
            case Negate():
                return self._negate(node, at_ms)
            case Binary():
                return self._binary(node, at_ms)
            case Aggregate():
                return self._aggregate(node, at_ms)
            case Call():
                return self._call(node, at_ms)
            case _:
                return self._matrix(self.windows(node, at_ms))

    def _typed(self, node: Node, at_ms: int, wanted: type[_V]) -> _V:
        value = self.evaluate(node, at_ms)
        if not isinstance(value, wanted):
            raise QueryError(f"expected a {wanted.__name__.lower()}, got a {type(value).__name__.lower()}")
        return value

    def vector(self, node: Node, at_ms: int) -> Vector:
        """The value of an expression that gives a vector."""
        return self._typed(node, at_ms, Vector)

    def scalar(self, node: Node, at_ms: int) -> float:
        """The value of an expression that gives a scalar."""
        return self._typed(node, at_ms, Scalar).value

    def text(self, node: Node) -> str:
        """The value of a string literal."""
        return self._typed(node, self._scope.start_ms, String).value

    def latest(self, node: Selector, at_ms: int) -> Latest:
        """The newest samples that an instant selector finds."""
        self._budget.tick()
        return self._fetcher.instant(node, at_ms)

    def _drop_name(self, vector: Vector) -> Vector:
        """Drop the names that are to go, now or, under delayed removal, later."""
        return vector if self._delayed or vector.drop is False else without_dropped_names(vector)

    def _negate(self, node: Negate, at_ms: int) -> Value:
        value = self.evaluate(node.expr, at_ms)
        if isinstance(value, Scalar):
            return Scalar(-value.value)
        assert isinstance(value, Vector)  # noqa: S101 - the parser checks types
        return self._drop_name(Vector(value.labels, [-v for v in value.values], drop=True))

    def _binary(self, node: Binary, at_ms: int) -> Value:
        left, right = self.evaluate(node.left, at_ms), self.evaluate(node.right, at_ms)
        match left, right:
            case Scalar(), Scalar():
                return Scalar(operators.on_numbers(node.op, left.value, right.value))
            case Vector(), Scalar():
                return self._drop_name(operators.with_number(node, left, right.value, number_is_left=False))
            case Scalar(), Vector():
                return self._drop_name(operators.with_number(node, right, left.value, number_is_left=True))
            case Vector(), Vector():
                if node.op in SET_OPERATORS:
                    return operators.set_operation(node, left, right)
                return self._drop_name(operators.between_vectors(node, left, right, self._delayed))
        raise QueryError("binary expression must contain only scalar and instant vector types")

    def _aggregate(self, node: Aggregate, at_ms: int) -> Value:
        vector = self.vector(node.expr, at_ms)
        if node.param is None:
            return aggregate.reduce(node.op, vector, node.grouping)
        if node.op == "count_values":
            return aggregate.count_values(self.text(node.param), vector, node.grouping)
        parameter = self.scalar(node.param, at_ms)
        match node.op:
            case "quantile":
                return aggregate.quantiles(parameter, vector, node.grouping, self.notes)
            case "topk" | "bottomk":
                return aggregate.extremes(node.op, parameter, vector, node.grouping)
            case "limitk":
                return aggregate.first_rows(parameter, vector, node.grouping)
            case "limit_ratio":
                return aggregate.sampled_rows(parameter, vector, self.notes)
        raise QueryError(f"unknown aggregation {node.op!r}")

    def _call(self, node: Call, at_ms: int) -> Value:
        plain = PLAIN.get(node.name)
        if plain is not None:
            vector = self.vector(node.args[0], at_ms)
            return self._drop_name(Vector(vector.labels, list(map(plain, vector.values)), drop=True))
        if node.name in RANGE_FUNCTIONS:
            return self._range_call(node, at_ms)
        value = CALLS[node.name](self, node.args, at_ms)
        return self._drop_name(value) if isinstance(value, Vector) else value

    def _range_call(self, node: Call, at_ms: int) -> Vector:
        parameters: list[float] = []
        for arg in node.args:
            if isinstance(arg, RangeSelector | Subquery):
                windows = self.windows(arg, at_ms)
            else:
                parameters.append(self.scalar(arg, at_ms))
        if node.name == "quantile_over_time":
            aggregate.check_quantile(parameters[0], self.notes)
        results = self._results(node.name, windows, parameters)
        labels, drop = windows.labels, windows.drop if node.name in KEEP_NAME else True
        if None in results:
            kept = [row for row, result in enumerate(results) if result is not None]
            drop = drop if isinstance(drop, bool) else [drop[row] for row in kept]
            labels = self._columns.picked(node, labels, kept)
        values = [result for result in results if result is not None]
        if node.name in COUNTERS_ONLY and values:
            self._note_gauges(labels)
        return self._drop_name(Vector(labels, values, drop))

    def _results(self, name: str, windows: Windows, parameters: list[float]) -> Sequence[float | None]:
        """The function's result for each row: for all of a table at once where the function allows it."""
        function, span, tick = RANGE_FUNCTIONS[name], windows.span, self._budget.tick
        results: list[float | None] = []
        for part in windows.parts:
            if isinstance(part, Table) and name in TABLE_FUNCTIONS:
                self._budget.check_time()
                results.extend(TABLE_FUNCTIONS[name](part, span, *parameters))
                continue
            for times, values in part.each() if isinstance(part, Table) else part:
                tick()
                results.append(function(times, values, span, *parameters))
        return results

    def _note_gauges(self, labels: LabelColumn) -> None:
        for name in labels.metric_names():
            if name and not name.endswith(_COUNTER_ENDINGS):
                ending = "/".join(_COUNTER_ENDINGS)
                self.notes.info(f"metric might not be a counter, name does not end in {ending}: {quote(name)}")

    def windows(self, node: Node, at_ms: int) -> Windows:
        """The value of a range selector or a subquery."""
        self._budget.tick()
        if isinstance(node, RangeSelector):
            return self._fetcher.windows(node, at_ms)
        if not isinstance(node, Subquery):
            raise QueryError("expected a range vector")
        end = self._fetcher.reference(node.shift, at_ms)
        span = Span(end - node.range_ms, end, at_ms)
        inner = self._subqueries.get(node)
        if inner is None:
            inner = self._subqueries[node] = self._evaluate_subquery(node, span)
        return _cut(inner, span)

    def _evaluate_subquery(self, node: Subquery, span: Span) -> Windows:
        """The inner expression at each multiple of the step within what any step of this scope can look at."""
        first, last = span.start_ms, span.end_ms
        if node.shift.at is None:
            first = self._scope.start_ms - node.shift.offset_ms - node.range_ms
            last = self._scope.end_ms - node.shift.offset_ms
        step = node.step_ms or self._budget.limits.subquery_step_ms
        start = (first // step + 1) * step
        self._budget.check_subquery((last - start) // step + 1)
        scope = Scope(start, last, step)
        inner = Evaluator(
            self._storage, self._budget, self.notes, self._columns, scope, self.query, delayed_names=self._delayed
        )
        builder = inner.over_steps(node.expr)
        found = builder.series()
        rows = [(s.timestamps, s.values) for s in found]
        drops = builder.drops()
        return Windows(LabelColumn([s.labels for s in found]), [rows], span, drops if any(drops) else False)

    def over_steps(self, node: Node) -> SeriesBuilder:
        """The expression at each time of the scope."""
        builder = SeriesBuilder(self._budget)
        scope = self._scope
        nothing = LabelColumn([LabelSet("", (), ())])
        for at_ms in range(scope.start_ms, scope.end_ms + 1, scope.step_ms):
            self._budget.tick()
            value = self.evaluate(node, at_ms)
            if isinstance(value, Scalar):
                value = Vector(nothing, [value.value])
            if not isinstance(value, Vector):
                raise QueryError("invalid expression type for range query, must be Scalar or instant Vector")
            builder.add(value, at_ms)
        return builder

    def _matrix(self, windows: Windows) -> Matrix:
        return Matrix(
            [
                SampleSeries(labels, array("q", times), array("d", values))
                for labels, (times, values) in zip(windows.labels, windows.each(), strict=True)
            ]
        )


def _cut(inner: Windows, span: Span) -> Windows:
    """The part of a subquery's result that lies in the span."""
    kept, rows = [], []
    for row, (times, values) in enumerate(inner.each()):
        low, high = bisect_right(times, span.start_ms), bisect_right(times, span.end_ms)
        if low < high:
            kept.append(row)
            rows.append((times[low:high], values[low:high]))
    labels, drop = inner.labels, inner.drop
    if len(kept) < len(labels):
        labels = labels.pick(kept)
        drop = drop if isinstance(drop, bool) else [drop[row] for row in kept]
    return Windows(labels, [rows], span, drop)
