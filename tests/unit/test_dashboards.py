"""The dashboards: current, complete, and about metrics that exist."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from dashboards.build.table import BOARDS, files
from tests.support.dashboards import ROOT, board, filled, panels

from rabbitwatch.promql.parse import parse

NOT_OURS = {"ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total"}
PANELS = [pytest.param(panel, id=name) for name, panel in panels()]


@pytest.mark.parametrize("name", list(BOARDS))
def test_the_file_is_what_the_code_makes(name: str) -> None:
    assert (ROOT / "dashboards" / name).read_text() == files()[name], "run python -m dashboards.build"


def test_no_file_is_left_over() -> None:
    assert {path.name for path in (ROOT / "dashboards").glob("*.json")} == set(BOARDS)


@pytest.mark.parametrize("name", list(BOARDS))
def test_no_panel_overlaps_another_or_the_edge(name: str) -> None:
    places = [panel["gridPos"] for panel in board(name)["panels"]]
    for place in places:
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("name", list(BOARDS))
def test_panels_have_numbers_of_their_own(name: str) -> None:
    numbers = [panel["id"] for panel in board(name)["panels"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert len(panel["description"]) > 10
    assert defaults["unit"]
    assert defaults["thresholds"]["steps"]
    assert defaults["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_metrics_that_exist(panel: dict[str, Any]) -> None:
    documented = set(re.findall(r"^### `(\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    for target in panel["targets"]:
        named = set(re.findall(r"\b(?:rabbitwatch_\w+|ALERTS|process_\w+)", target["expr"]))
        assert named, target["expr"]
        assert named <= documented | NOT_OURS, target["expr"]


@pytest.mark.parametrize("panel", PANELS)
def test_an_expression_can_be_read(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        parse(filled(target["expr"]))


@pytest.mark.parametrize("panel", PANELS)
def test_a_link_leads_to_a_runbook(panel: dict[str, Any]) -> None:
    for link in panel.get("links", []):
        assert link["url"].startswith("${agent}/runbooks/")
        assert (ROOT / "docs/runbooks" / f"{link['url'].rpartition('/')[2]}.md").exists()


@pytest.mark.parametrize("name", list(BOARDS))
def test_a_dashboard_leads_to_the_others_and_marks_alerts_and_actions(name: str) -> None:
    made = board(name)
    assert made["uid"].startswith("rabbitwatch-")
    assert [each["name"] for each in made["annotations"]["list"]] == ["Alerts", "Actions"]
    assert made["templating"]["list"][0]["type"] == "datasource"
    assert {"rabbitwatch"} == set(made["tags"]) & {"rabbitwatch"}
    assert any(link["type"] == "dashboards" for link in made["links"])
