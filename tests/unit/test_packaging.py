"""The wheel holds exactly what the tree holds, and works with the source out of reach."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import rabbitwatch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (found,) = folder.glob("*.whl")
    return found


def _tree(folder: Path, inside: str) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{inside}/{path.relative_to(folder)}"


def test_the_wheel_holds_what_the_tree_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        *_tree(ROOT / "exporter/rabbitwatch", "rabbitwatch"),
        *_tree(ROOT / "rules", "rabbitwatch/shipped/rules"),
        *_tree(ROOT / "dashboards", "rabbitwatch/shipped/dashboards"),
        *_tree(ROOT / "docs/runbooks", "rabbitwatch/shipped/runbooks"),
    }
    assert inside == expected


def _in_wheel(wheel: Path, site: Path, *arguments: str) -> str:
    # the pinned dependencies come from this environment; rabbitwatch itself must come from the wheel
    if not site.exists():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=site.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": str(site.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_wheel_runs_and_finds_what_it_ships(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert _in_wheel(wheel, site, "-m", "rabbitwatch", "--version").strip().endswith(rabbitwatch.__version__)
    names = ["rules", "dashboards", "runbooks"]
    script = f"import rabbitwatch.assets as a; print(*map(a.shipped, {names}))"
    assert _in_wheel(wheel, site, "-c", script).split() == [str(site / "rabbitwatch/shipped" / name) for name in names]


def test_the_source_distribution_holds_what_a_wheel_ships(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (found,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    shipped = {
        *_tree(ROOT / "rules", "rules"),
        *_tree(ROOT / "dashboards", "dashboards"),
        *_tree(ROOT / "docs/runbooks", "docs/runbooks"),
    }
    assert shipped <= inside
