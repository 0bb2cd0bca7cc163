"""`rabbitwatch check rules`: lines, streams and exit codes of promtool, and what it adds to them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rabbitwatch.cli import main

Said = tuple[str, str, int]
GOOD = """groups:
- name: g
  rules:
  - {record: a, expr: vector(1)}
  - {alert: A, expr: a > 1, labels: {severity: x}, annotations: {summary: y}}
"""
DUPLICATES = """groups:
- name: g
  rules:
  - {record: a, expr: vector(1), labels: {x: "1"}}
  - {record: a, expr: vector(2), labels: {x: "1"}}
  - {record: b, expr: vector(2)}
- name: h
  rules:
  - {record: b, expr: vector(2)}
"""
WARNED = GOOD.replace("labels: {severity: x}, ", "")


@pytest.fixture
def check(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Said]:
    """stdout, stderr and exit code for files with these contents, named a.yml, b.yml and so on."""
    monkeypatch.chdir(tmp_path)

    def run(*texts: str, options: tuple[str, ...] = ()) -> Said:
        names = [f"{chr(97 + index)}.yml" for index in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            (tmp_path / name).write_text(text)
        with pytest.raises(SystemExit) as left:
            main(["check", "rules", *options, *names])
        out, err = capfd.readouterr()
        return out, err, int(left.value.code or 0)

    return run


def test_good_files(check: Callable[..., Said]) -> None:
    assert check(GOOD, "groups: []\n") == (
        "Checking a.yml\n  SUCCESS: 2 rules found\n\nChecking b.yml\n  SUCCESS: 0 rules found\n\n",
        "",
        0,
    )


def test_an_error_is_exit_1_and_the_other_files_are_checked_all_the_same(check: Callable[..., Said]) -> None:
    out, err, code = check("groups: 5\n", GOOD)
    assert out == "Checking a.yml\n\nChecking b.yml\n  SUCCESS: 2 rules found\n\n"
    assert err == "  FAILED:\na.yml:1:9: groups must be a list: start each item with '- '\n"
    assert code == 1


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--lint-fatal",), 3), (("--lint=none", "--lint-fatal"), 0)])
def test_what_only_rabbitwatch_sees_is_a_warning(
    check: Callable[..., Said], options: tuple[str, ...], code: int
) -> None:
    out, err, got = check(WARNED, options=options)
    assert out == "Checking a.yml\n  SUCCESS: 2 rules found\n\n"
    assert got == code
    warning = (
        """  WARNING: a.yml:5:13: group "g", rule 2, "A": has no label 'severity': routes and inhibitions go by it\n"""
    )
    assert err == ("" if "--lint=none" in options else warning)


def test_an_error_outweighs_a_warning(check: Callable[..., Said]) -> None:
    assert check("groups: 5\n", WARNED, options=("--lint-fatal",))[2] == 1


@pytest.mark.prometheus
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("text", [GOOD, DUPLICATES, "groups: []\n"])
@pytest.mark.parametrize("options", [(), ("--lint-fatal",), ("--lint=none",), ("--lint=duplicate-rules",)])
def test_it_says_what_promtool_says(check: Callable[..., Said], text: str, options: tuple[str, ...]) -> None:
    ours = check(text, options=options or ("--lint=duplicate-rules",))
    done = subprocess.run(
        ["promtool", "check", "rules", *options, "a.yml"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ours == (done.stdout, done.stderr, done.returncode)
