"""The wall in a browser, in every state and at every size: nothing to scroll, nothing cut, and never a green past."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.browser.conftest import Serve
from tests.browser.scenes import SCENES, broken_in_two, hostile, many, well
from tests.support.chromium import ZONE, Look, Looking

from rabbitwatch.web.wall.pages import SILENT_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SCREENS = {"1080p": (1920, 1080), "4K": (3840, 2160), "laptop": (1440, 900)}
PHONE = (360, 740)
SLACK = 30.0
"""Seconds that a browser on a busy machine may come late."""

_CUT = """() => {
  const outer = [document.documentElement, document.body, document.querySelector("main")];
  const boxes = [...outer, ...document.querySelectorAll(".tile, .alerts, .groups, .foot")];
  const over = boxes.filter((each) => each.offsetParent !== null || outer.includes(each))
    .filter((each) => each.scrollHeight > each.clientHeight + 1 && !each.matches("dl"))
    .map((each) => `${each.tagName}.${each.className}: ${each.scrollHeight} in ${each.clientHeight}`);
  const outside = [...document.querySelectorAll(".tile *")].filter((each) => each.offsetParent)
    .filter((each) => {
      const tile = each.closest(".tile").getBoundingClientRect();
      const own = each.getBoundingClientRect();
      return own.width && (own.right > tile.right + 1 || own.bottom > tile.bottom + 1 || own.left < tile.left - 1);
    }).map((each) => `outside: ${each.tagName}.${each.className} ${each.textContent.trim().slice(0, 30)}`);
  return [...over, ...outside].slice(0, 6);
}"""
_TILES = """() => [...document.querySelectorAll(".tile")].map((tile) => {
  const box = tile.getBoundingClientRect();
  return [tile.querySelector(".name").textContent, Math.round(box.width * box.height), box.width > 0 && box.height > 0];
})"""
COLOURS = """() => {
  const main = document.querySelector("main");
  const grey = getComputedStyle(main).filter.includes("grayscale(1)");
  const green = [...document.querySelectorAll("*")].filter((each) => {
    const style = getComputedStyle(each);
    return [style.fill, style.borderTopColor, style.color, style.backgroundColor].some((colour) => {
      const [red, green, blue] = (colour.match(/[0-9.]+/g) || []).map(Number);
      return green > red + 40 && green > blue + 40;
    });
  });
  return { grey, green: green.length };
}"""


def _tiles(look: Look) -> list[Any]:
    found: list[Any] = look.evaluate(_TILES)
    return found


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scene", SCENES)
def test_all_of_it_is_seen_at_once(serve: Serve, looking: Looking, scene: str, screen: str) -> None:
    look = looking(f"{serve(SCENES[scene](time.time())).url}/wall", *SCREENS[screen])
    assert look.evaluate(_CUT) == []
    assert look.sideways() == []
    tiles = _tiles(look)
    assert tiles
    assert all(seen for _, _, seen in tiles)
    # equals may differ by a pixel where the screen cannot be divided
    assert tiles[0][1] >= 0.99 * max(area for _, area, _ in tiles), "none is larger than the worst"
    if screen == "1080p":
        assert look.against_accessibility() == []
    assert look.faults == []


@pytest.mark.parametrize("scene", SCENES)
def test_on_a_phone_it_scrolls_downwards_only(serve: Serve, looking: Looking, scene: str) -> None:
    look = looking(f"{serve(SCENES[scene](time.time())).url}/wall", *PHONE)
    assert look.sideways() == []
    assert look.against_accessibility() == []
    assert look.faults == []


def test_the_worst_stands_first_and_is_strictly_larger(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(many(time.time())).url}/wall")
    tiles = _tiles(look)
    assert [name for name, _, _ in tiles[:4]] == ["orders", "billing", "ledger", "legacy"]
    areas = [area for _, area, _ in tiles]
    assert areas[0] > 1.2 * max(areas[1:])
    assert areas[3] == min(areas[:4])


def test_what_turns_the_direction_of_text_is_shown_as_a_code(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(hostile(time.time())).url}/wall")
    text = look.page.inner_text("main")
    assert "<img src=x" in text
    assert "\u202e" not in text
    assert look.page.locator("main img, main script").count() == 0


def test_one_cluster_can_be_shown_alone(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(many(time.time())).url}/wall?cluster=billing")
    assert [name for name, _, _ in _tiles(look)] == ["billing"]


def test_in_turn_others_stand_large(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(well(time.time())).url}/wall?rotate=5s")
    first = look.page.inner_text(".large .name")
    look.until(
        f"() => document.querySelector('.large .name').textContent !== '{first}'", 15 + SLACK, "another is large"
    )


def test_what_happens_shows_by_itself(serve: Serve, looking: Looking) -> None:
    served = serve(well(time.time()))
    look = looking(f"{served.url}/wall")
    assert look.page.inner_text("h1") == "all 3 clusters are well"
    assert look.evaluate(COLOURS)["green"] > 0
    served.stage.show(broken_in_two(time.time()))
    look.until("() => document.querySelector('h1').textContent.includes('1 of 3')", 5 + SLACK, "the split shows")
    assert look.page.locator(".groups.split > li").count() == 2
    assert look.faults == []


def test_times_are_local_and_go_on(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(well(time.time())).url}/wall")
    told = look.page.inner_text(".clock")
    here = datetime.now(ZoneInfo(ZONE))
    shown = datetime.strptime(told, "%H:%M:%S").replace(tzinfo=here.tzinfo)
    apart = (here.hour * 3600 + here.minute * 60 + here.second) - (shown.hour * 3600 + shown.minute * 60 + shown.second)
    assert -2 <= apart % 86400 <= SLACK or apart % 86400 >= 86398
    look.until(f"() => document.querySelector('.clock').textContent !== '{told}'", SLACK, "the clock goes")


def test_when_the_agent_is_gone_no_green_is_left(serve: Serve, looking: Looking) -> None:
    served = serve(well(time.time()))
    look = looking(f"{served.url}/wall")
    before = look.evaluate(COLOURS)
    assert (before["grey"], before["green"] > 0) == (False, True)
    look.deaf = True
    served.server.stop()
    look.until("() => document.body.classList.contains('past')", SILENT_SECONDS + SLACK, "the page is of the past")
    assert "This is the past" in look.page.inner_text("#past")
    assert look.page.is_visible("#past")
    after = look.evaluate(COLOURS)
    assert (after["grey"], after["green"]) == (True, 0)


def test_when_polling_has_ended_no_green_is_left_though_the_agent_answers(serve: Serve, looking: Looking) -> None:
    served = serve(well(time.time()))
    look = looking(f"{served.url}/wall")
    served.stage.frozen = time.time() - 100
    look.until("() => document.body.classList.contains('past')", 5 + SLACK, "the page is of the past")
    assert look.page.is_visible("#past")
    assert look.evaluate(COLOURS)["green"] == 0


def test_without_scripts_it_shows_all_the_same(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(broken_in_two(time.time())).url}/wall", java_script_enabled=False)
    assert look.page.inner_text("h1") == "1 of 3 clusters needs a look"
    assert "seen at" in look.page.inner_text(".large .when")
