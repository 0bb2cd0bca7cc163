"""Functions over one series' samples in a range: from timestamps and values to one number, or None for no result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import compress, islice
from operator import add, gt, ne

from rabbitwatch.promql.functions.elementwise import check_smoothing
from rabbitwatch.promql.functions.regression import line
from rabbitwatch.promql.sums import NAN, deviation, mean, quantile, total, variance


@dataclass(frozen=True, slots=True)
class Span:
    """The range that is looked at, open on the left, and the time of the evaluation; milliseconds."""

    start_ms: int
    end_ms: int
    at_ms: int

    @property
    def seconds(self) -> float:
        """The span's length."""
        return (self.end_ms - self.start_ms) / 1000


Times = Sequence[int]
Values = Sequence[float]
RangeFunction = Callable[..., float | None]
"""(timestamps, values, span, *scalar arguments); the values hold at least one sample and no staleness marker."""


class Extrapolation:
    """From the samples' first and last time to the whole span, as Prometheus 3 extrapolates. At least two samples.

    divisor: what the result is divided by, for a rate; in that order of operations the last digit is Prometheus'.
    """

    __slots__ = ("_divisor", "_sampled", "_to_end", "_to_start")

    def __init__(self, times: Times, span: Span, divisor: float = 1.0) -> None:
        sampled = (times[-1] - times[0]) / 1000
        between = sampled / (len(times) - 1)
        threshold = between * 1.1
        to_start = (times[0] - span.start_ms) / 1000
        to_end = (span.end_ms - times[-1]) / 1000
        self._divisor = divisor
        self._sampled = sampled
        self._to_start = between / 2 if to_start >= threshold else to_start
        self._to_end = between / 2 if to_end >= threshold else to_end

    def of_gauge(self, difference: float) -> float:
        """The difference over the span."""
        return difference * ((self._sampled + self._to_start + self._to_end) / self._sampled / self._divisor)

    def of_counter(self, first: float, increased: float) -> float:
        """The increase over the span. A counter cannot have been below zero: it began no earlier than where its slope
        crosses zero.
        """
        if increased == 0:
            return 0.0
        to_start = self._to_start
        if increased > 0 and first >= 0:
            to_zero = self._sampled * (first / increased)
            if to_zero < to_start:
                to_start = to_zero
        return increased * ((self._sampled + to_start + self._to_end) / self._sampled / self._divisor)

    def of_counters(self, firsts: Values, increased: Values) -> list[float]:
        """of_counter for many series; for most of them nothing but the factor is left to compute."""
        sampled, to_start, one = self._sampled, self._to_start, self.of_counter
        factor = (sampled + to_start + self._to_end) / sampled / self._divisor
        return [
            more * factor if more <= 0 or first < 0 or sampled * (first / more) >= to_start else one(first, more)
            for first, more in zip(firsts, increased, strict=True)
        ]


def _increased(values: Values) -> float:
    """From the first to the last, with what was lost to each reset."""
    falls = map(gt, values, islice(values, 1, None))
    return reduce(add, compress(values, falls), values[-1] - values[0])


def rate(times: Times, values: Values, span: Span) -> float | None:
    """Per second, of a counter."""
    return increase(times, values, span, span.seconds)


def increase(times: Times, values: Values, span: Span, divisor: float = 1.0) -> float | None:
    """Of a counter over the span."""
    if len(values) < 2:
        return None
    return Extrapolation(times, span, divisor).of_counter(values[0], _increased(values))


def delta(times: Times, values: Values, span: Span) -> float | None:
    """The difference over the span, of a gauge."""
    return Extrapolation(times, span).of_gauge(values[-1] - values[0]) if len(values) > 1 else None


def irate(times: Times, values: Values, _span: Span) -> float | None:
    """Per second, between the last two samples of a counter."""
    if len(values) < 2:
        return None
    before, last = values[-2], values[-1]
    difference = last if last < before else last - before
    return difference / ((times[-1] - times[-2]) / 1000)


