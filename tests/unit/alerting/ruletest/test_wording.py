"""promtool's spelling of numbers, durations and label sets; the expected texts are what Go prints."""

from __future__ import annotations

import math

import pytest

from rabbitwatch.alerting.ruletest.wording import alerts, duration, go_duration, labels, number, samples


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0E+00"),
        (-0.0, "-0E+00"),
        (1.0, "1E+00"),
        (10.0, "1E+01"),
        (-12.5, "-1.25E+01"),
        (0.1, "1E-01"),
        (1.5e-7, "1.5E-07"),
        (123456789.0, "1.23456789E+08"),
        (1e100, "1E+100"),
        (5e-324, "5E-324"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (86400, "1d"),
        (7 * 86400, "1w"),
        (8 * 86400, "8d"),
        (365 * 86400, "1y"),
    ],
)
def test_durations_of_prometheus(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.5, "500ms"), (1.5, "1.5s"), (60, "1m0s"), (3600, "1h0m0s"), (86461, "24h1m1s")]
)
def test_durations_of_go(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_labels_are_sorted_and_quoted() -> None:
    assert labels({"b": 'say "x"\n', "a": "\\"}) == '{a="\\\\", b="say \\"x\\"\\n"}'


def test_nothing_is_nil_among_samples_and_brackets_among_alerts() -> None:
    assert (samples([]), alerts([])) == ("nil", "[]")
