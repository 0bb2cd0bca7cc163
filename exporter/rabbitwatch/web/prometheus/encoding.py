"""From values of the engine to what the API's JSON holds: seconds, and numbers as strings in Go's spelling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rabbitwatch.promql.values import Matrix, Scalar, String, Value, Vector

_SMALL = 1e-6
_LARGE = 1e21
_EXACT = 1e15


def seconds(at_ms: int) -> float | int:
    """Unix seconds, with milliseconds where there are any."""
    return at_ms // 1000 if at_ms % 1000 == 0 else at_ms / 1000


def plain(value: float) -> str:
    """Without an exponent, however long, as Go's 'f': of scalars."""
    if value != value or math.isinf(value):
        return _special(value)
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def number(value: float) -> str:
    """Of samples: as `plain`, and with an exponent where the number is very small or very large."""
    size = abs(value)
    if size < _EXACT and value == int(value):
        return "-0" if value == 0 and math.copysign(1.0, value) < 0 else str(int(value))
    if not math.isfinite(value):
        return _special(value)
    if _SMALL <= size < _LARGE:
        return plain(value)
    return repr(value) if "e" in repr(value) else scientific(value)


def scientific(value: float) -> str:
    """Always with an exponent, as Go's 'e': of alerts."""
    if not math.isfinite(value):
        return _special(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text or not isinstance(exponent, int):
        return "-0e+00" if sign else "0e+00"
    power = exponent + len(text) - 1
    text = text.rstrip("0")
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _special(value: float) -> str:
    return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"


def moment(at_s: float | None) -> str:
    """RFC3339, as Prometheus writes times; its zero time where there is none."""
    if at_s is None:
        return "0001-01-01T00:00:00Z"
    text = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def result(value: Value, at_ms: int) -> dict[str, Any]:
    """The `data` of a query's answer; `at_ms` is when an instant query was evaluated."""
    match value:
        case Scalar(value=single):
            return {"resultType": "scalar", "result": [seconds(at_ms), plain(single)]}
        case String(value=text):
            return {"resultType": "string", "result": [seconds(at_ms), text]}
        case Vector(labels=labels, values=values):
            at = seconds(at_ms)
            rows = [
                {"metric": each.as_dict(), "value": [at, number(single)]}
                for each, single in zip(labels.sets, values, strict=True)
            ]
            return {"resultType": "vector", "result": rows}
        case Matrix(series=series):
            ordered = sorted(series, key=lambda one: one.labels)
            return {"resultType": "matrix", "result": [_series(one.labels.as_dict(), one) for one in ordered]}


def _series(metric: dict[str, str], one: Any) -> dict[str, Any]:
    return {"metric": metric, "values": _samples(one.timestamps, one.values)}


def _samples(times: Sequence[int], values: Sequence[float]) -> list[list[Any]]:
    return [[at // 1000 if at % 1000 == 0 else at / 1000, number(v)] for at, v in zip(times, values, strict=True)]