def idelta(_times: Times, values: Values, _span: Span) -> float | None:
    """Between the last two samples."""
    return values[-1] - values[-2] if len(values) > 1 else None


def changes(_times: Times, values: Values, _span: Span) -> float:
    """How often the value changed; NaN after NaN is no change."""
    pairs = zip(values, islice(values, 1, None), strict=False)
    if not any(map(ne, values, islice(values, 1, None))):
        return 0.0
    return float(sum(1 for a, b in pairs if a != b and not (math.isnan(a) and math.isnan(b))))


def resets(_times: Times, values: Values, _span: Span) -> float:
    """How often the value fell."""
    return float(sum(map(gt, values, islice(values, 1, None))))


def deriv(times: Times, values: Values, _span: Span) -> float | None:
    """The slope per second of the least-squares line."""
    return line(times, values, times[0])[0] if len(values) > 1 else None


def predict_linear(times: Times, values: Values, span: Span, seconds: float) -> float | None:
    """The value of the least-squares line so many seconds after the evaluation."""
    if len(values) < 2:
        return None
    slope, intercept = line(times, values, span.at_ms)
    return slope * seconds + intercept


def double_exponential_smoothing(
    _times: Times, values: Values, _span: Span, smoothing: float, trend_factor: float
) -> float | None:
    """Holt's linear method; both factors lie between 0 and 1."""
    check_smoothing("smoothing", smoothing)
    check_smoothing("trend", trend_factor)
    if len(values) < 2:
        return None
    before, level = 0.0, values[0]
    trend = values[1] - values[0]
    for index, value in enumerate(values[1:]):
        if index:
            trend = trend_factor * (level - before) + (1 - trend_factor) * trend
        before, level = level, smoothing * value + (1 - smoothing) * (level + trend)
    return level


def _without_nan(values: Values) -> Values:
    """The values that are numbers, or all where none is."""
    plain = sum(values)
    return values if plain == plain else [v for v in values if v == v] or values


def _mad(values: Values) -> float:
    if any(map(math.isnan, values)):
        return NAN
    middle = quantile(0.5, values)
    return quantile(0.5, [abs(v - middle) for v in values])


def _time_of(choose: Callable[[Values], float]) -> RangeFunction:
    """The time, in seconds, of the last sample that has the chosen value."""

    def find(times: Times, values: Values, _span: Span) -> float:
        wanted = choose(_without_nan(values))
        return max(t for t, v in zip(times, values, strict=True) if v == wanted or wanted != wanted) / 1000

    return find


def _of_values(function: Callable[[Values], float]) -> RangeFunction:
    return lambda _times, values, _span: function(values)


RANGE_FUNCTIONS: dict[str, RangeFunction] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "idelta": idelta,
    "changes": changes,
    "resets": resets,
    "deriv": deriv,
    "predict_linear": predict_linear,
    "double_exponential_smoothing": double_exponential_smoothing,
    "quantile_over_time": lambda _times, values, _span, q: quantile(q, values),
    "avg_over_time": _of_values(mean),
    "sum_over_time": _of_values(total),
    "count_over_time": _of_values(lambda v: float(len(v))),
    "min_over_time": _of_values(lambda v: min(_without_nan(v))),
    "max_over_time": _of_values(lambda v: max(_without_nan(v))),
    "last_over_time": _of_values(lambda v: v[-1]),
    "first_over_time": _of_values(lambda v: v[0]),
    "present_over_time": _of_values(lambda _v: 1.0),
    "stddev_over_time": _of_values(lambda v: deviation(variance(v))),
    "stdvar_over_time": _of_values(variance),
    "mad_over_time": _of_values(_mad),
    "ts_of_max_over_time": _time_of(max),
    "ts_of_min_over_time": _time_of(min),
    "ts_of_last_over_time": lambda times, _values, _span: times[-1] / 1000,
    "ts_of_first_over_time": lambda times, _values, _span: times[0] / 1000,
}
KEEP_NAME = frozenset({"last_over_time", "first_over_time"})
COUNTERS_ONLY = frozenset({"rate", "increase", "irate"})
