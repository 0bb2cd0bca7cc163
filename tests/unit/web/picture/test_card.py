"""A cluster's card: the worst thing decides, and what nobody knows is never well."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cluster.build import AT, CONFIG, healthy

from rabbitwatch.cluster.assess import assess
from rabbitwatch.model.cluster import Finding, Severity
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.ports import AlertStatus
from rabbitwatch.web.picture.card import Card, Level, cards, worst
from rabbitwatch.web.ports import Watched

STATE = assess(healthy(), CONFIG)
SPLIT = Finding(Severity.CRITICAL, "split", "orders", "the cluster has fallen into 2 groups")
LAG = Finding(Severity.WARNING, "unsynchronised", "orders", "2 mirrors lag")
NOTE = Finding(Severity.NOTE, "note", "orders", "by the way")


def watched(name: str = "orders", **more: Any) -> Watched:
    told: dict[str, Any] = {
        "interval": 15.0,
        "polled": True,
        "trouble": "",
        "state": STATE,
        "findings": (),
        "sentence": "all see each other",
    }
    return Watched(name=name, **(told | more))


def firing(
    severity: str, name: str = "Alert", *, cluster: str = "orders", since: float = AT, **more: Any
) -> AlertStatus:
    labels = {"alertname": name, "severity": severity, "cluster": cluster}
    quiet: dict[str, Any] = {"silenced_by": (), "inhibited_by": (), "muted_by": (), "state": "active"}
    alert = OutAlert(
        labels=labels,
        annotations={"summary": f"{name} of {cluster}"},
        starts_at=since,
        ends_at=more.pop("ends_at", None),
        updated_at=AT,
    )
    return AlertStatus(alert=alert, receivers=(), **(quiet | more))


def one(told: Watched, *alerts: AlertStatus, now: float = AT + 5) -> Card:
    return cards([told], alerts, now)[0]


@pytest.mark.parametrize(
    ("told", "alerts", "level", "why"),
    [
        (watched(), (), Level.OK, "all see each other"),
        (watched(findings=(NOTE,)), (), Level.OK, "all see each other"),
        (watched(findings=(LAG,)), (), Level.WARNING, "2 mirrors lag"),
        (watched(findings=(SPLIT, LAG)), (), Level.CRITICAL, "the cluster has fallen into 2 groups"),
        (watched(), (firing("warning"),), Level.WARNING, "Alert of orders"),
        (watched(findings=(LAG,)), (firing("critical"),), Level.CRITICAL, "Alert of orders"),
        (watched(), (firing("critical", silenced_by=("1",)),), Level.OK, "all see each other"),
        (watched(findings=(SPLIT,)), (firing("critical", silenced_by=("1",)),), Level.CRITICAL, SPLIT.sentence),
        (watched(), (firing("critical", ends_at=AT),), Level.OK, "all see each other"),
        (watched(), (firing("critical", cluster="other"),), Level.OK, "all see each other"),
        (watched(), (firing("info"), firing("none")), Level.OK, "all see each other"),
        (watched(state=None, polled=False), (), Level.UNKNOWN, "the first poll is under way"),
        (watched(state=None, trouble="it broke"), (), Level.UNKNOWN, "it broke"),
        (watched(state=None), (firing("critical"),), Level.UNKNOWN, "nothing is known"),
    ],
)
def test_the_worst_decides(told: Watched, alerts: tuple[AlertStatus, ...], level: Level, why: str) -> None:
    card = one(told, *alerts)
    assert (card.level, card.why) == (level, why)


@pytest.mark.parametrize(("age", "level"), [(45.0, Level.OK), (45.1, Level.UNKNOWN)])
def test_an_old_poll_is_no_picture_of_now(age: float, level: Level) -> None:
    card = one(watched(), now=STATE.at + age)
    assert card.level is level
    assert card.stale is (level is Level.UNKNOWN)


def test_the_worst_cluster_comes_first() -> None:
    told = [
        watched("b-well"),
        watched("a-well"),
        watched("lags", findings=(LAG,)),
        watched("dark", state=None),
        watched("split", findings=(SPLIT,)),
    ]
    assert [card.name for card in cards(told, (), AT)] == ["split", "dark", "lags", "a-well", "b-well"]


def test_the_gravest_alert_comes_first_and_the_quiet_last() -> None:
    alerts = [
        firing("warning", "W", since=AT - 9),
        firing("critical", "Young"),
        firing("critical", "Old", since=AT - 60),
        firing("critical", "Hushed", since=AT - 99, silenced_by=("abc",), inhibited_by=("1", "2"), muted_by=("night",)),
    ]
    card = one(watched(), *alerts)
    assert [alert.name for alert in card.alerts] == ["Old", "Young", "W", "Hushed"]
    assert card.alerts[-1].quiet == "silenced by abc, another alert explains it, muted by night"


def test_nothing_at_all_is_well() -> None:
    assert worst(()) is Level.OK
