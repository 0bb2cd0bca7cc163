"""The page over HTTP: whole before the first poll, escaped, without a script of its own inside, and links that lead
somewhere."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.unit.cluster.build import AT, HA_ALL, A, B, C, cluster, healthy, missed, node, objects, queue, sees, split
from tests.unit.web.actions.repairs import FakeRepairs, approval
from tests.unit.web.picture.test_card import firing
from tests.unit.web.prometheus.test_rules import SomeRules
from tests.unit.web.serving import ask
from tests.unit.web.status.made import EVIL, UNPOLLED, Reader, Site, lagging, remembering, seen

from rabbitwatch.errors import StorageError


def read(site: Site, path: str = "/") -> Reader:
    with site.served() as server:
        got = ask(server, path)
    assert got.status == 200
    return Reader(got.body.decode())


def evil() -> Site:
    hostile = seen(
        cluster(
            [node(A, sees({A, B})), node(B, sees({A, B})), node(C, missed(reason=EVIL))],
            objects(queues=(queue(EVIL, A, [B], vhost=EVIL, synchronised=[], messages=5),), policies=(HA_ALL,)),
        ),
        EVIL,
    )
    alert = firing("critical", EVIL, cluster=EVIL)
    told = replace(
        alert.alert,
        annotations={"summary": EVIL, "runbook": f"docs/runbooks/{EVIL}.md", "runbook_url": "javascript:alert(1)"},
    )
    return Site([hostile], alerts=[replace(alert, alert=told)])


@pytest.mark.parametrize(
    "path", ["/", "/?q=script", f"/?cluster={quote(EVIL)}", f"/?q={quote(EVIL)}&cluster={quote(EVIL)}"]
)
def test_hostile_names_stay_text(path: str) -> None:
    with evil().served() as server:
        text = ask(server, path).body.decode()
    page = Reader(text)
    assert [attributes.get("src") for tag, attributes in page.tags if tag == "script"] == ["assets/status.js"]
    assert "\u202e" not in re.sub(r'value="[^"]*"', "", text)
    assert not [link for link in page.links() if "javascript" in link.partition("?")[0]]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_nothing_is_inside_that_the_policy_forbids() -> None:
    site = Site(
        [lagging(), seen(split(), "billing")],
        alerts=[firing("critical")],
        window=remembering([{"deep": 1}, {"deep": 2}]),
    )
    with site.served() as server:
        got = ask(server, "/")
    page = Reader(got.body.decode())
    assert "'unsafe-inline'" not in got.headers["content-security-policy"]
    assert not [tag for tag, attributes in page.tags if tag == "style" or "style" in attributes]
    assert all(attributes.get("src") for tag, attributes in page.tags if tag == "script")


def test_ids_are_unique_and_whatever_is_referred_to_is_there() -> None:
    site = Site([lagging(), lagging("billing"), UNPOLLED], alerts=[firing("critical")])
    for path in ("/", "/?q=a"):
        page = read(site, path)
        assert len(set(page.ids)) == len(page.ids)
        named = [str(attributes["aria-labelledby"]) for _, attributes in page.tags if "aria-labelledby" in attributes]
        assert {each for name in named for each in name.split()} <= set(page.ids)
        assert {link[1:] for link in page.links() if link.startswith("#")} <= set(page.ids)


def test_links_lead_to_pages_that_are_there() -> None:
    alert = firing("critical", "RabbitMQClusterSplit")
    told = replace(alert.alert, annotations={"summary": "s", "runbook": "docs/runbooks/RabbitMQClusterSplit.md"})
    site = Site([lagging()], alerts=[replace(alert, alert=told)])
    with site.served() as server:
        page = Reader(ask(server, "/").body.decode())
        links = {link for link in page.links() if not link.startswith("#")}
        assert "runbooks/RabbitMQClusterSplit" in links
        assert not [link for link in links if link.startswith("/")]  # they would break behind a proxy's path
        # those of other parts are served where these are wired; see test_wired.py
        elsewhere = ("silences", "actions", "api/")
        for link in links:
            if not link.startswith(elsewhere):
                assert ask(server, f"/{link.removeprefix('./')}").status == 200, link


def test_before_the_first_poll_it_says_so() -> None:
    page = read(Site([UNPOLLED]))
    assert "dark: nobody knows how it is" in page.text
    assert "the first poll is under way" in page.text
    assert "No rules are loaded" in page.text
    assert "No alert is bound to a repair" in page.text


def test_without_any_cluster_it_stands() -> None:
    assert "No cluster is configured" in read(Site()).text


def test_a_part_that_fails_says_so_and_costs_no_other() -> None:
    class Broken(FakeRepairs):
        def waiting(self) -> list[object]:  # type: ignore[override]
            raise StorageError("the database is locked")

    page = read(Site([lagging()], repairs=Broken()))
    assert "Nothing can be told: the database is locked" in page.text
    assert "risky" in page.text


def test_what_waits_for_an_approval_is_counted_and_its_id_is_not_told() -> None:
    waiting = approval()
    page = read(Site([lagging()], repairs=FakeRepairs(approvals={waiting.id: waiting})))
    assert "1 approval waits" in page.text
    assert not [link for link in page.links() if waiting.id in link]


def test_rules_and_pending_alerts(tmp_path: Path) -> None:
    page = read(Site([lagging()], rules=SomeRules(tmp_path / "rules.yml")))
    assert "2 rules in 2 groups: 1 fail" in page.text
    assert "it failed" in page.text
    assert "QueueDeep" in page.text
    assert "pending" in page.text


def test_it_is_a_page_for_everybody() -> None:
    page = read(Site([lagging()], alerts=[firing("critical")]))
    tags = [tag for tag, _ in page.tags]
    assert (tags.count("h1"), tags.count("main"), tags.count("footer")) == (1, 1, 1)
    live = [tag for tag, attributes in page.tags if attributes.get("aria-live") == "polite"]
    assert live == ["h1"]
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert all({"aria-label", "aria-labelledby"} & set(attributes) for tag, attributes in page.tags if tag == "svg")


def test_a_split_is_drawn_and_said() -> None:
    page = read(Site([seen(split())]))
    assert [attributes for tag, attributes in page.tags if tag == "polyline" and attributes.get("class") == "break"]
    assert "rabbit@a, rabbit@b see each other; rabbit@c sees only itself" in page.text
    assert "does not see it" in page.text


def test_charts_come_from_the_window_and_without_history_it_says_so() -> None:
    with_history = read(Site([lagging()], window=remembering([{"deep": n} for n in range(9)])))
    charts = [attributes["aria-label"] for tag, attributes in with_history.tags if attributes.get("class") == "chart"]
    assert "from 0 to 8 in 2 min, at most 8" in charts
    assert "No history yet" in read(Site([lagging()])).text


def test_the_fragment_is_sent_only_when_it_changed() -> None:
    site = Site([lagging()])
    with site.served() as server:
        first = ask(server, "/?fragment=1")
        again = ask(server, "/?fragment=1", if_none_match=first.headers["etag"])
    assert b"<!doctype" not in first.body
    assert Reader(first.body.decode()).ids[0] == "parts"
    assert (again.status, again.body) == (304, b"")


def test_time_alone_changes_nothing_so_that_nothing_is_sent() -> None:
    site = Site([lagging()], alerts=[firing("critical")])
    with site.served() as server:
        first = ask(server, "/?fragment=1")
    site.now += 7
    with site.served() as server:
        assert ask(server, "/?fragment=1").headers["etag"] == first.headers["etag"]


def test_ten_thousand_queues_fit_on_the_wire() -> None:
    many = tuple(queue(f"shop.orders.{n:05}", A, [B, C], messages=n, synchronised=[B]) for n in range(10_000))
    site = Site([seen(healthy(objects(queues=many, policies=(HA_ALL,))))])
    with site.served() as server:
        for path in ("/", "/?q=shop"):
            got = ask(server, path, accept_encoding="gzip")
            assert len(got.body) < 100_000
            assert b"and 9," in gzip.decompress(got.body)


def test_a_search_works_without_a_script_and_keeps_the_cluster() -> None:
    site = Site([lagging(), lagging("billing")])
    page = read(site, "/?q=risk&cluster=billing")
    assert "1 found for “risk”" in page.text
    fields = {attributes.get("name"): attributes.get("value") for tag, attributes in page.tags if tag == "input"}
    assert fields == {"q": "risk", "cluster": "billing"}


def test_the_page_is_the_present_of_its_clock() -> None:
    site = Site([seen(healthy(), at=AT)], now=AT + 46)
    page = read(site)
    assert "not polled any more" in page.text
    assert "ok" not in [str(attributes.get("class")) for tag, attributes in page.tags if tag == "section"]
