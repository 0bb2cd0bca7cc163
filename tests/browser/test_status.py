"""The status page in a browser, in every state and at every size; and the forms that it leads to."""

from __future__ import annotations

import re
import time

import pytest
from tests.browser.conftest import Serve
from tests.browser.scenes import HOSTILE, SCENES, broken_in_two, lagging, thousands, well
from tests.browser.stage import busy_now
from tests.browser.test_wall import SLACK
from tests.support.chromium import Looking, Scheme
from tests.unit.web.actions.repairs import APPROVAL

from rabbitwatch.web.status.pages import SILENT_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SIZES = {"phone": (360, 740), "laptop": (1440, 900), "1080p": (1920, 1080), "4K": (3840, 2160)}
PAGES = ("/silences", "/actions", "/runbooks", "/runbooks/RabbitMQClusterSplit", f"/actions/approvals/{APPROVAL}")
_GREEN = """() => [...document.querySelectorAll("#parts, #parts *")].filter((each) => {
  for (let box = each; box; box = box.parentElement) {
    if (getComputedStyle(box).filter.includes("grayscale(1)")) return false;
  }
  const style = getComputedStyle(each);
  return [style.fill, style.stroke, style.color, style.borderTopColor, style.backgroundColor].some((colour) => {
    const [red, green, blue] = (colour.match(/[0-9.]+/g) || []).map(Number);
    return green > red + 40 && green > blue + 40;
  });
}).length"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_wider_than_the_window(serve: Serve, looking: Looking, scene: str, size: str) -> None:
    look = looking(f"{serve(SCENES[scene](time.time()), busy_now()).url}/", *SIZES[size])
    assert look.sideways() == []
    assert look.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scene", SCENES)
def test_everybody_can_use_it(serve: Serve, looking: Looking, scene: str, scheme: Scheme) -> None:
    served = serve(SCENES[scene](time.time()), busy_now())
    look = looking(f"{served.url}/", *SIZES["laptop"], scheme)
    assert look.against_accessibility() == []
    assert look.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_the_other_pages(serve: Serve, looking: Looking, path: str, scheme: Scheme) -> None:
    served = serve(broken_in_two(time.time()), busy_now())
    for size in ("phone", "laptop"):
        look = looking(served.url + path, *SIZES[size], scheme)
        assert look.sideways() == []
        assert look.against_accessibility() == []
        assert look.faults == []


def test_names_that_were_chosen_to_break_it_break_nothing(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(SCENES['hostile'](time.time())).url}/?q=img")
    assert look.page.locator("#parts img, #parts script").count() == 0
    text = look.page.inner_text("#parts")
    assert "<img src=x onerror=alert(1)>" in text
    assert "{{ 7*7 }}" in HOSTILE
    assert "{{ 7*7 }}" in text
    assert "\u202e" not in text, "what turns the direction is shown as a code"
    assert look.faults == []


def test_the_worst_cluster_comes_first_and_its_headline_is_the_largest_text(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(SCENES['many'](time.time())).url}/")
    first = look.page.locator("section.cluster").first
    assert "orders" in first.locator("h2").inner_text()
    sizes = look.evaluate(
        """() => [...document.querySelectorAll("section.cluster")[0].querySelectorAll("*")]
          .map((each) => [parseFloat(getComputedStyle(each).fontSize), each.className]).sort((a, b) => b[0] - a[0])"""
    )
    why = look.evaluate("() => parseFloat(getComputedStyle(document.querySelector('section.cluster .why')).fontSize)")
    assert why == sizes[0][0]


def test_a_keyboard_reaches_everything(serve: Serve, looking: Looking) -> None:
    look = looking(f"{serve(lagging(time.time()), busy_now()).url}/", *SIZES["laptop"])
    wanted = look.evaluate(
        """() => { const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary")]
          .filter((each) => each.checkVisibility()); all.forEach((each) => { each.dataset.met = ""; });
          addEventListener("focusin", (event) => { event.target.dataset.met = "1"; }); return all.length; }"""
    )
    look.page.keyboard.press("Tab")
    assert look.page.evaluate("() => document.activeElement.className") == "skip"
    for _ in range(wanted + 60):
        look.page.keyboard.press("Tab")
    missed = look.evaluate("() => [...document.querySelectorAll('[data-met=\"\"]')].map((each) => each.outerHTML)")
    assert missed == []


def test_a_refresh_keeps_focus_typed_text_scroll_and_what_is_open(serve: Serve, looking: Looking) -> None:
    served = serve(well(time.time()))
    look = looking(f"{served.url}/", *SIZES["laptop"])
    look.page.click("#rules-all summary")
    look.evaluate("() => { scrollTo(0, 300); document.querySelector('#rules-all').dataset.mine = '1'; }")
    look.page.focus("#rules-all summary")
    scrolled = look.evaluate("() => scrollY")
    served.stage.show(broken_in_two(time.time()))
    look.until("() => document.querySelector('h1').textContent.includes('1 of 3')", 60 + SLACK, "the split shows")
    assert look.evaluate("() => document.querySelector('#rules-all').open")
    assert look.evaluate("() => document.activeElement.closest('#rules-all') !== null")
    assert scrolled > 0
    assert look.faults == []


def test_typing_searches_and_the_address_can_be_shared(serve: Serve, looking: Looking) -> None:
    served = serve(thousands(time.time()))
    look = looking(f"{served.url}/", *SIZES["laptop"])
    look.page.fill("#q", "tenant-4321")
    look.until("() => document.querySelector('#found')", SLACK, "something is found")
    assert "tenant-4321.events" in look.page.inner_text("#found")
    assert look.evaluate("() => document.activeElement.id") == "q"
    assert look.page.input_value("#q") == "tenant-4321"
    shared = looking(look.page.url, java_script_enabled=False)
    assert "tenant-4321.events" in shared.page.inner_text("#found")


def test_times_are_local(serve: Serve, looking: Looking) -> None:
    served = serve(well(time.time()))
    look = looking(f"{served.url}/")
    shown = look.page.locator("section.cluster time.when").first
    at = shown.get_attribute("data-at")
    local = look.evaluate(f"() => new Date({at} * 1000).toLocaleTimeString([], {{hour: '2-digit', minute: '2-digit'}})")
    assert local in shown.inner_text()
    assert re.search(r"\d+ s ago", shown.inner_text())
    assert "UTC" not in shown.inner_text()


def test_when_the_agent_is_gone_no_green_is_left(serve: Serve, looking: Looking) -> None:
    served = serve(well(time.time()))
    look = looking(f"{served.url}/")
    assert look.evaluate(_GREEN) > 0
    look.deaf = True
    served.server.stop()
    silent = max(SILENT_SECONDS, float(look.evaluate("() => Number(document.body.dataset.silent)")))
    look.until("() => document.body.classList.contains('past')", silent + SLACK, "the page is of the past")
    assert look.page.is_visible("#past")
    assert "This is the past" in look.page.inner_text("#past")
    assert look.evaluate(_GREEN) == 0


def test_a_silence_is_made_by_way_of_an_alerts_button(serve: Serve, looking: Looking) -> None:
    served = serve(lagging(time.time()))
    look = looking(f"{served.url}/", *SIZES["laptop"])
    look.page.get_by_role("link", name="Silence RabbitMQMessagesAtRisk").first.click()
    look.page.fill("#author", "ann")
    look.page.fill("#comment", "known")
    look.page.get_by_role("button", name="Silence", exact=True).click()
    look.page.wait_for_selector("text=The silence stands.")
    (made,) = served.stage.silences.all()
    assert (made.created_by, made.comment) == ("ann", "known")
    look.go(f"{served.url}/")
    assert "silenced by" in look.page.inner_text("#parts")
    assert look.faults == []


def test_an_approval_is_given_on_its_page(serve: Serve, looking: Looking) -> None:
    repairs = busy_now()
    served = serve(lagging(time.time()), repairs)
    look = looking(f"{served.url}/actions", *SIZES["laptop"])
    look.page.get_by_role("link", name="Look at it, then approve or decline").click()
    look.page.fill("#by", "ann")
    look.page.get_by_role("button", name="Approve").click()
    look.page.wait_for_selector("text=Approved")
    assert repairs.approvals[APPROVAL].granted is True
    assert look.faults == []
