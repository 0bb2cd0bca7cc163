"""Functions from one number to one number; the error cases give what Go's math package gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.sums import INF, NAN

Elementwise = Callable[[float], float]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _or_nan(function: Elementwise) -> Elementwise:
    """NaN outside the function's domain; an overflow takes the argument's sign."""

    def safe(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return NAN
        except OverflowError:
            return math.copysign(INF, value)

    return safe


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return INF


def _cosh(value: float) -> float:
    try:
        return math.cosh(value)
    except OverflowError:
        return INF


def _atanh(value: float) -> float:
    if abs(value) == 1:
        return math.copysign(INF, value)
    return math.atanh(value) if abs(value) < 1 else NAN


def _logarithm(function: Elementwise) -> Elementwise:
    def log(value: float) -> float:
        if value > 0:
            return function(value)
        return -INF if value == 0 else NAN

    return log


def _whole(function: Callable[[float], int]) -> Elementwise:
    return lambda v: math.copysign(float(function(v)), v) if math.isfinite(v) else v


def _sign(value: float) -> float:
    return 1.0 if value > 0 else -1.0 if value < 0 else value


def divide(left: float, right: float) -> float:
    """Division as IEEE 754 defines it: by zero it is infinite, or NaN."""
    try:
        return left / right
    except ZeroDivisionError:
        if left == 0 or math.isnan(left):
            return NAN
        return math.copysign(INF, left) * math.copysign(1.0, right)


def modulo(left: float, right: float) -> float:
    """The remainder with the sign of the left side, NaN where there is none."""
    try:
        return math.fmod(left, right)
    except ValueError:
        return NAN


def power(left: float, right: float) -> float:
    """`left ^ right`."""
    try:
        return math.pow(left, right)
    except OverflowError:
        return -INF if left < 0 and right % 2 == 1 else INF
    except ValueError:
        if left == 0:
            return -INF if math.copysign(1.0, left) < 0 and right % 2 == 1 else INF
        return NAN


def minimum(left: float, right: float) -> float:
    """The smaller one, NaN if one is NaN."""
    return NAN if math.isnan(left) or math.isnan(right) else min(left, right)


def maximum(left: float, right: float) -> float:
    """The larger one, NaN if one is NaN."""
    return NAN if math.isnan(left) or math.isnan(right) else max(left, right)


def rounder(to: float = 1.0) -> Elementwise:
    """round(v, to): to the nearest multiple, halves upwards."""
    inverse = divide(1.0, to)

    def round_to(value: float) -> float:
        shifted = value * inverse + 0.5
        return divide(float(math.floor(shifted)), inverse) if math.isfinite(shifted) else divide(shifted, inverse)

    return round_to


def clamper(low: float, high: float) -> Elementwise | None:
    """clamp(v, low, high); None, for an empty result, where low > high."""
    return None if low > high else lambda value: maximum(low, minimum(high, value))


def _when(pick: Callable[[datetime], int]) -> Elementwise:
    def part(value: float) -> float:
        try:
            return float(pick(_EPOCH + timedelta(seconds=math.trunc(value))))
        except (ValueError, OverflowError):
            return NAN

    return part


def _days_in_month(day: datetime) -> int:
    next_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (next_month - timedelta(days=1)).day


PLAIN: dict[str, Elementwise] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "sgn": _sign,
    "exp": _exp,
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sqrt": _or_nan(math.sqrt),
    "sin": _or_nan(math.sin),
    "cos": _or_nan(math.cos),
    "tan": _or_nan(math.tan),
    "asin": _or_nan(math.asin),
    "acos": _or_nan(math.acos),
    "atan": math.atan,
    "sinh": _or_nan(math.sinh),
    "cosh": _cosh,
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": _or_nan(math.acosh),
    "atanh": _atanh,
    "deg": lambda v: v * 180 / math.pi,
    "rad": lambda v: v * math.pi / 180,
}

DATES: dict[str, Elementwise] = {
    "year": _when(lambda d: d.year),
    "month": _when(lambda d: d.month),
    "day_of_month": _when(lambda d: d.day),
    "day_of_year": _when(lambda d: d.timetuple().tm_yday),
    "day_of_week": _when(lambda d: d.isoweekday() % 7),
    "days_in_month": _when(_days_in_month),
    "hour": _when(lambda d: d.hour),
    "minute": _when(lambda d: d.minute),
}

# with scalar arguments after the vector: given those, the function, or None where the result is empty
WITH_PARAMETERS: dict[str, Callable[..., Elementwise | None]] = {
    "clamp": clamper,
    "clamp_min": lambda low: lambda value: maximum(low, value),
    "clamp_max": lambda high: lambda value: minimum(high, value),
    "round": rounder,
}


def check_smoothing(name: str, factor: float) -> None:
    """Raise QueryError unless the factor of double exponential smoothing lies between 0 and 1."""
    if not 0 < factor < 1:
        raise QueryError(f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor:f}")
