"""The engine: an expression and a storage in, a value out."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.assemble import SeriesBuilder, without_dropped_names
from rabbitwatch.promql.evaluate import Evaluator
from rabbitwatch.promql.fetch import Columns, Scope
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.limits import Budget, Limits
from rabbitwatch.promql.nodes import Parsed, ValueType
from rabbitwatch.promql.parse import parse
from rabbitwatch.promql.storage import SampleSeries, Storage
from rabbitwatch.promql.values import Matrix, Notes, Result, Value, Vector

__all__ = ["Engine", "Limits"]


class Engine:
    """Evaluates expressions. It keeps nothing but columns derived from labels, so one engine serves all rules.

    delayed_names: drop `__name__` only from the end result. Prometheus does so behind the feature flag
    promql-delayed-name-removal; its own conformance files are run that way.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        delayed_names: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or Limits()
        self._delayed = delayed_names
        self._clock = clock
        self._columns = Columns()

    def instant(self, expression: str | Parsed, at_ms: int, storage: Storage) -> Result:
        """The value at one time; QueryError where the expression is wrong, fails, or costs too much."""
        parsed = parse(expression) if isinstance(expression, str) else expression
        scope = Scope(at_ms, at_ms, 0)
        notes = Notes()

        def run(evaluator: Evaluator) -> Value:
            value = evaluator.evaluate(parsed.root, at_ms)
            return without_dropped_names(value) if isinstance(value, Vector) else value

        return self._result(run, storage, scope, notes)

    def range(self, expression: str | Parsed, start_ms: int, end_ms: int, step_ms: int, storage: Storage) -> Result:
        """The values at start, start + step and so on up to end, as a matrix; QueryError as for `instant`."""
        parsed = parse(expression) if isinstance(expression, str) else expression
        if parsed.type not in (ValueType.SCALAR, ValueType.VECTOR):
            raise QueryError(
                f"invalid expression type {_article(parsed.type)} for range query, must be Scalar or instant Vector"
            )
        scope = Scope(start_ms, end_ms, step_ms)
        notes = Notes()
        Budget(self._limits, self._clock).check_steps(start_ms, end_ms, step_ms)
        return self._result(lambda run: _matrix(run.over_steps(parsed.root)), storage, scope, notes)

    def _result(self, run: Callable[[Evaluator], Value], storage: Storage, scope: Scope, notes: Notes) -> Result:
        budget = Budget(self._limits, self._clock)
        evaluator = Evaluator(storage, budget, notes, self._columns, scope, scope, self._delayed)
        try:
            value = run(evaluator)
        except RecursionError:
            raise QueryError("the expression nests too deeply to be evaluated") from None
        return Result(value, tuple(notes.warnings), tuple(notes.infos))


def _article(kind: ValueType) -> str:
    return "range vector" if kind is ValueType.MATRIX else kind.value


def _matrix(builder: SeriesBuilder) -> Matrix:
    """The series, without the names that are to go; series that become equal are joined where they do not overlap."""
    joined: dict[LabelSet, list[SampleSeries]] = {}
    for series, drop in zip(builder.series(), builder.drops(), strict=True):
        labels = series.labels.without_name() if drop else series.labels
        joined.setdefault(labels, []).append(series)
    return Matrix([_merge(labels, parts) for labels, parts in joined.items()])


def _merge(labels: LabelSet, parts: list[SampleSeries]) -> SampleSeries:
    if len(parts) == 1:
        return SampleSeries(labels, parts[0].timestamps, parts[0].values)
    samples = sorted((t, v) for part in parts for t, v in zip(part.timestamps, part.values, strict=True))
    times = array("q", [t for t, _ in samples])
    if len(set(times)) != len(times):
        raise QueryError("vector cannot contain metrics with the same labelset")
    return SampleSeries(labels, times, array("d", [v for _, v in samples]))
