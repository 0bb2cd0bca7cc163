"""For any text at all: parse raises TemplateError or nothing, render never raises."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.alerting.templates import Template, TemplateData, TemplateSample
from rabbitwatch.alerting.templates.formatting import format_float
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.errors import TemplateError

PIECES = [
    *FUNCTIONS,
    *("{{", "}}", "{{-", "-}}", " ", " ", " ", "|", "(", ")", ":=", "=", ",", ".", "$", "$x", "$labels", "$value"),
    *(".Labels.a", ".Value", ".Foo", "if", "else", "end", "range", "with", "define", "template", "block", "break"),
    *(
        "nil",
        "true",
        '"a"',
        '"%d%s%v"',
        "`a+`",
        "'x'",
        "1",
        "1.5",
        "0x1F",
        "1e400",
        "-3",
        "/*",
        "*/",
        "text",
        "\n",
        "é",
    ),
    *(
        "\n",
        "é",
        '"up"',
        '"$1"',
        ".Format",
        ".String",
        '"2006"',
        "\ud800",
        "%",
        "{{end}}",
        "{{if true}}",
        '{{range query "up"}}',
    ),
]
SAMPLES = [TemplateSample({"a": "b", "__name__": "up"}, 1.5), TemplateSample({"a": "é"}, math.nan)]
VALUES = st.floats() | st.sampled_from([0.0, -0.0, 1.5, 1e300, math.inf, -math.inf, math.nan])
ACTIONS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
OPERANDS = [
    *("$labels", "$value", ".", '"a"', '"%v"', "1", "-2", "1.5", "true", "nil", '(query "up")', "(args 1 nil .)"),
    *('(index (args nil $value) "arg1")', "$labels.a", "(toTime 0)", '"é\\xff"', "(first (query `up`))"),
]
CALLS = st.lists(
    st.builds(
        lambda name, arguments: "{{ " + " ".join((name, *arguments)) + " }}",
        st.sampled_from(sorted(FUNCTIONS)),
        st.lists(
            st.sampled_from(OPERANDS),
            max_size=3,
        ),
    ),
    max_size=3,
).map("".join)


def _parsed(text: str) -> Template | TemplateError:
    try:
        return Template.parse("x", text)
    except TemplateError as error:
        return error


def _data(value: float, label: str = "b") -> TemplateData:
    return TemplateData(labels={"a": label}, value=value, query=lambda _: SAMPLES, external_url="http://x/y")


@given(st.text(st.characters(), max_size=200) | ACTIONS | CALLS, VALUES, st.text(st.characters(), max_size=10))
def test_parse_raises_only_its_own_error_and_render_none(text: str, value: float, label: str) -> None:
    template = _parsed(text)
    if isinstance(template, TemplateError):
        assert (template.line or 0) >= 1
        assert (template.column or 0) >= 1
        return
    rendered, failed = template.render(_data(value, label))
    rendered.encode("utf-8")  # it goes into JSON and over the wire
    if failed is not None:
        assert rendered == f"<error expanding template: {failed}>"


@given(st.text(max_size=300).filter(lambda text: "{{" not in text))
def test_text_without_actions_renders_as_itself(text: str) -> None:
    assert Template.parse("x", text).render(_data(1.0)) == (text, None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_float_reads_back(value: float) -> None:
    shown = format_float(value)
    assert float(shown) == value
    assert Template.parse("x", "{{ $value }}").expand(_data(value)) == shown


@given(st.text(max_size=50))
def test_a_quoted_string_means_itself(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert Template.parse("x", f'{{{{ "{quoted}" }}}}').expand(_data(1.0)) == text
