"""What loads and hardly does what was meant: each warning with its place, and what gives none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.alerting.rulefile.findings import Level
from rabbitwatch.alerting.rulefile.load import load

FAMILIES = {
    "rabbitwatch_node_up": ("cluster", "node"),
    "rabbitwatch_queue_messages": ("cluster", "vhost", "queue"),
    "rabbitwatch_polls_total": None,
}
HEAD = "groups:\n- name: g\n  rules:\n  - alert: A\n    labels: {severity: warning}\n"
GOOD = "    annotations: {summary: it is so}\n"


def warnings(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "r.yml"
    file.write_text(text)
    return [
        str(finding).removeprefix(f"{file}:").replace('group "g", rule 1, "A": ', "")
        for finding in load([file], FAMILIES).findings
        if finding.level is Level.WARNING
    ]


EXPRESSIONS = {
    "rabbitwatch_queue_messages > bool 5": (
        "6:11: 'bool' makes the comparison return 0 or 1, and the alert fires for both: leave it out"
    ),
    "rabbitwatch_queue_messages": "6:11: nothing is compared, so the alert fires for every series, whatever its value",
    "sum by (cluster) (rabbitwatch_queue_messages)": (
        "6:11: nothing is compared, so the alert fires for every series, whatever its value"
    ),
    "count(x == 1) == 0": (
        "6:11: the comparison '== 0' is never true: the left side can only be 1 to inf "
        "(a count of nothing is no series, not 0: use absent(), or add 'or vector(0)')"
    ),
    "100 * rabbitmq_u / (rabbitmq_u + rabbitmq_r) > 120": (
        "6:11: the comparison '> 120' is never true: what is compared can only be 0 to 100"
    ),
    "rate(rabbitwatch_polls_total[5m]) < 0": (
        "6:11: the comparison '< 0' is never true: what is compared can only be 0 to inf"
    ),
    "0 <= rabbitwatch_queue_messages": (
        "6:11: the comparison '>= 0' is always true: what is compared can only be 0 to inf"
    ),
    "hour() > 24": "6:11: the comparison '> 24' is never true: what is compared can only be 0 to 23",
    "rate(x[15s]) > 1": "6:11: rate(...[15s]) needs two samples and data comes every 15s: use at least 1m",
    'rabbitwatch_queue_messages{node="a"} > 1': (
        "6:11: rabbitwatch_queue_messages has no label 'node'; it has cluster, vhost, queue"
    ),
    'rabbitwatch_node_up{clustr="a"} == 0': (
        "6:11: rabbitwatch_node_up has no label 'clustr'; did you mean \"cluster\"?"
    ),
}


@pytest.mark.parametrize(("expr", "warning"), EXPRESSIONS.items(), ids=EXPRESSIONS.keys())
def test_an_expression_that_is_not_what_was_meant(tmp_path: Path, expr: str, warning: str) -> None:
    assert warnings(tmp_path, HEAD + f"    expr: {expr}\n" + GOOD) == [warning]


SOUND = [
    "rabbitwatch_queue_messages > 5",
    "count(x == 1) > 2",
    "count(x == 1) > 0",
    "(count(x == 1) or vector(0)) == 0",
    "vector(1)",
    "absent(x)",
    "sum by (cluster) (x > 5)",
    "x unless y",
    "ALERTS{alertstate='firing'}",
    "100 * u / (u + r) > 120",
    "x < 0",
    "rate(x[1m]) > 0",
    "max_over_time(x[15s]) > 1",
    "1 - rabbitmq_free / rabbitmq_limit > 0.8",
    "rabbitwatch_node_up{job='a', instance='b'} == 0",
]


@pytest.mark.parametrize("expr", SOUND)
def test_a_sound_expression_gives_no_warning(tmp_path: Path, expr: str) -> None:
    assert warnings(tmp_path, HEAD + f'    expr: "{expr}"\n' + GOOD) == []


REFERENCES = {
    ("up == 0", "instace"): "$labels.instace is probably empty; did you mean $labels.instance?",
    ("sum by (cluster) (x) > 1", "clustr"): (
        '$labels.clustr is always empty: the expression\'s result has no such label; did you mean "cluster"?'
    ),
    ("sum by (cluster) (x) > 1", "queue"): (
        "$labels.queue is always empty: the expression's result has no such label; it has cluster"
    ),
    ("rabbitwatch_queue_messages > 1", "node"): (
        "$labels.node is always empty: the expression's result has no such label; it has cluster, instance, job, "
        "queue, vhost"
    ),
    ("sum without (queue) (x) > 1", "queue"): (
        "$labels.queue is always empty: the expression's result has no such label"
    ),
    ("sum(x) > 1", "severity"): (
        "$labels.severity is empty here: templates see the expression's labels, not those that the rule adds"
    ),
}


@pytest.mark.parametrize(("case", "warning"), REFERENCES.items(), ids=[" ".join(case) for case in REFERENCES])
def test_a_label_that_the_result_cannot_have(tmp_path: Path, case: tuple[str, str], warning: str) -> None:
    expr, label = case
    text = HEAD + f"    expr: {expr}\n    annotations:\n      summary: 'at {{{{ $labels.{label} }}}}'\n"
    (found,) = warnings(tmp_path, text)
    place, _, message = found.partition(": ")
    assert message == warning
    assert place.startswith("8:"), "the line of the annotation"
    assert int(place.split(":")[1]) >= len("      summary: 'at {{ ")


@pytest.mark.parametrize(
    ("expr", "label"),
    [("rabbitwatch_queue_messages > 1", "queue"), ("x > 1", "anything"), ("sum by (a) (x) > 1", "a")],
)
def test_a_label_that_may_be_there_gives_no_warning(tmp_path: Path, expr: str, label: str) -> None:
    text = HEAD + f"    expr: {expr}\n    annotations: {{summary: '{{{{ $labels.{label} }}}}'}}\n"
    assert warnings(tmp_path, text) == []


def test_an_alert_without_severity_or_summary(tmp_path: Path) -> None:
    assert warnings(tmp_path, "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n") == [
        "4:12: has no label 'severity': routes and inhibitions go by it",
        "4:12: has no annotation 'summary': its notice would say nothing but the name",
    ]


def test_prose_under_labels_and_severity_under_annotations(tmp_path: Path) -> None:
    text = (
        "groups:\n- name: g\n  labels: {severity: x}\n  rules:\n  - alert: A\n    expr: up == 0\n"
        "    labels: {summary: x}\n    annotations: {severity: x, summary: y}\n"
    )
    assert warnings(tmp_path, text) == [
        "7:14: 'summary' under labels makes a new alert whenever its text changes: move it under annotations",
        "8:19: 'severity' under annotations routes nothing: move it under labels",
    ]


def test_a_foreign_metric_is_noted_once(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text("groups:\n- name: g\n  rules:\n  - {record: a, expr: x}\n  - {record: b, expr: a + x}\n")
    assert [(f.level, str(f)) for f in load([file], FAMILIES).findings] == [
        (
            Level.NOTE,
            (
                f'{file}:4:23: group "g", rule 1, "a": the metric x is not one of rabbitwatch: the rule works in a '
                "Prometheus that has it, not here"
            ),
        )
    ]


def test_a_metric_that_another_file_records_exists(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups:\n- name: g\n  rules:\n  - {record: rabbitwatch_mine, expr: vector(1)}\n")
    (tmp_path / "b.yml").write_text(HEAD + "    expr: rabbitwatch_mine > 1\n" + GOOD)
    assert len(load([tmp_path / "*.yml"], FAMILIES).rules()) == 2
