"""The notation of series, as promtool reads it."""

from __future__ import annotations

import math

import pytest

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.notation import Histogram, parse_metric, parse_series, parse_values
from rabbitwatch.promql.storage import is_stale


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2 3", [1, 2, 3]),
        ("0+10x3", [0, 10, 20, 30]),
        ("10-5x2", [10, 5, 0]),
        ("-1-1x1", [-1, -2]),
        ("7x2", [7, 7, 7]),
        ("0x2", [0, 0, 0]),
        ("_ 1 _x2 2", [None, 1, None, None, 2]),
        ("1e2 .5 -Inf +inf", [100, 0.5, -math.inf, math.inf]),
        ("1+1x0", [1]),
        ("1 2e1+1e-1x1", [1, 20, 20.1]),
        ("", []),
    ],
)
def test_values(text: str, values: list[float | None]) -> None:
    assert parse_values(text) == values


def test_nan_and_stale_differ() -> None:
    plain, stale = parse_values("NaN stale")
    assert isinstance(plain, float)
    assert isinstance(stale, float)
    assert math.isnan(plain)
    assert not is_stale(plain)
    assert is_stale(stale)


@pytest.mark.parametrize("text", ["1,2", "abc", "1+2", "1x", "0+1x99999999999", "1 2 x3", "1_2", "1x2y"])
def test_wrong_values_are_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_values(text)


def test_native_histograms_are_refused_or_marked() -> None:
    text = "1 {{schema:0 sum:1 count:1}}x1 {{count:1}}+{{count:1}}x2"
    with pytest.raises(QueryError, match="native histograms are not supported"):
        parse_values(text)
    marked = parse_values(text, mark_histograms=True)
    assert [isinstance(p, Histogram) for p in marked] == [False, True, True, True, True, True]


@pytest.mark.parametrize(
    ("text", "labels", "rest"),
    [
        ("up 1 2", {"__name__": "up"}, " 1 2"),
        ("up{job=\"a\", i='b',} 1", {"__name__": "up", "job": "a", "i": "b"}, " 1"),
        ("{} 5", {}, " 5"),
        ('{"a.b", "c d"="e"} 1', {"__name__": "a.b", "c d": "e"}, " 1"),
        (r'up{a="x\"y}"} 1', {"__name__": "up", "a": 'x"y}'}, " 1"),
        (r"job:x:sum{a=`\d`}", {"__name__": "job:x:sum", "a": r"\d"}, ""),
        ("up{{count:1}}", {"__name__": "up"}, "{{count:1}}"),
    ],
)
def test_metrics(text: str, labels: dict[str, str], rest: str) -> None:
    found, left = parse_metric(text)
    assert found.as_dict() == labels
    assert left == rest


@pytest.mark.parametrize("text", ['up{a="1"', "up{a=1} 1", "5 up", "up{a} 1", 'up{a="1" b="2"} 1'])
def test_wrong_metrics_are_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_series(text)
