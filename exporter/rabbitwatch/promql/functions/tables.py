"""Range functions over many series that were sampled at the same times: one pass over each poll, not one a series.

They give what `ranges` gives for each series alone, and hold no meaning of their own: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import gt, ne, sub
from typing import TypeVar

from rabbitwatch.promql.functions.ranges import Extrapolation, Span
from rabbitwatch.promql.functions.regression import lines
from rabbitwatch.promql.functions.steps import Steps
from rabbitwatch.promql.sums import Reach, totals

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Table:
    """Samples by scrape, at least one. places: where in each scrape the series' values are; None: they are all that
    the oldest one holds. What else stands in a scrape is nobody's concern. No value of the series is NaN.

    steps: what is known already of the scrapes.
    """

    times: Sequence[int]
    scrapes: Sequence[Sequence[float]]
    places: Sequence[int] | None = None
    steps: Steps = field(default_factory=Steps)

    def __len__(self) -> int:
        return len(self.scrapes[0]) if self.places is None else len(self.places)

    def of_series(self, cells: Sequence[_T]) -> Sequence[_T]:
        """Those of a scrape's cells that are the series'."""
        if self.places is None:
            return cells if len(cells) == len(self) else cells[: len(self)]
        return list(map(cells.__getitem__, self.places))

    def rows(self) -> list[Sequence[float]]:
        """The series' values for each of the times; equal scrapes that are one object stay one."""
        made = {id(scrape): self.of_series(scrape) for scrape in self.distinct()}
        return [made[id(scrape)] for scrape in self.scrapes]

    def distinct(self) -> list[Sequence[float]]:
        """The scrapes, without those that are the same object as another."""
        return list({id(scrape): scrape for scrape in self.scrapes}.values())

    def each(self) -> list[tuple[Sequence[int], Sequence[float]]]:
        """The samples by series."""
        return [(self.times, values) for values in zip(*self.rows(), strict=True)]


Results = Sequence[float | None]
TableFunction = Callable[..., Results]
"""(table, span, *scalar arguments): a result for each series."""


def _ends(table: Table) -> tuple[Sequence[float], Sequence[float]]:
    return table.of_series(table.scrapes[0]), table.of_series(table.scrapes[-1])


def _increases(table: Table) -> Sequence[float]:
    """Of each series, from its first to its last sample, with what it lost to each reset."""
    increased = list(map(sub, table.scrapes[-1], table.scrapes[0]))
    for before, fell in table.steps.where(gt, table.scrapes):
        for place in fell:
            if place < len(increased):
                increased[place] += before[place]
    return table.of_series(increased)


def _nothing(table: Table) -> Results:
    return [None] * len(table)


def increase(table: Table, span: Span, divisor: float = 1.0) -> Results:
    """increase() of each series."""
    if len(table.times) < 2:
        return _nothing(table)
    return Extrapolation(table.times, span, divisor).of_counters(_ends(table)[0], _increases(table))


def rate(table: Table, span: Span) -> Results:
    """rate() of each series."""
    return increase(table, span, span.seconds)


def delta(table: Table, span: Span) -> Results:
    """delta() of each series."""
    if len(table.times) < 2:
        return _nothing(table)
    first, last = _ends(table)
    return list(map(Extrapolation(table.times, span).of_gauge, map(sub, last, first)))


def deriv(table: Table, _span: Span) -> Results:
    """deriv() of each series."""
    if len(table.times) < 2:
        return _nothing(table)
    return [slope for slope, _ in lines(table.times, table.rows(), table.times[0])]


def predict_linear(table: Table, span: Span, seconds: float) -> Results:
    """predict_linear() of each series."""
    if len(table.times) < 2:
        return _nothing(table)
    found = lines(table.times, table.rows(), span.at_ms)
    return [slope * seconds + intercept for slope, intercept in found]


def _sum(table: Table, _span: Span) -> Results:
    rows = table.rows()
    return totals(rows, Reach.of(rows))


def _counted(differs: Callable[[float, float], bool]) -> TableFunction:
    def of_each(table: Table, _span: Span) -> Results:
        counts = [0.0] * len(table.scrapes[-1])
        for _, places in table.steps.where(differs, table.scrapes):
            for place in places:
                counts[place] += 1
        return table.of_series(counts)

    return of_each


def _extreme(choose: Callable[..., float]) -> TableFunction:
    def of_each(table: Table, _span: Span) -> Results:
        rows = list(map(table.of_series, table.distinct()))
        return list(map(choose, *rows)) if len(rows) > 1 else rows[0]

    return of_each


TABLE_FUNCTIONS: dict[str, TableFunction] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "deriv": deriv,
    "predict_linear": predict_linear,
    "sum_over_time": _sum,
    "changes": _counted(ne),
    "resets": _counted(gt),
    "min_over_time": _extreme(min),
    "max_over_time": _extreme(max),
    "last_over_time": lambda table, _span: _ends(table)[1],
    "first_over_time": lambda table, _span: _ends(table)[0],
    "count_over_time": lambda table, _span: [float(len(table.times))] * len(table),
    "present_over_time": lambda table, _span: [1.0] * len(table),
}
