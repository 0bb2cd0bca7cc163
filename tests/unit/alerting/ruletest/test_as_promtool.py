"""Test files give what promtool gives: the same lines on stdout and stderr, and the same exit code.

promtool/ holds what promtool 2.42 said about files/; the tests marked `prometheus` ask the promtool of this machine.
Words of syntax errors are each parser's own, so the files have none; those are tested at the end.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rabbitwatch.alerting.ruletest.run import run_test_file
from rabbitwatch.cli import main

HERE = Path(__file__).parent
FILES = ("pass", "fail", "rule_fails", "nameless", "order_twice", "no_rules", "empty")


Said = tuple[str, str, int]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Said]:
    """stdout, stderr and exit code of `rabbitwatch test rules`."""
    monkeypatch.chdir(HERE / "files")

    def run(name: str) -> Said:
        with pytest.raises(SystemExit) as left:
            main(["test", "rules", f"{name}.yml"])
        out, err = capfd.readouterr()
        return out, err, int(left.value.code or 0)

    return run


@pytest.mark.parametrize("name", FILES)
def test_it_says_what_promtool_said(said: Callable[[str], Said], name: str) -> None:
    recorded = HERE / "promtool"
    assert said(name) == (
        (recorded / f"{name}.out").read_text(),
        (recorded / f"{name}.err").read_text(),
        int((recorded / f"{name}.code").read_text()),
    )


@pytest.mark.prometheus
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("name", FILES)
def test_it_says_what_promtool_says_here(said: Callable[[str], Said], name: str) -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", f"{name}.yml"], capture_output=True, text=True, timeout=60, check=False
    )
    assert said(name) == (done.stdout, done.stderr, done.returncode)


def run(tmp_path: Path, tests: str, rules: str = "groups: []\n") -> list[str]:
    (tmp_path / "r.yml").write_text(rules)
    file = tmp_path / "t.yml"
    file.write_text("rule_files: [r.yml]\n" + tests)
    return [failure.removeprefix(f"{tmp_path}/") for failure in run_test_file(file).failures]


def test_unknown_fields_have_a_place(tmp_path: Path) -> None:
    assert run(tmp_path, "tests:\n- intervall: 1m\n") == [
        't.yml:3:3: field intervall not found in a test; did you mean "interval"?'
    ]


def test_histograms_are_refused(tmp_path: Path) -> None:
    text = "tests:\n- promql_expr_test:\n  - {expr: x, eval_time: 1m, exp_samples: [{histogram: '{{sum:1}}'}]}\n"
    assert run(tmp_path, text) == [
        "t.yml:4:56: native histograms are not supported: rules here work on floats",
    ]


def test_every_mistake_of_the_rule_files_is_told_once(tmp_path: Path) -> None:
    failures = run(tmp_path, "tests:\n- interval: 1m\n- interval: 1m\n", "groups:\n- name: g\n  limit: x\n")
    assert failures == ['r.yml:3:10: group "g": limit must be a whole number, 0 or more']


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{expr: 'up ==', eval_time: 1m}", "err: parse error: "),
        ("{expr: up, eval_time: 1m, exp_samples: [{labels: 'up{', value: 1}]}", 'err: labels "up{": '),
        ("{expr: '\"text\"', eval_time: 1m}", "err: rule result is not a vector or scalar"),
    ],
)
def test_an_expression_check_that_cannot_be_made_fails_alone(tmp_path: Path, check: str, message: str) -> None:
    good = "{expr: vector(1), eval_time: 1m, exp_samples: [{labels: '{}', value: 2}]}"
    failures = run(tmp_path, f"tests:\n- promql_expr_test:\n  - {check}\n  - {good}\n")
    assert len(failures) == 2
    assert message in failures[0]


def test_fuzzy_compare_forgives_the_last_bit(tmp_path: Path) -> None:
    text = (
        "tests:\n- promql_expr_test:\n  - {expr: '0.1 + 0.2', eval_time: 0s, exp_samples: [{labels: '', value: 0.3}]}\n"
    )
    assert len(run(tmp_path, text)) == 1
    assert run(tmp_path, "fuzzy_compare: true\n" + text) == []


def test_wrong_input_ends_that_test_only(tmp_path: Path) -> None:
    text = (
        "tests:\n- input_series: [{series: up, values: 1y}]\n- promql_expr_test: [{expr: vector(1), eval_time: 0s}]\n"
    )
    failures = run(tmp_path, text)
    assert len(failures) == 2
    assert failures[0].startswith("cannot read the values '1y'")
