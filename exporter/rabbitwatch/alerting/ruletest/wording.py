"""promtool's wording of expected and actual results, so that people and scripts read the same lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rabbitwatch.promql.labels import LabelSet, quote

_EXACT_UNITS = (("y", 365 * 86_400_000), ("w", 7 * 86_400_000))
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def duration(seconds: float) -> str:
    """As Prometheus prints a duration: years and weeks only where nothing is left over."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    for unit, size in _EXACT_UNITS:
        if left % size == 0:
            return f"{left // size}{unit}"
    text = ""
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text


def go_duration(seconds: float) -> str:
    """As Go prints a time.Duration of whole milliseconds: `1h0m0s`, `1.5s`, `500ms`."""
    milliseconds = round(seconds * 1000)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}" if minutes else text


def number(value: float) -> str:
    """As Go prints a float with the verb E and the fewest digits: `1.5E+00`, `+Inf`, `NaN`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    mantissa = "".join(map(str, digits)).lstrip("0").rstrip("0") or "0"
    exponent = Decimal(repr(value)).adjusted() if value else 0
    tail = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{tail}E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def labels(pairs: Mapping[str, str]) -> str:
    """All labels in braces, sorted by name, `__name__` among them."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in sorted(pairs.items())) + "}"


def samples(found: Sequence[tuple[LabelSet, float]]) -> str:
    """Samples in one line; `nil` for none."""
    return ", ".join(f"{labels(each.as_dict())} {number(value)}" for each, value in found) or "nil"


def alerts(found: Sequence[tuple[Mapping[str, str], Mapping[str, str]]]) -> str:
    """Labels and annotations of alerts, as promtool lists them under `exp:` and `got:`."""
    if not found:
        return "[]"
    pad = " " * 12
    items = [
        f"\n{pad}{index}:\n{pad}  Labels:{labels(own)}\n{pad}  Annotations:{labels(annotations)}"
        for index, (own, annotations) in enumerate(found)
    ]
    return "[" + ",".join(items) + f"\n{pad}]"
