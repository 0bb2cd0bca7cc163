"""Silly and hostile templates end in an error soon, and never in anything but an error of the template."""

from __future__ import annotations

import time

import pytest

from rabbitwatch.alerting.templates import Template, TemplateData, TemplateSample
from rabbitwatch.errors import TemplateError

MANY = [TemplateSample({"a": "x" * 1000, "i": str(number)}, float(number)) for number in range(50_000)]
LONG = "x" * 200_000
DATA = TemplateData(labels={"l": LONG}, value=1.0, query=lambda _: MANY)
DOUBLING = "".join(
    f'{{{{define "a{n}"}}}}{{{{template "a{n + 1}" .}}}}{{{{template "a{n + 1}" .}}}}{{{{end}}}}' for n in range(25)
)
HOSTILE = {
    "loops in loops": ('{{range query "x"}}{{range query "x"}}{{end}}{{end}}', "more than 200000 steps"),
    "a long loop": ("{{range 1000000000}}{{end}}", "more than 200000 steps"),
    "much output": ('{{range query "x"}}{{.Labels.a}}{{end}}', "the output is longer than"),
    "a string that doubles": ('{{$x := "a"}}{{range 1000}}{{$x = print $x $x}}{{end}}', "the result is longer than"),
    "endless templates": ('{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}', "maximum template depth"),
    "doubling templates": (DOUBLING + '{{define "a25"}}{{end}}{{template "a0" .}}', "more than 200000 steps"),
    "deep templates": (
        '{{define "a"}}' + "{{if true}}" * 30 + '{{template "a" .}}' + "{{end}}" * 30 + '{{end}}{{template "a" .}}',
        "nested more than 90 deep",
    ),
    "a wide number": ('{{$w := len $labels.l}}{{printf "%*d%*d%*d" $w 1 $w 2 $w 3}}', "the result is longer than"),
    "many digits": ('{{$p := len $labels.l}}{{printf "%.*f%.*f" $p $value $p $value}}', "the result is longer than"),
    "a growing replacement": ('{{reReplaceAll "x" "$0$0" $labels.l}}', "too many matches"),
    "a printed vector": ('{{query "x"}}', "the result is longer than"),
    "a sorted vector, again and again": (
        '{{range 100000}}{{$x := query "x" | sortByLabel "a"}}{{end}}',
        "more than 200000 steps",
    ),
    "maps in maps": ("{{$x := args 1}}{{range 1000}}{{$x = args $x $x}}{{end}}{{$x}}", "maps nested more than 20"),
    "long work": ("{{range 100000}}{{toUpper $labels.l | html | len}}{{end}}", "more than 200000 steps"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_silly_template_ends_in_an_error(text: str, message: str) -> None:
    template = Template.parse("x", text)
    started = time.process_time()
    rendered, error = template.render(DATA)
    assert time.process_time() - started < 10  # measured: about one second for the slowest
    assert error is not None
    assert message in error
    assert rendered == f"<error expanding template: {error}>"


@pytest.mark.parametrize(
    "text",
    [
        "{{" + "(" * 20_000 + "1" + ")" * 20_000 + "}}",
        "{{if true}}" * 3_000 + "{{end}}" * 3_000,
        "{{if false}}" + "{{else if false}}" * 3_000 + "{{end}}",
        '{{match "((a{100}){100}){100}" "x"}}',
        '{{printf "%999999d" 1}}',
    ],
    ids=["parentheses", "ifs", "else ifs", "a huge regex", "a wide constant"],
)
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateError):
        Template.parse("x", text)
    assert time.process_time() - started < 5


def test_the_deepest_nesting_that_is_allowed_renders() -> None:
    text = "{{if true}}" * 20 + "{{" + "(not " * 19 + "1" + ")" * 19 + "}}" + "{{end}}" * 20
    assert Template.parse("x", text).render(DATA) == ("false", None)


def test_a_normal_report_is_far_below_the_limits() -> None:
    text = '{{range query "x"}}{{.Labels.i}}={{.Value | humanize}} {{end}}'
    data = TemplateData(labels={}, value=1.0, query=lambda _: MANY[:5000])
    rendered, error = Template.parse("x", text).render(data)
    assert error is None
    assert rendered.startswith("0=0 1=1 ")
    assert rendered.endswith("4999=4.999k ")
