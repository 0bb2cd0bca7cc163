from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.noticeline import START, alert

from rabbitwatch.config.notices import RouteConfig
from rabbitwatch.notify.groups import Groups
from rabbitwatch.notify.routing import Routing, build

Owe = set[tuple[str, str, str]]


@pytest.fixture
def owed() -> Owe:
    return set()


@pytest.fixture
def make(owed: Owe) -> Callable[..., Groups]:
    def one(**route: object) -> Groups:
        config = RouteConfig.model_validate({"receiver": "team", "group_by": ["cluster"], **route})
        return Groups(Routing(build(config)), lambda *what: what in owed)

    return one


def test_without_a_route_there_are_no_groups(owed: Owe) -> None:
    groups = Groups(Routing(None), lambda *_: True)
    groups.update([alert("A")], START)
    assert list(groups) == []
    assert groups.next_at is None
    assert [each.name for each in groups.known.values()] == ["A"]


def test_alerts_are_listed_firing_first_then_by_name_and_labels(make: Callable[..., Groups], owed: Owe) -> None:
    groups = make()
    over = alert("A", cluster="c")
    owed.add(("team", '{}:{cluster="c"}', over.fingerprint))
    groups.update(
        [
            replace(over, ends_at=START),
            alert("B", cluster="c", queue="2"),
            alert("B", cluster="c", queue="1"),
            alert("A", cluster="c", vhost="/"),
        ],
        START,
    )
    (group,) = groups
    assert [(each.name, each.resolved) for each in group.listed()] == [
        ("A", False),
        ("B", False),
        ("B", False),
        ("A", True),
    ]
    assert [each.labels.get("queue") for each in group.listed()[1:3]] == ["1", "2"]


def test_what_is_due_comes_in_its_order_and_once(make: Callable[..., Groups]) -> None:
    groups = make()
    groups.update([alert("A", cluster="late", starts_at=START + 10)], START + 10)
    groups.update([alert("A", cluster="late", starts_at=START + 10), alert("A", cluster="now")], START + 35)
    assert groups.next_at == START + 35
    first = groups.due(START + 40)
    assert first is not None
    assert first.labels == {"cluster": "now"}
    groups.again(first, START + 40)
    second = groups.due(START + 40)
    assert second is not None
    assert second.labels == {"cluster": "late"}
    groups.again(second, START + 40)
    assert groups.due(START + 40) is None
    assert groups.next_at == START + 340


def test_an_ended_alert_that_is_owed_opens_its_group_again(make: Callable[..., Groups], owed: Owe) -> None:
    groups, over = make(), replace(alert("A", cluster="c"), ends_at=START + 5)
    groups.update([over], START + 100)
    assert len(groups) == 0
    key = ("team", '{}:{cluster="c"}', over.fingerprint)
    owed.add(key)
    groups.update([over], START + 100)
    (group,) = groups
    assert groups.due(START + 100) is group
    groups.flushed(group, START + 100, START + 100)
    assert len(groups) == 1
    owed.clear()
    groups.settle("another receiver", group.key)
    assert len(groups) == 1
    groups.settle("team", group.key)
    assert len(groups) == 0
    assert groups.next_at is None


def test_a_late_flush_does_not_make_the_next_ones_bunch_up(make: Callable[..., Groups]) -> None:
    groups = make(group_interval="1m")
    groups.update([alert("A")], START)
    group = groups.due(START + 200)
    assert group is not None
    groups.flushed(group, START + 30, START + 200)
    assert groups.next_at == START + 260


def test_a_new_routing_keeps_the_time_of_a_group_that_stays_the_same(make: Callable[..., Groups]) -> None:
    groups = make()
    groups.update([alert("A")], START)
    group = groups.due(START + 30)
    assert group is not None
    groups.flushed(group, START + 30, START + 30)
    shorter = make(group_interval="1m")
    shorter.take_over(groups, START + 40)
    assert (shorter.next_at, len(shorter)) == (START + 100, 1)
    same = make()
    same.take_over(groups, START + 40)
    assert same.next_at == START + 330


def test_routes_of_alerts_that_are_gone_are_forgotten(make: Callable[..., Groups]) -> None:
    groups = make()
    for number in range(50):
        groups.update([alert("A", queue=str(number))], START + number)
        for group in list(groups):
            groups.flushed(group, START, START + number)
    assert len(groups._ends) <= 2  # what must not grow cannot be seen from outside
