"""What a person sees of a real cluster, through the whole program: brokers, polls, rules, pages, browser."""

from __future__ import annotations

import pytest
import requests
from tests.browser.test_wall import COLOURS
from tests.cluster.actions.common import in_step, whole
from tests.cluster.api import Api
from tests.cluster.conftest import Lab
from tests.cluster.pages.common import both, says, shows
from tests.cluster.pages.conftest import AT_RISK
from tests.cluster.rules.common import MENDED, ONE, THREE, TWO
from tests.support.agents import AgentProcess
from tests.support.chromium import Look
from tests.support.pictures import Camera
from tests.support.waiting import NOTICED

pytestmark = [pytest.mark.cluster, pytest.mark.browser, pytest.mark.timeout(900)]

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"quotes' \\backslash`",
    "two\nlines",
    "🐇 \u202egpj.exe",
    " ",
    "é" * 127,
)
"""Names of queues that a broker takes; the last has 254 bytes, and 255 are the most."""


@pytest.fixture(autouse=True)
def _well(lab: Lab, agent: AgentProcess, api: Api, camera: Camera) -> None:
    """Each test begins with a cluster that is well, and an agent that has seen that."""
    whole(lab)
    look = camera.open(f"{agent.url}/")
    says(look, "lab is well", MENDED)
    look.page.close()


def test_a_cluster_that_is_well(agent: AgentProcess, lab: Lab, camera: Camera) -> None:
    lab.run("load", "--queues", "6", "--messages", "40", "--consumers", "6", "--rate", "20")
    try:
        status = camera.open(f"{agent.url}/")
        shows(status, "master.6")
        rows = status.page.locator("table.matrix tbody tr").all_inner_texts()
        assert [row.split("\t")[1:] for row in rows] == [
            ["itself", "sees it", "sees it"],
            ["sees it", "itself", "sees it"],
            ["sees it", "sees it", "itself"],
        ]
        assert "Erlang cookies: one for all nodes" in status.page.inner_text("main")
        assert status.page.locator(".nodes tbody tr", has_text="rabbit@rabbit3").inner_text().split("\t")[2] == "ram"
        assert status.against_accessibility() == []
        wall = camera.open(f"{agent.url}/wall", 1920, "dark")
        assert "well" in wall.page.inner_text("h1")
        assert wall.evaluate(COLOURS)["green"] > 0
        assert wall.against_accessibility() == []
        camera.shoot(both(agent, "healthy"))
    finally:
        lab.run("load", "--stop")


def test_mirrors_lag_until_somebody_approves_and_it_is_mended(
    agent: AgentProcess, lab: Lab, api: Api, camera: Camera
) -> None:
    words = ("--messages", "700", "--prefix", "orders.", "--node", "rabbit1")
    lab.run("unsync", "--queues", "1", *words)
    status = camera.open(f"{agent.url}/")
    says(status, "lab is in danger")
    shows(status, "1 approval waits")
    row = status.page.locator("tr", has_text="orders.1").first.inner_text()
    assert "700" in row
    camera.shoot(both(agent, "lagging"), lambda look: shows(look, "700"))

    status.page.get_by_role("link", name="1 approval waits").click()
    status.page.get_by_role("link", name="Look at it, then approve or decline").click()
    camera.shoot({"approval-asked": status.page.url})
    assert status.against_accessibility() == []
    status.page.fill("#by", "ann")
    status.page.get_by_role("button", name="Approve").click()
    status.page.wait_for_selector("text=Approved")
    mended = camera.open(f"{agent.url}/")
    says(mended, "lab is well", MENDED)
    assert in_step(api, "orders.1") == [TWO, THREE]
    camera.shoot({"approval-given": status.page.url}, lambda look: shows(look, "ann"))
    assert status.faults == []


def test_a_silence_is_made_from_an_alert_and_shown_beside_it(agent: AgentProcess, lab: Lab, camera: Camera) -> None:
    lab.run("unsync", "--queues", "1", "--messages", "30", "--prefix", "orders.", "--node", "rabbit1")
    status = camera.open(f"{agent.url}/")
    shows(status, AT_RISK)
    form = status.page.get_by_role("link", name=f"Silence {AT_RISK}").first.get_attribute("href")
    assert form is not None
    camera.shoot({"silence-form": f"{agent.url}/{form.removeprefix('./')}"})
    status.page.get_by_role("link", name=f"Silence {AT_RISK}").first.click()
    status.page.fill("#author", "ann")
    status.page.fill("#comment", "mirrors are rebuilt tonight")
    status.page.get_by_role("button", name="Silence", exact=True).click()
    status.page.wait_for_selector("text=The silence stands.")
    camera.shoot({"silence-made": f"{agent.url}/silences"}, lambda look: shows(look, "mirrors are rebuilt tonight"))
    shows(camera.open(f"{agent.url}/"), "silenced by")
    (made,) = requests.get(f"{agent.url}/api/v2/silences", timeout=30).json()
    assert (made["createdBy"], made["status"]["state"]) == ("ann", "active")
    assert requests.delete(f"{agent.url}/api/v2/silence/{made['id']}", timeout=30).ok


def test_names_that_were_chosen_to_break_a_page(agent: AgentProcess, api: Api, camera: Camera) -> None:
    for name in HOSTILE:
        api.queue(name, node=ONE, messages=2)
    api.policy("<b>ha</b>", ".*", {"ha-mode": "all", "ha-sync-mode": "manual"})
    status = camera.open(f"{agent.url}/")
    for seen in (*HOSTILE[:2], "🐇", r"\x20", HOSTILE[-1][:20]):
        shows(status, seen)
    assert status.page.locator("main img, main script, main b").count() == 0
    text = status.page.inner_text("main")
    assert "\u202e" not in text
    assert "🐇" in text
    assert status.faults == []
    camera.shoot(both(agent, "hostile"))
    found = camera.open(f"{agent.url}/?q=onerror")
    assert "<img src=x onerror=alert(2)>" in found.page.inner_text("#found")
    assert found.faults == []


def test_a_split_shows_while_it_lasts(agent: AgentProcess, lab: Lab, api: Api, camera: Camera) -> None:
    lab.run("load", "--queues", "4", "--messages", "25")
    lab.run("partition", "rabbit3")
    try:
        status = camera.open(f"{agent.url}/")
        says(status, "lab is in danger")
        shows(status, "2 groups that cannot see each other")
        shows(status, "RabbitMQClusterSplit")
        assert [node["partitions"] for node in api.call("GET", "nodes") if node["running"]] == [[], []], (
            "brokers know nothing"
        )
        wall = camera.open(f"{agent.url}/wall", 1920, "dark")
        assert wall.page.locator(".groups.split > li").count() == 2
        camera.shoot(both(agent, "split"))
        assert status.against_accessibility() == []
    finally:
        lab.run("heal", "--rejoin")


def test_when_the_agent_is_killed_nothing_stays_green(agent: AgentProcess, camera: Camera) -> None:
    """The last one: afterwards there is no agent."""
    shots = camera.aim(both(agent, "stopped"))
    for shot in shots:
        assert shot.look.evaluate(COLOURS)["green"] > 0
        shot.look.deaf = True
    agent.kill()

    def past(look: Look) -> None:
        look.until("() => document.body.classList.contains('past')", NOTICED, "the page is of the past")
        assert "This is the past" in look.page.inner_text("#past")

    camera.keep(shots, past)
