"""Prometheus' own test files, as `make conformance` runs them, and the runner itself against mistakes it must see."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance import run
from tests.conformance.check import Outcome, Verdict, check_file

DATA = 'load 1m\n  m{a="1"} 1 2 3\n  m{a="2"} 10 _ stale\n  h{a="1"} {{schema:0 sum:1 count:1}}x2\n\n'


def _outcomes(text: str) -> list[Outcome]:
    return [v.outcome for v in check_file(DATA + text)]


@pytest.mark.skipif(not run.files(), reason=run.why_none())
@pytest.mark.parametrize("path", run.files(), ids=lambda p: p.name)
def test_every_float_case_passes(path: Path) -> None:
    verdicts = list(check_file(path.read_text()))
    assert [v for v in verdicts if v.outcome is Outcome.FAILED] == []
    assert any(v.outcome is Outcome.PASSED for v in verdicts)


@pytest.mark.parametrize(
    "case",
    [
        'eval instant at 0 m\n  m{a="1"} 1\n  m{a="2"} 10\n',
        'eval instant at 2m m\n  m{a="1"} 3\n',
        'eval range from 0 to 2m step 1m m\n  m{a="1"} 1 2 3\n  m{a="2"} 10 10 _\n',
        "eval_fail instant at 0 m + on() m\n",
        "eval instant at 0 sum(\n  expect fail\n",
        'eval instant at 1m rate(m[5m])\n  expect info\n  {a="1"} 0.005\n',
        "eval instant at 0 scalar(m)\n  NaN\n",
        'eval instant at 0 "a"\n  expect string "a"\n',
    ],
)
def test_a_right_case_passes(case: str) -> None:
    assert _outcomes(case) == [Outcome.PASSED]


@pytest.mark.parametrize(
    "case",
    [
        'eval instant at 0 m\n  m{a="1"} 1\n',
        'eval instant at 0 m\n  m{a="1"} 1\n  m{a="2"} 11\n',
        'eval instant at 0 m\n  expect ordered\n  m{a="2"} 10\n  m{a="1"} 1\n',
        'eval range from 0 to 2m step 1m m\n  m{a="1"} 1 2 3\n  m{a="2"} 10 10 10\n',
        "eval_fail instant at 0 m\n",
        'eval instant at 0 m + on() m\n  {a="1"} 2\n',
        "eval instant at 0 m + on() m\n  expect fail msg: something else\n",
        'eval instant at 1m rate(m[5m])\n  expect no_info\n  {a="1"} 0.005\n',
        'eval instant at 0 m > 1\n  expect warn\n  m{a="2"} 10\n',
        "eval instant at 0 scalar(m)\n  1\n",
        "eval instant at 0 sum(m)\n  11\n",
    ],
)
def test_a_wrong_case_fails(case: str) -> None:
    assert _outcomes(case) == [Outcome.FAILED]


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("eval instant at 0 h\n", "native histograms: in the data"),
        ("eval instant at 0 m\n  m {{count:1}}\n", "native histograms: in the expected result"),
        ("eval instant at 0 m[5m + 1m]\n", "parse error"),
    ],
)
def test_what_cannot_be_run_is_left_out_with_its_reason(case: str, reason: str) -> None:
    (verdict,) = check_file(DATA + case)
    assert verdict.outcome is Outcome.LEFT_OUT
    assert verdict.reason.startswith(reason)


def test_data_without_histograms_in_the_span_is_not_left_out() -> None:
    assert _outcomes("eval instant at 20m count(h)\n") == [Outcome.PASSED]


def test_clear_needs_no_empty_line_after_it() -> None:
    text = "load 1m\n  m 1\n\nclear\nload 1m\n  m 2\n\neval instant at 0 m\n  m 2\n"
    assert [v.outcome for v in check_file(text)] == [Outcome.PASSED]


def test_the_runner_ends_with_1_where_a_case_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.test"
    path.write_text("load 1m\n  m 1\n\neval instant at 0 m\n  m 2\n")
    assert run.main([str(path)]) == 1
    assert capsys.readouterr().out.startswith("bad.test 0/1\n")


def test_a_file_of_another_format_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.test"
    path.write_text("hello\n")
    assert run.main([str(path)]) == 2


def test_an_absent_folder_is_a_reason_not_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMQLTEST_DIR", str(tmp_path / "absent"))
    assert run.main([]) == 0
    assert "skipped: no *.test files" in capsys.readouterr().out


def test_verdicts_name_the_line() -> None:
    assert list(check_file("\nload 1m\n  m 1\n\neval instant at 0 m\n  m 1\n")) == [
        Verdict(5, "m", Outcome.PASSED),
    ]
