"""The same templates in a real Prometheus: promtool 2.42's unit tests must accept every recorded annotation."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.alerting.templates.recorded import EXTERNAL_LABELS, EXTERNAL_URL, SERIES, Case, cases, labels

PREFIX = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
LEAST = 150


def _shifted(text: str) -> str:
    """With the columns as Prometheus counts them: behind the prefix that it puts before every template."""
    return re.sub(r"(template: __alert_\w+:1:)(\d+)", lambda m: f"{m[1]}{int(m[2]) + len(PREFIX)}", text)


def _files(folder: Path, recorded: list[Case]) -> Path:
    rules: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for number, (series, group) in enumerate(groupby(recorded, key=lambda case: case.series)):
        rows = list(group)
        name = f"A{number}"
        texts = {f"a{at:03d}": row.template for at, row in enumerate(rows)}
        expected = {
            f"a{at:03d}": _shifted(row.expect.replace("__alert_A", f"__alert_{name}")) for at, row in enumerate(rows)
        }
        own = {key: value for key, value in labels(series).items() if key != "__name__"}
        rules.append({"alert": name, "expr": series, "annotations": texts})
        tests.append(
            {
                "eval_time": "0s",
                "alertname": name,
                "exp_alerts": [{"exp_labels": own, "exp_annotations": expected}],
            }
        )
    case = {
        "interval": "1m",
        "input_series": [{"series": series, "values": value} for series, value in SERIES.items()],
        "external_labels": EXTERNAL_LABELS,
        "external_url": EXTERNAL_URL,
        "alert_rule_test": tests,
    }
    rule_file = {"groups": [{"name": "templates", "rules": rules}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(rule_file, allow_unicode=True), encoding="utf-8")
    path = folder / "test.yml"
    path.write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [case]}, allow_unicode=True), encoding="utf-8"
    )
    return path


@pytest.mark.prometheus
def test_promtool_accepts_every_recorded_annotation(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    recorded = [case for case in cases() if not case.newer]
    assert len(recorded) >= LEAST
    path = _files(tmp_path, recorded)
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[:4000]
