"""The figures of Prometheus' own tests of its template functions, and those of its compliance test."""

from __future__ import annotations

import math

import pytest

from rabbitwatch.alerting.templates import Template, TemplateData
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.alerting.templates.values import CallFailed

MAX_INT, MIN_INT, MAX_UINT = 2**63 - 1, -(2**63), 2**64 - 1
NOW = 1353755652.0

FUNCTION_VECTORS = {
    "humanize": [
        (0.0, "0"),
        (1.0, "1"),
        (1234567.0, "1.235M"),
        (0.12, "120m"),
        (0, "0"),
        (-1, "-1"),
        (1, "1"),
        (1234567, "1.235M"),
        (MAX_INT, "9.223E"),
        (MAX_UINT, "18.45E"),
    ],
    "humanize1024": [
        (0.0, "0"),
        (1.0, "1"),
        (1048576.0, "1Mi"),
        (0.12, "0.12"),
        (0, "0"),
        (-1, "-1"),
        (1, "1"),
        (1234567, "1.177Mi"),
        (MAX_INT, "8Ei"),
        (MAX_UINT, "16Ei"),
    ],
    "humanizeDuration": [
        (0.0, "0s"),
        (1.0, "1s"),
        (60.0, "1m 0s"),
        (3600.0, "1h 0m 0s"),
        (86400.0, "1d 0h 0m 0s"),
        (90000.0, "1d 1h 0m 0s"),
        (-(2 * 86400 + 3 * 3600 + 4 * 60 + 5.0), "-2d 3h 4m 5s"),
        (899.99, "14m 59s"),
        (0.1, "100ms"),
        (0.0001, "100us"),
        (0.12345, "123.5ms"),
        (60.1, "1m 0s"),
        (60.5, "1m 0s"),
        (1.2345, "1.234s"),
        (12.345, "12.35s"),
        (0, "0s"),
        (-1, "-1s"),
        (1, "1s"),
        (1234567, "14d 6h 56m 7s"),
    ],
    "humanizePercentage": [
        (-0.22222, "-22.22%"),
        (0.0, "0%"),
        (0.1234567, "12.35%"),
        (1.23456, "123.5%"),
        (0, "0%"),
        (-1, "-100%"),
        (1, "100%"),
        (1234567, "1.235e+08%"),
        (MAX_INT, "9.223e+20%"),
        (MAX_UINT, "1.845e+21%"),
    ],
    "humanizeTimestamp": [
        (0, "1970-01-01 00:00:00 +0000 UTC"),
        (-1, "1969-12-31 23:59:59 +0000 UTC"),
        (1, "1970-01-01 00:00:01 +0000 UTC"),
        (1234567, "1970-01-15 06:56:07 +0000 UTC"),
        (9223372036, "2262-04-11 23:47:16 +0000 UTC"),
        (1435065584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
    ],
}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [(name, value, expected) for name, rows in FUNCTION_VECTORS.items() for value, expected in rows],
)
def test_humanize_figures(name: str, value: float, expected: str) -> None:
    assert FUNCTIONS[name].call(value) == expected
    assert FUNCTIONS[name].call(str(value)) == expected


