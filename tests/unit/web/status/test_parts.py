"""The page's lists: the worst first, what is unknown is never 0, and none without an end."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.cluster.build import (
    ABC,
    AT,
    HA_ALL,
    A,
    B,
    C,
    cluster,
    healthy,
    missed,
    node,
    objects,
    queue,
    sees,
    split,
)
from tests.unit.web.picture.test_card import firing, watched
from tests.unit.web.status.made import EVIL, LAGGING, UNPOLLED, lagging, seen, state_of

from rabbitwatch.config.matchers import match_all, parse_matchers
from rabbitwatch.model.broker import Queue
from rabbitwatch.model.cluster import DeclaredPolicyState, Difference, Drift, UnexpectedPolicy
from rabbitwatch.web.picture.card import Level, cards
from rabbitwatch.web.ports import Watched
from rabbitwatch.web.status.alerts import alert_rows, silence_link
from rabbitwatch.web.status.blind import gaps
from rabbitwatch.web.status.layout import DETAILED, Overview, overview
from rabbitwatch.web.status.policies import policies
from rabbitwatch.web.status.queues import DEEPEST, UNHEALTHY, QueueLists, deepest, queue_lists
from rabbitwatch.web.status.search import MOST_QUEUES, found
from rabbitwatch.web.status.trend import NONE, Trends
from rabbitwatch.web.status.words import anchor, number, rate, size


def lists(*queues: Queue) -> QueueLists:
    state = state_of(healthy(objects(queues=queues, policies=(HA_ALL,))))
    return queue_lists(state, deepest(state), NONE)


def page(*told: Watched, only: str = "") -> Overview:
    return overview(cards(told, (), AT + 5), (), Trends(None), only=only)


def test_the_most_messages_at_risk_come_first() -> None:
    made = lists(*LAGGING)
    assert [(row.name, row.at_risk, row.level) for row in made.unhealthy.rows] == [
        ("risky", "2,000", Level.CRITICAL),
        ("lags", "0", Level.WARNING),
    ]
    assert made.unhealthy.rows[0].trouble == "2 of 2 mirrors not synchronised"


def test_lists_of_queues_end() -> None:
    many = [queue(f"q{n:03}", A, [B, C], synchronised=[], messages=n) for n in range(200)]
    made = lists(*many)
    assert (len(made.unhealthy.rows), made.unhealthy.more) == (UNHEALTHY, 200 - UNHEALTHY)
    assert [row.name for row in made.deepest] == [f"q{n:03}" for n in range(199, 199 - DEEPEST, -1)]


def test_a_depth_that_is_not_told_is_no_zero() -> None:
    made = lists(queue("quiet", A, [B, C], synchronised=[], messages=None, messages_ready=None))
    assert made.unhealthy.rows[0].messages == "unknown"
    assert made.deepest == []


def test_sums_are_unknown_where_a_side_did_not_tell() -> None:
    state = state_of(split(objects(queues=LAGGING, policies=(HA_ALL,), component=(A, B))))
    made = queue_lists(state, deepest(state), NONE)
    assert (made.total, made.messages, made.at_risk) == (None, "unknown", "unknown")


def test_what_cannot_be_seen_is_told_with_its_reason() -> None:
    silent = cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed(reason="connection refused"))])
    told = {gap.what: gap.why for gap in gaps(state_of(silent), ()).rows}
    assert told["nodes, overview of rabbit@c"] == "connection refused"
    assert "sums over all queues" in told


def test_drift_shows_what_was_declared_and_what_was_found() -> None:
    changed = DeclaredPolicyState(
        vhost="/",
        name="ha",
        operator=False,
        drift="changed",
        differences=(Difference("definition.ha-mode", "all", None),),
    )
    good, gone = (
        replace(changed, name=name, drift=drift, differences=()) for name, drift in (("ok", ""), ("x", "missing"))
    )
    state = replace(
        state_of(healthy()),
        policies=Drift(
            declared=(changed, good, gone), unexpected=(UnexpectedPolicy("/", "new", False),), undeclared={}
        ),
    )
    made = policies(state)
    assert [(row.name, row.word) for row in made.drifted.rows] == [("ha", "changed"), ("x", "missing")]
    (change,) = made.drifted.rows[0].changes
    assert (change.key, change.declared, change.found) == ("definition.ha-mode", '"all"', "not set")
    assert (made.good, made.declared, made.unexpected.total) == (1, 3, 1)


def test_alerts_the_gravest_first_and_those_that_are_told_before_the_quiet() -> None:
    told = (
        firing("warning", "W"),
        firing("critical", "Q", silenced_by=("1",)),
        firing("critical", "C"),
        firing("info", "I"),
    )
    assert [row.name for row in alert_rows(told, ())] == ["C", "W", "I", "Q"]


def test_an_alert_that_has_ended_is_not_shown() -> None:
    assert alert_rows((firing("critical", ends_at=AT),), ()) == []


@pytest.mark.parametrize("value", ["orders", 'a"b\\c', "a,b={}", "ü\u202e", EVIL])
def test_a_silence_link_fills_the_form_with_this_very_alert(value: str) -> None:
    query = parse_qs(urlsplit(silence_link({"alertname": "Deep", "queue": value})).query)
    asked = tuple(parse_matchers(query["filter"][0]))
    assert match_all(asked, {"alertname": "Deep", "queue": value})
    assert not match_all(asked, {"alertname": "Deep", "queue": f"{value}x"})
    assert not match_all(asked, {"alertname": "Deeper", "queue": value})


def test_labels_that_no_address_can_hold_lead_to_the_empty_form() -> None:
    assert silence_link({"queue": "x" * 5000}) == "silences"


@pytest.mark.parametrize(
    ("clusters", "sentence", "level"),
    [
        ((), "No cluster is watched", Level.UNKNOWN),
        ((watched("a"),), "a is well", Level.OK),
        ((watched("a"), watched("b")), "All 2 clusters are well", Level.OK),
        ((UNPOLLED,), "dark: nobody knows how it is", Level.UNKNOWN),
        ((watched("a"), lagging("b")), "1 of 2 clusters needs a look: b is in danger", Level.CRITICAL),
    ],
)
def test_the_verdict(clusters: tuple[Watched, ...], sentence: str, level: Level) -> None:
    made = page(*clusters)
    assert (made.verdict, made.level) == (sentence, level)


def test_the_worst_cluster_is_the_first_and_not_all_are_shown_in_full() -> None:
    made = page(*(watched(f"w{n}") for n in range(20)), lagging("bad"))
    assert made.panels[0].card.name == "bad"
    assert (len(made.panels), made.listed.total) == (DETAILED, 21)


def test_one_cluster_alone() -> None:
    made = page(watched("a"), lagging("b"), only="a")
    assert ([each.card.name for each in made.panels], made.level) == (["a"], Level.OK)
    assert page(watched("a"), only="no").unknown == "no"


def test_of_an_old_poll_nothing_is_well() -> None:
    made = page(seen(healthy(), at=AT - 999))
    (panel,) = made.panels
    assert made.level is Level.UNKNOWN
    assert panel.inside is not None
    assert {row.dot.level for row in panel.inside.nodes.rows} == {Level.UNKNOWN}


def test_search_finds_by_any_case_and_ends() -> None:
    many = tuple(queue(f"Shop.{n:04}", A) for n in range(300))
    told = cards([seen(healthy(objects(queues=many)))], (), AT)
    rows = alert_rows((firing("critical", "ShopDown"), firing("critical", "Other")), ())
    made = found("shop", told, rows)
    assert (len(made.queues.rows), made.queues.total) == (MOST_QUEUES, 300)
    assert [row.name for row in made.alerts.rows] == ["ShopDown"]
    assert [hit.name for hit in found("@B", told, ()).nodes.rows] == [B]
    assert found("no such thing", told, rows).total == 0


@pytest.mark.parametrize(("value", "text"), [(None, "unknown"), (0, "0 B"), (1536, "1.5 kB"), (200 << 30, "200 GB")])
def test_sizes(value: int | None, text: str) -> None:
    assert size(value) == text


@pytest.mark.parametrize(
    ("slope", "text"),
    [(1234.5, "+1,234 a second"), (1.25, "+1.2 a second"), (0.5, "+30 a minute"), (0.01, "+36 an hour")],
)
def test_rates(slope: float, text: str) -> None:
    assert rate(slope) == text


def test_numbers_and_anchors() -> None:
    assert (number(None), number(1234567)) == ("unknown", "1,234,567")
    assert anchor("cluster", "orders") == "cluster-orders"
    assert len({anchor("cluster", name) for name in ("a b", "a.b", "a_b", "a-b", "<a>", "ab")}) == 6
    assert not set(anchor("cluster", EVIL)) & set(" <>\"'&%#")
