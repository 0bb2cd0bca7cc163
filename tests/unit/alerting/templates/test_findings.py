"""What a template tells the linter about itself before it runs."""

from __future__ import annotations

import pytest

from rabbitwatch.alerting.templates import Template

LABELS = [
    ("{{ $labels.node }} {{ .Labels.vhost }} {{ $.Labels.queue }}", {"node", "vhost", "queue"}),
    ('{{ index $labels "my-label" }} {{ index .Labels "b" }}', {"my-label", "b"}),
    ("{{ with $labels }}{{ .node }}{{ end }}", {"node"}),
    ("{{ $l := .Labels }}{{ $l.node }}", {"node"}),
    ("{{ with $x := $labels.node }}{{ $x }}{{ end }}", {"node"}),
    ('{{ range query "up" }}{{ .Labels.instance }}{{ end }}', set()),
    ("{{ $externalLabels.site }} {{ .ExternalLabels.region }}", set()),
    ('{{ define "x" }}{{ .Labels.a }} {{ .b }}{{ end }}{{ template "x" . }}', {"a"}),
    ('{{ define "x" }}{{ .b }}{{ end }}{{ template "x" $labels }}', {"b"}),
    ("{{ if false }}{{ else }}{{ $labels.in_else }}{{ end }}", {"in_else"}),
    ('{{ query (printf "up{node=%q}" $labels.node) }}', {"node"}),
    ("plain", set()),
]


@pytest.mark.parametrize(("text", "expected"), LABELS, ids=[text for text, _ in LABELS])
def test_names_the_labels_of_the_alert(text: str, expected: set[str]) -> None:
    if '"x" . ' in text:
        text = text.replace(" {{ .b }}", "")  # the whole alert has no field b
    assert Template.parse("x", text).label_refs == expected


def test_places_each_label_at_its_first_mention() -> None:
    template = Template.parse("x", "on {{ $labels.node }}\nin {{ $labels.vhost }} {{ $labels.node }}")
    assert template.label_positions == {"node": (1, 14), "vhost": (2, 14)}


QUERIES = [
    ('{{ query "up" }} {{ "down" | query }}', {"up", "down"}, set(), False),
    ('{{ $q := "rate(x[5m])" }}{{ range query $q }}{{ end }}', {"rate(x[5m])"}, set(), False),
    ('{{ query (printf "up{job=%q}" "x") }}', {'up{job="x"}'}, set(), False),
    ('{{ query (printf "up{job=%q} > %.1f" $labels.job $value) }}', set(), {'up{job="1"} > 1'}, False),
    ("{{ printf `up{job='%s'}` .Labels.job | query | first | value }}", set(), {"up{job='1'}"}, False),
    ("{{ query $labels.expression }}", set(), set(), True),
    ('{{ $q := "a" }}{{ $q = "b" }}{{ query $q }}', set(), set(), True),
    ('{{ define "x" }}{{ query "never_called" }}{{ end }}', {"never_called"}, set(), False),
    ('{{ graphLink "up" }}', set(), set(), False),
]


@pytest.mark.parametrize(("text", "queries", "shapes", "unknown"), QUERIES, ids=[row[0] for row in QUERIES])
def test_names_the_queries(text: str, queries: set[str], shapes: set[str], unknown: bool) -> None:
    template = Template.parse("x", text)
    assert (template.queries, template.query_shapes, template.has_unknown_query) == (queries, shapes, unknown)


def test_places_queries() -> None:
    template = Template.parse("x", '{{ query "a" }}\n{{ printf "b{x=%q}" $labels.x | query }}')
    assert template.query_positions == {"a": (1, 4)}
    assert template.shape_positions == {'b{x="1"}': (2, 33)}


WARNINGS = [
    ('{{ printf "%d" $value }}', (1, 4), "%!d(float64=1.5)"),
    ('{{ $value | printf "%s" }}', (1, 13), "%!s(float64=1.5)"),
    ('{{ printf "%.1f of %s" $value }}', (1, 4), "%!s(MISSING)"),
    ('{{ printf "%s" $labels.a $labels.b }}', (1, 4), "%!(EXTRA string=x)"),
]


@pytest.mark.parametrize(("text", "place", "shows"), WARNINGS, ids=[row[0] for row in WARNINGS])
def test_warns_of_a_format_that_does_not_fit(text: str, place: tuple[int, int], shows: str) -> None:
    ((found, message),) = Template.parse("x", text).warnings
    assert found == place
    assert shows in message


def test_does_not_warn_of_a_format_that_fits() -> None:
    text = '{{ printf "%.2f %s %d %v %t %% %5.1f%%" $value $labels.a 3 $value true 2.0 }}'
    assert Template.parse("x", text).warnings == ()
