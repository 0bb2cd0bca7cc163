"""Wrong templates: refused when they are parsed, with the place and the remedy."""

from __future__ import annotations

import pytest

from rabbitwatch.alerting.templates import Template
from rabbitwatch.errors import TemplateError

REFUSED = [
    # text, column, the message without its place
    ("{{ $labels.node ", 1, "this {{ is not closed: }} is missing"),
    ("{{ $labels.node }", 17, "'}' means nothing inside {{ }}: }} ends an action"),
    ("{{ $lables.node }}", 4, "variable $lables is not defined; did you mean $labels?"),
    ("{{ labels.node }}", 4, "function labels is not defined; did you mean $labels?"),
    ("{{ node }}", 4, "function node is not defined: a label is $labels.node, a text stands in quotes"),
    ("{{ humanise $value }}", 4, "function humanise is not defined; did you mean humanize?"),
    ("{{ $value | toupper }}", 13, "function toupper is not defined; did you mean toUpper?"),
    (
        '{{ tmpl "x" . }}',
        4,
        'function tmpl is not defined: it exists only in console templates: write {{template "name" .}}',
    ),
    (
        "{{ if $value > 5 }}x{{ end }}",
        14,
        "'>' means nothing inside {{ }}: compare with lt, le, gt, ge, eq or ne, as in {{if gt $value 5.0}}",
    ),
    (
        "{{ if gt $value 5 }}x{{ end }}",
        7,
        "gt cannot compare a float64 with an int: write 5.0 instead of 5",
    ),
    (
        '{{ if $labels.node == "x" }}x{{ end }}',
        20,
        "= cannot stand here, in if: compare with eq, or declare with {{$name := value}}",
    ),
    (
        "{{ $value * 100 }}",
        11,
        "'*' means nothing inside {{ }}: templates do not calculate, do it in the expression or in a query",
    ),
    ("{{ /* x */ }}", 4, "'/' means nothing inside {{ }}: a comment must touch its braces, {{/* so */}}"),
    ("{{/* x }}", 1, "this comment has no end: close it with */}}"),
    ("{{ if $value }}x", 4, "this if has no {{end}}"),
    ("x{{ end }}", 5, "{{end}} belongs to nothing: no if, range, with or define is open"),
    ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", 24, "this if has an else already"),
    (
        '{{ $labels["node"] }}',
        11,
        "'[' cannot follow $labels: an element is read with index, as in index $labels \"node\"",
    ),
    (
        "{{ $labels.my-node }}",
        14,
        "'-' cannot follow .my: a label whose name has a dash is read with index $labels \"the-name\"",
    ),
    ("{{ $x=3 }}", 6, "'=' cannot follow $x: put spaces around = and :=, and compare with eq, ne, lt, gt"),
    ("{{ $x = 3 }}", 4, "variable $x is not defined"),
    ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", 39, "variable $x is not defined"),
    ("{{ $x := $x }}", 10, "variable $x is not defined"),
    ("{{ $x := }}", 4, "a command lacks its value"),
    ("{{}}", 3, "a command lacks its value"),
    ("{{ 'abc' }}", 4, "'abc' is not one character; strings stand in double quotes"),
    ('{{ "abc }}', 4, 'this " is not closed on its line'),
    ('{{ "a\\d" }}', 4, "\\d is no escape that Go knows; write \\\\ for a backslash, or use `...`"),
    ("{{ 08 }}", 4, "08 is no number: a leading 0 makes it octal"),
    ("{{ 9223372036854775808 }}", 4, "9223372036854775808 does not fit into an int"),
    ("{{ 1i }}", 4, "complex numbers are not supported"),
    ('{{ (query "up" }}', 4, "this parenthesis is not closed before }}"),
    ('{{ query "up") }}', 14, "this ) closes nothing"),
    ("{{ break }}", 4, "break stands only inside range"),
    ('{{ range $a, $b, $c := query "up" }}{{ end }}', 16, "range can set only two variables"),
    ('{{ template "x" }}', 13, 'template "x" is not defined here'),
    ("{{ template x }}", 13, "template needs a name in quotes, not x"),
    (
        '{{ define "x" }}{{ $labels.a }}{{ end }}',
        20,
        "$labels is not known inside a defined template: pass what it needs as its argument",
    ),
    ('{{ define "x" }}1{{ end }}{{ define "x" }}2{{ end }}', 37, 'template "x" is defined twice'),
    (
        '{{ if true }}{{ define "x" }}{{ end }}{{ end }}',
        17,
        "define stands only at the top, not inside if, range or with",
    ),
    ("{{ $value | }}", 11, "nothing stands after this |"),
    ("{{ | humanize }}", 4, "nothing stands before this |"),
    ("{{ $value | 5 }}", 13, "5 is no function: stage 2 of a pipeline must be one"),
    ('{{ "a" "b" }}', 4, '"a" is no function, it takes no arguments'),
    ("{{ .Lables.node }}", 5 + 6, "the alert has no field .Lables; did you mean Labels?"),
    ("{{ .Foo }}", 4, "the alert has no field .Foo; a label is $labels.Foo"),
    ("{{ $labels.node.name }}", 11, "a string has no field name"),
    ('{{ query "up" | value }}', 17, "value takes a sample here, not a query result"),
    (
        '{{ query "up" | humanize }}',
        17,
        "humanize takes a number, not a query result: take the value of its first element with first and value",
    ),
    (
        '{{ with query "up" }}{{ .Value }}{{ end }}',
        25,
        "a query result has no field Value: take one sample of it with first, or go through it with range",
    ),
    ('{{ range query "up" }}{{ .value }}{{ end }}', 26, "a sample has no value here; did you mean Value?"),
    (
        "{{ toUpper $value }}",
        4,
        'toUpper takes a string here, not a float64: make it a string with printf "%g" or humanize first',
    ),
    ("{{ not true false }}", 4, "not takes one argument, here it has 2"),
    ('{{ match "(?=x)" $labels.a }}', 4, "match: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
    ('{{ parseDuration "5 minutes" }}', 4, 'parseDuration: not a valid duration string: "5 minutes"'),
    ('{{ range "abc" }}{{ end }}', 10, "range cannot go through a string: it takes a query's result or a map"),
    (
        "{{ call $labels }}",
        4,
        "call has nothing to call in an alert's template: functions are called by their name alone",
    ),
    ("{{ slice $labels 1 }}", 4, "slice cuts a query result or a string, not a map of labels"),
    ("{{" + "(" * 100 + "1" + ")" * 100 + "}}", 43, "nested more than 40 deep"),
]


@pytest.mark.parametrize(("text", "column", "message"), REFUSED, ids=[row[0][:50] for row in REFUSED])
def test_says_what_is_wrong_where_and_what_to_do(text: str, column: int, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse("x", text)
    assert str(caught.value) == f"{message} (at line 1, column {column} of the template)"
    assert (caught.value.line, caught.value.column) == (1, column)


def test_counts_lines_and_characters_of_the_users_text() -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse("x", "first line\nzweite Zeile: ä {{ $nodes }}")
    assert (caught.value.line, caught.value.column) == (2, 20)


def test_refuses_a_text_beyond_the_limit() -> None:
    with pytest.raises(TemplateError, match="70000 characters, more than 65536"):
        Template.parse("x", "x" * 70_000)
