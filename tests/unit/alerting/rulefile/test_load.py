"""What a rule file becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.alerting.rulefile.load import expand, load
from rabbitwatch.alerting.rulefile.model import AlertingRule, RecordingRule
from rabbitwatch.assets import shipped

WHOLE = """
# a comment
groups:
  - name: &group g
    interval: 1m30s
    query_offset: 30s
    limit: 5
    labels: {team: x, severity: low}
    rules:
      - record: a:b
        expr: |
          sum by (cluster) (
            up
          )
        labels: {n: 5, yes: true, size: 010, empty: ~}
      - alert: A
        expr: 1
        for: 0
        keep_firing_for: 5m
        labels: {severity: high}
        annotations: {summary: "yes", description: 2024-01-01}
  - name: empty
"""


def test_every_field_arrives_and_scalars_stay_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text(WHOLE)
    group, empty = load([file]).groups
    assert (group.key, group.name, group.file, group.limit) == ("g", "g", str(file), 5)
    assert (group.interval_s, group.query_offset_s) == (90.0, 30.0)
    recording, alerting = group.rules
    assert isinstance(recording, RecordingRule)
    assert recording.labels == {"team": "x", "severity": "low", "n": "5", "yes": "true", "size": "010", "empty": ""}
    assert isinstance(alerting, AlertingRule)
    assert (alerting.for_s, alerting.keep_firing_for_s, alerting.expr.text) == (0.0, 300.0, "1")
    assert {name: t.text for name, t in alerting.labels.items()} == {"team": "x", "severity": "high"}
    assert {n: t.text for n, t in alerting.annotations.items()} == {"summary": "yes", "description": "2024-01-01"}
    assert (empty.rules, empty.interval_s) == ((), None)


@pytest.mark.parametrize("text", ["", "groups:\n", "groups: []\n", "{}\n"])
def test_an_empty_file_is_fine(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.yml"
    file.write_text(text)
    assert load([file]).groups == ()


def test_globs_are_sorted_may_match_nothing_and_repeat_no_file(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yml", "c.yaml"):
        (tmp_path / name).write_text("groups: []\n")
    found = expand([tmp_path / "*.yml", tmp_path / "nothing*", tmp_path / "a.yml", tmp_path / "c.yaml"])
    assert [file.name for file in found] == ["a.yml", "b.yml", "c.yaml"]


def test_the_shipped_rules_load() -> None:
    assert len(load(sorted(shipped("rules").glob("*.yml"))).rules()) > 40
