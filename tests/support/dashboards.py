"""The dashboards' panels and their queries, for all tests that ask them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.build.table import BOARDS

ROOT = Path(__file__).parents[2]
GRAFANA = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h"}


def filled(expression: str) -> str:
    """As Grafana sends it, with all variables at All."""
    for name in ("cluster", "vhost", "queue"):
        expression = expression.replace(f"${name}", ".*")
    for name, value in GRAFANA.items():
        expression = expression.replace(name, value)
    return expression


def board(name: str) -> dict[str, Any]:
    """The content of the committed file."""
    content: dict[str, Any] = json.loads((ROOT / "dashboards" / name).read_text())
    return content


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel that asks, with a name for it."""
    for name in BOARDS:
        for panel in board(name)["panels"]:
            if panel["type"] != "row":
                yield f"{name}:{panel['title']}", panel


def queries() -> dict[str, str]:
    """Every query, filled in, by the panel's name and the query's letter; annotations too."""
    asked = {
        f"{name}:{target['refId']}": filled(target["expr"]) for name, panel in panels() for target in panel["targets"]
    }
    for name in BOARDS:
        for each in board(name)["annotations"]["list"]:
            asked[f"{name}:annotation {each['name']}"] = filled(each["expr"])
    return asked
