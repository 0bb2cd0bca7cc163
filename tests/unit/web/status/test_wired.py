"""The status page as a part of the whole agent: what it links to is served, and the window keeps what it draws."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.waiting import until
from tests.unit.test_evaluation import World
from tests.unit.web.status.made import Reader
from tests.unit.web.test_prometheus import get, running

from rabbitwatch.promql.window import Window
from rabbitwatch.web.status.trend import DEPTH, SPAN_MS


def test_every_link_leads_to_a_page_that_is_there(tmp_path: Path) -> None:
    with running(tmp_path) as port:
        text = until(lambda: b"rabbit@a" in (page := get(port, "/")[1]) and page).decode()
        page = Reader(text)
        links = {link for link in page.links() if not link.startswith("#")}
        assets = set(re.findall(r'(?:src|href)="(assets/[^"]+)"', text))
        assert {"silences", "actions", "wall", "runbooks", "metrics", "api/v1/rules"} <= links
        assert {"assets/status.css", "assets/status.js", "assets/rabbitwatch.css"} <= assets
        for link in links | assets | {"assets/age.js", "?fragment=1"}:
            status, _ = get(port, f"/{link.removeprefix('./')}")
            assert status == 200, link


def test_the_window_keeps_what_the_charts_draw(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.evaluation.window.span_of(DEPTH) == SPAN_MS
    world.end()


def test_charts_never_cost_a_rule(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.evaluation.window = Window(budget=1)
    world.evaluation.prepare(world.loaded()).commit()
    assert world.evaluation.window.span_of(DEPTH) == 0
    world.end()