@pytest.mark.parametrize("name", ["humanize", "humanize1024", "humanizeDuration", "humanizeTimestamp"])
@pytest.mark.parametrize(("value", "expected"), [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")])
def test_humanize_what_is_no_figure(name: str, value: float, expected: str) -> None:
    assert FUNCTIONS[name].call(value) == expected


@pytest.mark.parametrize("name", FUNCTION_VECTORS)
def test_humanize_refuses_a_word(name: str) -> None:
    with pytest.raises(CallFailed, match=r'strconv\.ParseFloat: parsing "one": invalid syntax'):
        FUNCTIONS[name].call("one")


@pytest.mark.parametrize("value", [MIN_INT, MAX_INT])
def test_humanize_timestamp_refuses_what_overflows(value: int) -> None:
    with pytest.raises(CallFailed, match="cannot be represented as a nanoseconds timestamp since it overflows int64"):
        FUNCTIONS["humanizeTimestamp"].call(value)


TEXT_VECTORS = [
    ('{{ title "aa bb CC" }}', "Aa Bb CC"),
    ('{{ toUpper "aa bb CC" }}', "AA BB CC"),
    ('{{ toLower "aA bB CC" }}', "aa bb cc"),
    ('{{ reReplaceAll "(a)b" "x$1" "ab" }}', "xa"),
    ('{{ match "a+" "aa" }} {{ match "a+" "b" }}', "true false"),
    ('{{ graphLink "up" }}', "/graph?g0.expr=up&g0.tab=0"),
    ('{{ tableLink "up" }}', "/graph?g0.expr=up&g0.tab=1"),
    ('{{ stripPort "foo.example.com:12345" }}', "foo.example.com"),
    ('{{ stripPort "[2001:0DB8::1]:12345" }}', "2001:0DB8::1"),
    ('{{ stripPort "[2001:0DB8::1]::12345" }}', "[2001:0DB8::1]::12345"),
    ('{{ stripDomain "foo.example.com:12345" }}', "foo:12345"),
    ('{{ stripDomain "192.0.2.1:12345" }}', "192.0.2.1:12345"),
    ('{{ stripDomain "[2001:0DB8::1]:12345" }}', "[2001:0DB8::1]:12345"),
    ('{{ parseDuration "1h2m10ms" | printf "%0.2f" }}', "3720.01"),
    ('{{ parseDuration "-1h2m10ms" | printf "%0.2f" }}', "-3720.01"),
    ("{{ (1800 | toDuration).String }}", "30m0s"),
    ("{{ now }}", "1.353755652e+09"),
    ('{{ (1435065584.128 | toTime).Format "2006" }}', "2015"),
    ('{{ define "x" }}{{ .Foo }}{{ end }}{{ template "x" }}', "<no value>"),
    ("{{ $labels.missing }}", ""),
    ("{{ 'a' }} {{ $labels }}", "97 map[a:b c:d]"),
    ("{{ externalURL }} {{ pathPrefix }}", "http://testhost:9090/path/prefix /path/prefix"),
    (
        (
            "{{humanize 1048576}} {{humanize1024 1048576}} {{humanizeDuration 135.3563}} {{humanizePercentage 0.959}} "
            "{{humanizeTimestamp 1643114203}}"
        ),
        "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC",
    ),
    (
        (
            '{{title "this part"}} {{toUpper "is testing"}} {{toLower "THE STRINGS"}}. {{ stripPort "[::1]:6006"}} '
            '{{ stripPort "127.0.0.1:4004"}}. {{parseDuration "2h10m15s"}}.'
        ),
        "This Part IS TESTING the strings. ::1 127.0.0.1. 7815.",
    ),
]


@pytest.mark.parametrize(("text", "expected"), TEXT_VECTORS, ids=[text[:60] for text, _ in TEXT_VECTORS])
def test_text(text: str, expected: str) -> None:
    data = TemplateData(
        labels={"c": "d", "a": "b"}, value=1.0, external_url="http://testhost:9090/path/prefix", now=NOW
    )
    assert Template.parse("test", text).render(data) == (expected, None)


PRINTED = [
    (123456.0, "123456"),
    (1e6, "1e+06"),
    (1.5e6, "1.5e+06"),
    (0.00001, "1e-05"),
    (0.0001, "0.0001"),
    (0.1 + 0.2, "0.30000000000000004"),
    (100.0, "100"),
    (-0.0, "-0"),
    (math.nan, "NaN"),
    (math.inf, "+Inf"),
]


@pytest.mark.parametrize(("value", "expected"), PRINTED)
def test_value(value: float, expected: str) -> None:
    data = TemplateData(labels={}, value=value)
    assert Template.parse("test", "{{ $value }}").expand(data) == expected


def test_an_error_says_what_prometheus_says_and_the_alert_keeps_a_text() -> None:
    template = Template.parse("__alert_Down", "Node\n{{ $labels.node | humanize }} is down")
    text, error = template.render(TemplateData(labels={"node": "r1"}, value=1.0))
    assert error == (
        'error executing template __alert_Down: template: __alert_Down:2:18: executing "__alert_Down" at <humanize>: '
        'error calling humanize: strconv.ParseFloat: parsing "r1": invalid syntax'
    )
    assert text == f"<error expanding template: {error}>"
