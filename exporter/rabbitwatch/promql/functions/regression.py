"""Least squares: the line through the samples of one series, or of each of many that were sampled at the same times.

The sums over the times are the same for all of them, so for each of many series two sums are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import eq, mul

from rabbitwatch.promql.functions.elementwise import divide
from rabbitwatch.promql.sums import NAN, Reach, total, totals

Line = tuple[float, float]
"""Slope per second, and the value at the origin."""


class _Axis:
    """The times, as seconds from the origin, and what a line needs of them."""

    __slots__ = ("_count", "_spread", "_x", "at")

    def __init__(self, times: Sequence[int], origin_ms: int) -> None:
        self.at = [(time - origin_ms) / 1000 for time in times]
        self._count = len(times)
        self._x = total(self.at)
        self._spread = total(list(map(mul, self.at, self.at))) - self._x * self._x / self._count

    def line(self, y: float, xy: float) -> Line:
        """From the sums of the values, and of each value times its time."""
        slope = divide(xy - self._x * y / self._count, self._spread)
        return slope, y / self._count - slope * self._x / self._count


def _level(value: float) -> Line:
    return (NAN, NAN) if math.isinf(value) else (0.0, value)


def line(times: Sequence[int], values: Sequence[float], origin_ms: int) -> Line:
    """The line through one series' samples."""
    if values.count(values[0]) == len(values):
        return _level(values[0])
    axis = _Axis(times, origin_ms)
    return axis.line(total(values), total(list(map(mul, axis.at, values))))


def lines(times: Sequence[int], rows: Sequence[Sequence[float]], origin_ms: int) -> list[Line]:
    """The line through each column of at least two rows, one a time; no value is NaN."""
    axis = _Axis(times, origin_ms)
    weighted = [[at * value for value in row] for at, row in zip(axis.at, rows, strict=True)]
    constant = map(eq, map(min, *rows), map(max, *rows))
    reach = Reach.of(rows)
    sums = zip(constant, rows[0], totals(rows, reach), totals(weighted, reach.times(Reach.of([axis.at]))), strict=True)
    return [_level(first) if same else axis.line(y, xy) for same, first, y, xy in sums]
