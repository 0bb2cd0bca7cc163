"""Every mistake that refuses a rule file, with its whole message: place, group, rule, what, and often the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.alerting.rulefile.findings import RuleFileError
from rabbitwatch.alerting.rulefile.load import load

FAMILIES = {
    "rabbitwatch_node_up": ("cluster", "node"),
    "rabbitwatch_queue_messages": ("cluster", "vhost", "queue"),
}

HEAD = "groups:\n- name: g\n  rules:\n"

CASES = {
    "nothing but a word": ("hello\n", "1:1: a rule file must be a mapping, with fields such as 'groups'"),
    "no YAML": (
        HEAD + "  - alert: A\n   expr: up\n",
        (
            "5:4: is no YAML: expected <block end>, but found '<block mapping start>' (while parsing a block mapping "
            "that starts on line 2)"
        ),
    ),
    "a field of the file": ("group:\n- name: g\n", '1:1: field group not found in a rule file; did you mean "groups"?'),
    "a field of a group": (
        "groups:\n- name: g\n  intervall: 5m\n",
        '3:3: group "g": field intervall not found in a rule group; did you mean "interval"?',
    ),
    "a field of a rule": (
        HEAD + "  - alert: A\n    expr: up == 0\n    foor: 5m\n",
        '6:5: group "g", rule 1, "A": field foor not found in a rule; did you mean "for"?',
    ),
    "no list": ("groups:\n  name: g\n", "2:3: groups must be a list: start each item with '- '"),
    "a field twice": (
        HEAD + "  - alert: A\n    expr: up == 0\n    expr: up == 1\n",
        "6:5: groups[0].rules[0]: duplicate key 'expr', the first is on line 5",
    ),
    "no group name": ("groups:\n- rules: []\n", "2:3: Groupname must not be empty"),
    "a group twice": ("groups:\n- name: g\n- name: g\n", '3:9: groupname: "g" is repeated in the same file'),
    "a limit in words": (
        "groups:\n- name: g\n  limit: x\n",
        '3:10: group "g": limit must be a whole number, 0 or more',
    ),
    "an interval without unit": (
        "groups:\n- name: g\n  interval: 30\n",
        '3:13: group "g": interval: not a valid duration string: "30" (a unit is missing: 30s or 30m?)',
    ),
    "for without unit": (
        HEAD + "  - alert: A\n    expr: up == 0\n    for: 5\n",
        '6:10: group "g", rule 1, "A": for: not a valid duration string: "5" (a unit is missing: 5s or 5m?)',
    ),
    "a duration in words": (
        HEAD + "  - alert: A\n    expr: up == 0\n    keep_firing_for: 5 min\n",
        (
            '6:22: group "g", rule 1, "A": keep_firing_for: not a valid duration string: "5 min" (write it like 15s '
            "or 1h30m)"
        ),
    ),
    "alert and record": (
        HEAD + "  - alert: A\n    record: a\n    expr: up == 0\n",
        """4:12: group "g", rule 1, "A": only one of 'record' and 'alert' must be set""",
    ),
    "neither alert nor record": (
        HEAD + "  - expr: up == 0\n",
        """4:5: group "g", rule 1, "": one of 'record' or 'alert' must be set""",
    ),
    "no expression": (
        HEAD + "  - alert: A\n",
        """4:5: group "g", rule 1, "A": field 'expr' must be set in rule""",
    ),
    "a recording rule with for": (
        HEAD + "  - record: a\n    expr: up\n    for: 5m\n",
        """6:5: group "g", rule 1, "a": invalid field 'for' in recording rule""",
    ),
    "a recording rule with annotations": (
        HEAD + "  - record: a\n    expr: up\n    annotations: {summary: x}\n",
        """6:5: group "g", rule 1, "a": invalid field 'annotations' in recording rule""",
    ),
    "a name that is no metric's": (
        HEAD + "  - record: a-b\n    expr: up\n",
        '4:13: group "g", rule 1, "a-b": invalid recording rule name: a-b',
    ),
    "a label name": (
        HEAD + "  - alert: A\n    expr: up == 0\n    labels: {a-b: x}\n",
        '6:14: group "g", rule 1, "A": invalid label name: a-b',
    ),
    "the label __name__": (
        HEAD + "  - alert: A\n    expr: up == 0\n    labels: {__name__: x}\n",
        '6:14: group "g", rule 1, "A": invalid label name: __name__',
    ),
    "an annotation name": (
        HEAD + "  - alert: A\n    expr: up == 0\n    annotations: {a-b: x}\n",
        '6:19: group "g", rule 1, "A": invalid annotation name: a-b',
    ),
    "labels that are a list": (
        HEAD + "  - alert: A\n    expr: up == 0\n    labels: [severity]\n",
        '6:13: group "g", rule 1, "A": labels must be a mapping of names to text',
    ),
    "for under labels": (
        HEAD + "  - alert: A\n    expr: up == 0\n    labels:\n      for: 5m\n      severity: x\n",
        """7:7: group "g", rule 1, "A": 'for' under labels is a label, not a delay: move it out, beside 'expr'""",
    ),
    "expr under annotations": (
        HEAD + "  - alert: A\n    expr: up == 0\n    annotations: {expr: up}\n",
        """6:19: group "g", rule 1, "A": 'expr' under annotations is a field of the rule: move it out, beside 'expr'""",
    ),
    "a metric of ours that does not exist": (
        HEAD + "  - alert: A\n    expr: rabbitwatch_nod_up == 0\n",
        (
            '5:11: group "g", rule 1, "A": the metric rabbitwatch_nod_up does not exist; '
            'did you mean "rabbitwatch_node_up"?'
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), CASES.values(), ids=CASES.keys())
def test_a_wrong_file_is_refused_with_place_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "r.yml"
    file.write_text(text)
    with pytest.raises(RuleFileError) as caught:
        load([file], FAMILIES)
    assert str(caught.value).splitlines() == [f"{file}:{message}"]


PARTLY = {
    "an expression that does not parse": (
        HEAD + "  - alert: A\n    expr: up ==\n",
        '5:11: group "g", rule 1, "A": could not parse expression: parse error: ',
    ),
    "a comparison with a string": (
        HEAD + '  - alert: A\n    expr: up == "x"\n',
        '5:11: group "g", rule 1, "A": could not parse expression: parse error: ',
    ),
    "a range without function": (
        HEAD + "  - alert: A\n    expr: up[5m]\n",
        '5:11: group "g", rule 1, "A": could not parse expression: it gives a matrix',
    ),
    "a hundred thousand parentheses": (
        HEAD + f"  - alert: A\n    expr: {'(' * 30_000}up{')' * 30_000}\n",
        '5:11: group "g", rule 1, "A": could not parse expression: ',
    ),
    "a template function that does not exist": (
        HEAD + '  - alert: A\n    expr: up == 0\n    annotations:\n      summary: "now {{ foo }}"\n',
        '7:24: group "g", rule 1, "A": annotation "summary": function foo is not defined',
    ),
    "a template that does not end": (
        HEAD + "  - alert: A\n    expr: up == 0\n    annotations:\n      summary: |\n        one\n        {{ if }}\n",
        '9:15: group "g", rule 1, "A": annotation "summary": if lacks its value',
    ),
    "a query in a template that does not parse": (
        HEAD + "  - alert: A\n    expr: up == 0\n    annotations:\n      summary: '{{ query \"up ==\" }}'\n",
        '7:20: group "g", rule 1, "A": annotation "summary": query: parse error: ',
    ),
}


@pytest.mark.parametrize(("text", "start"), PARTLY.values(), ids=PARTLY.keys())
def test_what_does_not_parse_is_refused(tmp_path: Path, text: str, start: str) -> None:
    file = tmp_path / "r.yml"
    file.write_text(text)
    with pytest.raises(RuleFileError) as caught:
        load([file])
    assert len(caught.value.errors) == 1
    assert str(caught.value).startswith(f"{file}:{start}")


def test_all_errors_of_all_files_are_told_and_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups:\n- name: g\n  limit: x\n")
    (tmp_path / "b.yml").write_text("groups: 5\n")
    (tmp_path / "c.yml").write_text(HEAD + "  - {alert: A, expr: up == 0}\n")
    with pytest.raises(RuleFileError) as caught:
        load([tmp_path / "*.yml", tmp_path / "gone.yml"])
    lines = [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]
    assert [line.split(":")[0] for line in lines] == ["a.yml", "b.yml", "gone.yml"]
    assert lines[2] == "gone.yml: cannot be read: No such file or directory"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_bytes(b"groups: \xff\n")
    with pytest.raises(RuleFileError, match=r"is not UTF-8 text \(byte 9\)"):
        load([file])
