"""The notation of series in Prometheus' rule tests and conformance files: `metric{a="b"} 0+10x5 _ stale NaN`.

`a+bxn` is a, a+b ... a+b*n; `axn` is a, n+1 times; `_` is no sample and `_xn` n times none; `stale` ends the series.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.labels import METRIC_NAME, LabelSet
from rabbitwatch.promql.source import decode_string
from rabbitwatch.promql.storage import STALE

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*", re.ASCII)
_STRING = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`"""
_LABEL = re.compile(
    rf"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_.]*|{_STRING})\s*=\s*(?P<value>{_STRING})|(?P<metric>{_STRING}))\s*(?P<end>[,}}])"
)
_NUMBER = r"(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])"
_ITEM = re.compile(rf"(?P<first>[+-]?{_NUMBER})(?:(?P<step>[+-]{_NUMBER}))?(?:x(?P<times>\d+))?")
_BLANK = re.compile(r"_(?:x(?P<times>\d+))?")
_HISTOGRAM = re.compile(r"\{\{[^}]*\}\}(?:[+-]\{\{[^}]*\}\})?(?:x(?P<times>\d+))?")
_SPACE = re.compile(r"\s*")
MAX_POINTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Histogram:
    """A native histogram, which the engine does not have; only its place is known."""

    text: str


Point = float | Histogram | None
"""One value; None where there is no sample."""


def parse_series(text: str, *, mark_histograms: bool = False) -> tuple[LabelSet, list[Point]]:
    """A metric and its values. QueryError where the text is wrong, or holds a native histogram, unless those are to
    be marked.
    """
    labels, rest = parse_metric(text)
    return labels, parse_values(rest, mark_histograms=mark_histograms)


def parse_metric(text: str) -> tuple[LabelSet, str]:
    """The labels at the beginning of the text, and the rest of it."""
    text = text.strip()
    labels: dict[str, str] = {}
    name = _NAME.match(text)
    position = 0
    if name:
        labels[METRIC_NAME] = name.group()
        position = name.end()
    if text[position : position + 1] != "{" or text[position : position + 2] == "{{":
        if not name:
            raise QueryError(f"expected a metric at the beginning of {text!r}")
        return LabelSet.of(labels), text[position:]
    position += 1
    while True:
        if text[position:].lstrip().startswith("}"):
            return LabelSet.of(labels), text[text.index("}", position) + 1 :]
        found = _LABEL.match(text, position)
        if found is None:
            raise QueryError(f'expected label="value" at {text[position : position + 30]!r} in {text!r}')
        if found["metric"]:
            labels[METRIC_NAME] = decode_string(found["metric"])
        else:
            key = found["name"]
            labels[decode_string(key) if key[0] in "\"'`" else key] = decode_string(found["value"])
        position = found.end() - (found["end"] == "}")


def parse_values(text: str, *, mark_histograms: bool = False) -> list[Point]:
    """The values of a sequence; QueryError as for `parse_series`."""
    points: list[Point] = []
    position = _end_of_space(text, 0)
    while position < len(text):
        end, more = _item(text, position)
        if more and isinstance(more[0], Histogram) and not mark_histograms:
            raise QueryError(f"native histograms are not supported: {text[position:end]}")
        points += more
        position = _end_of_space(text, end)
        if position == end < len(text) or len(points) > MAX_POINTS:
            raise QueryError(f"cannot read the values {text[:80]!r} at {text[position : position + 20]!r}")
    return points


def _end_of_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _item(text: str, position: int) -> tuple[int, list[Point]]:
    """Where the item that begins here ends, and its values."""
    if text.startswith("stale", position):
        return position + len("stale"), [STALE]
    found = _BLANK.match(text, position)
    if found:
        return found.end(), [None] * _times(found, extra=0, default=1)
    found = _HISTOGRAM.match(text, position)
    if found:
        return found.end(), [Histogram(found.group())] * _times(found, extra=1, default=1)
    found = _ITEM.match(text, position)
    if found is None:
        raise QueryError(f"cannot read the values {text[:80]!r} at {text[position : position + 20]!r}")
    first = float(found["first"])
    count = _times(found, extra=1, default=1)
    if found["step"] is None:
        return found.end(), [first] * count
    if found["times"] is None:
        raise QueryError(f"{found.group()!r} lacks its number of repetitions, such as {found.group()}x10")
    return found.end(), _progression(first, float(found["step"]), count)


def _times(found: re.Match[str], extra: int, default: int) -> int:
    times = found["times"]
    if times is None:
        return default
    if int(times) > MAX_POINTS:
        raise QueryError(f"{found.group()!r} repeats more than {MAX_POINTS:,} times")
    return int(times) + extra


def _progression(first: float, step: float, count: int) -> list[Point]:
    """Added up step by step, as Prometheus does, with its rounding."""
    values: list[Point] = []
    value = first
    for _ in range(count):
        values.append(value)
        value += step
    return values
