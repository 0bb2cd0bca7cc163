"""A test on a real broker that is skipped fails the run in CI, and nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
SKIPS = """
import pytest

@pytest.fixture
def lab():
    pytest.skip("needs root for network namespaces")

@pytest.mark.cluster
def test_on_a_broker(lab): ...

@pytest.mark.cluster
@pytest.mark.skip(reason="not today")
def test_marked(): ...

@pytest.mark.cluster
@pytest.mark.xfail(reason="known", strict=True)
def test_known_to_fail(): assert False

@pytest.mark.skip(reason="no broker needed")
def test_other(): ...
"""


def run(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "CI"}
    argv = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "-c", "pytest.ini", "."]
    return subprocess.run(argv, cwd=folder, env=env | environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = cluster: needs a cluster\n")
    (tmp_path / "test_skips.py").write_text(SKIPS)
    return tmp_path


def test_on_a_laptop_the_reason_is_printed(folder: Path) -> None:
    done = run(folder, {})
    assert done.returncode == 0
    assert "3 skipped, 1 xfailed" in done.stdout
    assert "needs root for network namespaces" in done.stdout


def test_in_ci_it_is_an_error_with_the_reason(folder: Path) -> None:
    done = run(folder, {"CI": "true"})
    assert done.returncode == 1
    assert "1 skipped, 1 xfailed, 2 errors" in done.stdout
    assert "must not be skipped in CI: Skipped: needs root for network namespaces" in done.stdout
    assert "must not be skipped in CI: Skipped: not today" in done.stdout
