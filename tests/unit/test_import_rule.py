"""A package imports only from those above it in the house; agent.py, web/ and cli.py are the only wiring."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rabbitwatch

PACKAGE = Path(rabbitwatch.__file__).parent
ORDER = [
    "errors",
    "assets",
    "redaction",
    "logs",
    "scheduling",
    "config",
    "model",
    "clients",
    "sources",
    "cluster",
    "metrics",
    "promql",
    "alerting",
    "notify",
    "actions",
    "storage",
    "web",
    "agent",
    "evaluation",
    "notification",
    "remediation",
    "cli",
]


def _top(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "rabbitwatch":
            names = [f"rabbitwatch.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("rabbitwatch.")}
    return found


MODULES = sorted(
    p for p in PACKAGE.rglob("*.py") if p.name not in {"__init__.py", "__main__.py"} or p.parent != PACKAGE
)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_from_above(path: Path) -> None:
    own = _top(path)
    assert own in ORDER, f"{own} has no place in the house: add it to ORDER and to docs/architecture.md"
    allowed = set(ORDER[: ORDER.index(own) + 1]) | {"__version__"}
    assert _imported(path) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_import_hides_in_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text())
    inside = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert not inside, f"imports inside functions at lines {inside}: they hide cycles"
