"""Rules of the repository that a person forgets and a test does not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {"pyproject.toml", "exporter", "rules", "dashboards", "deploy", "tests", "README.md", "CHANGELOG.md", "LICENSE"}

# spelt in pieces, so that this file does not find itself
FORBIDDEN = {
    "a registry's or mirror's host": r"pypi\." + r"org|pythonhosted\." + r"org|registry\.npmjs|deb\.debian" + r"\.org"
    r"|security\.debian" + r"\.org|ftp\.[a-z.]*debian",
    "a path of one machine": "/wo" + "rk/main|/ro" + "ot/|/tmp/e" + "xp|/ho" + "me/[a-z]+/",
}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: which files belong to the repository is unknown")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_stands() -> None:
    assert {path.name for path in ROOT.iterdir()} >= TOP


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in _tracked():
        if path.suffix in {".png", ".gz"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found, f"{what}: {found[:5]}"


def test_readme_gives_two_commands_for_a_fresh_machine() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    start = text.split("## Start", 1)[1].split("\n## ", 1)[0]
    commands = re.findall(r"^make (\w+)", start, flags=re.MULTILINE)
    assert commands == ["run", "test"]


def test_links_in_the_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert not broken
