"""Sums, means and quantiles as Prometheus computes them: compensated (Kahan, in Neumaier's form), bit for bit.

Neumaier keeps what each addition rounds off, and adds it at the end. Where that compensation itself loses nothing, the
result is the exact sum, rounded once; and that is what `math.fsum` computes, in C. It loses nothing where the numbers
are not too many and not too different in size (`_rounds_once`), so only the others are added one by one. Sums of whole
numbers are exact in any order.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

_EXACT = 2.0**53
_ROUNDS_ONCE = 2.0**51
NAN = math.nan
INF = math.inf


def add(increment: float, total: float, compensation: float) -> tuple[float, float]:
    """One step of the compensated sum: the new total, and the new compensation."""
    new = total + increment
    if math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(increment):
        return new, compensation + ((total - new) + increment)
    return new, compensation + ((increment - new) + total)


def _whole(values: Sequence[float]) -> bool:
    return all(map(float.is_integer, values))


def _largest(values: Sequence[float]) -> float:
    """Of their magnitudes."""
    high, low = max(values), min(values)
    return max(high, -low)


def _exact(values: Sequence[float]) -> bool:
    """Whether a plain sum loses nothing: whole numbers whose partial sums all fit into a float."""
    return _whole(values) and _largest(values) * len(values) < _EXACT


def _rounds_once(count: int, largest: float, smallest: float) -> bool:
    """Whether Neumaier's sum of that many numbers is their exact sum, rounded once.

    largest, smallest: bounds of their magnitudes, zeros aside. Every number, every partial sum and so every error is a
    multiple of the smallest one's last digit, which is more than smallest * 2**-53. No partial sum exceeds
    2 * count * largest, so no error exceeds count * largest * 2**-52, nor the compensation count times that. It is
    exact while that is at most 2**53 last digits: count**2 * largest <= 2**52 * smallest. Half of it is asked for.
    """
    return count * count * largest <= _ROUNDS_ONCE * smallest


def _compensated_exactly(values: Sequence[float]) -> bool:
    magnitudes = list(map(abs, values))
    reach = sum(magnitudes)
    return reach < INF and _rounds_once(len(values), max(magnitudes), min(filter(None, magnitudes), default=1.0))


def total(values: Sequence[float]) -> float:
    """The sum."""
    if not values:
        return 0.0
    if len(values) > 1:
        if _exact(values):
            return float(sum(values))
        if _compensated_exactly(values):
            return math.fsum(values)
    result, compensation = 0.0, 0.0
    for value in values:
        result, compensation = add(value, result, compensation)
    return result if math.isinf(result) else result + compensation


@dataclass(frozen=True, slots=True)
class Reach:
    """Bounds of the magnitudes of numbers: none is above `largest`, none but zero below `smallest`."""

    largest: float
    smallest: float

    @classmethod
    def of(cls, rows: Iterable[Sequence[float]]) -> Reach:
        """Of the numbers in rows without NaN."""
        distinct = list({id(row): row for row in rows}.values())
        if all(map(_whole, distinct)):
            return cls(max(map(_largest, distinct)), 1.0)
        smallest = min(min(filter(None, map(abs, row)), default=1.0) for row in distinct)
        return cls(max(map(_largest, distinct)), smallest)

    def times(self, other: Reach) -> Reach:
        """Of products; they are rounded, and `_rounds_once` leaves room for that."""
        return Reach(self.largest * other.largest, self.smallest * other.smallest)


def totals(rows: Sequence[Sequence[float]], reach: Reach) -> list[float]:
    """`total` of each column of a table that is given by rows of equal length, without NaN; reach: of all numbers."""
    columns = zip(*rows, strict=True)
    if 0 < reach.smallest <= reach.largest < INF and _rounds_once(len(rows), reach.largest, reach.smallest):
        return list(map(math.fsum, columns))
    return list(map(total, columns))


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value: of the sum, and incrementally from where the sum would overflow."""
    if len(values) > 1:
        if _exact(values):
            return float(sum(values)) / len(values)
        if _compensated_exactly(values):
            plain = reduce(operator.add, values)
            return plain / len(values) + math.fsum([*values, -plain]) / len(values)
    result, compensation = values[0], 0.0
    for count, value in enumerate(values[1:], start=1):
        new, new_compensation = add(value, result, compensation)
        if math.isinf(new):
            return _incremental_mean(values, count, result / count, compensation / count)
        result, compensation = new, new_compensation
    return result / len(values) + compensation / len(values)


def _incremental_mean(values: Sequence[float], done: int, result: float, compensation: float) -> float:
    for count, value in enumerate(values[done:], start=done + 1):
        if math.isinf(result) and not math.isnan(value) and (math.isfinite(value) or (value > 0) == (result > 0)):
            continue
        share = (count - 1) / count
        result, compensation = add(value / count, share * result, share * compensation)
    return result if math.isinf(result) else result + compensation


def variance(values: Sequence[float]) -> float:
    """The population variance of at least one value, compensated, as the *_over_time functions take it."""
    average, average_c, aux, aux_c = 0.0, 0.0, 0.0, 0.0
    for count, value in enumerate(values, start=1):
        delta = value - (average + average_c)
        average, average_c = add(delta / count, average, average_c)
        aux, aux_c = add(delta * (value - (average + average_c)), aux, aux_c)
    return (aux + aux_c) / len(values)


def deviation(square: float) -> float:
    """The square root of a variance; NaN where rounding of extreme values made it negative, as in Go."""
    return math.sqrt(square) if square >= 0 else NAN


def _no_nan(values: Sequence[float]) -> bool:
    plain = sum(values)
    return plain == plain


def quantile(q: float, values: Sequence[float]) -> float:
    """The q-quantile, interpolated between neighbours; NaN counts as the smallest value; outside 0..1 it is
    infinite.
    """
    if not values or math.isnan(q):
        return NAN
    if q < 0:
        return -INF
    if q > 1:
        return INF
    ordered = sorted(values) if _no_nan(values) else sorted(values, key=lambda v: (v == v, v))
    rank = q * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def format_float(value: float) -> str:
    """The shortest decimal digits that read back the same, as Go's FormatFloat(value, 'f', -1, 64) writes them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")
