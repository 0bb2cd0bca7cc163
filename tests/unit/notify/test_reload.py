"""What becomes of a notice that is being tried while a reload, or a restart, changes where it leads."""

from __future__ import annotations

import pytest
from tests.support.noticeline import SENT, START, Hands, Make, World

from rabbitwatch.notify.receivers.waiting import Ending, Outcome

STOPPED = Outcome(ending=Ending.STOPPED, tries=1, why="not reached")
FAILED = Outcome(ending=Ending.FAILED, tries=1, why="no such channel")
NO_ROUTE = ("given up", "the configuration no longer routes it here")


def in_retry(make: Make) -> tuple[World, Hands]:
    """A alone, told to a receiver that does not take it; and another receiver, which no route leads to yet."""
    world = make()
    world.hands.slow = True
    other = Hands(world, key="other/webhook[0]")
    world.deliver.use({"team": [world.hands], "other": [other]}, "")
    world.fire("A")
    world.tell()
    world.pass_to(100)
    assert len(world.hands.waiting) == 1
    return world, other


def results(world: World) -> list[tuple[str, str]]:
    return [(each.result.value, each.why) for each in world.ledger.recent(10)]


def test_a_route_that_moves_takes_what_is_tried_with_it(make: Make) -> None:
    world, other = in_retry(make)
    world.use({"receiver": "other"})
    assert world.hands.waiting == {}
    world.pass_to(200)
    assert [said[1:] for said in other.said] == [("first notification", ["A"], [])]
    assert results(world) == [("sent", ""), NO_ROUTE]
    assert world.lost == []
    world.resolve("A")
    world.pass_to(2000)
    assert len(world.hands.given) == 1
    assert world.ledger.unfinished() == []


def test_what_is_grouped_anew_is_not_told_by_its_old_group_too(make: Make) -> None:
    world, _ = in_retry(make)
    world.use({"group_by": ["alertname"]})
    world.pass_to(200)
    assert list(world.hands.waiting) == ['{}:{alertname="A"}']
    assert results(world) == [("sending", ""), NO_ROUTE]


def test_what_has_failed_is_not_kept_for_a_route_that_is_gone(make: Make) -> None:
    world, _ = in_retry(make)
    world.hands.end(FAILED)
    world.use({"receiver": "other"})
    world.pass_to(200)
    assert results(world) == [("sent", ""), NO_ROUTE]


def test_an_entry_of_a_receiver_that_is_gone_is_not_tried_on(make: Make) -> None:
    world, other = in_retry(make)
    old, world.hands = world.hands, Hands(world, key="team/file[0]")
    world.use({}, {"team": [world.hands], "other": [other]})
    assert old.waiting == {}
    assert results(world) == [NO_ROUTE]


def test_a_reload_that_leads_where_it_led_takes_nothing_back(make: Make) -> None:
    world, other = in_retry(make)
    world.use({"group_interval": "10m"}, {"team": [world.hands], "other": [other]})
    world.pass_to(2000)
    world.hands.end(SENT)
    assert (len(world.hands.given), results(world)) == (1, [("sent", "")])


def test_another_in_its_place_goes_on_at_once_with_the_same(make: Make) -> None:
    world, other = in_retry(make)
    old, world.hands = world.hands, Hands(world)
    world.use({}, {"team": [world.hands], "other": [other]})
    old.end(STOPPED)
    world.dispatcher.step()
    assert world.hands.said == [(100, "first notification", ["A"], [])]
    assert world.hands.given[0].attempt == old.given[0].attempt
    world.pass_to(2000)
    assert len(world.hands.given) == 1


def test_another_in_its_place_is_told_what_the_line_leaves(make: Make) -> None:
    """What the old one was told may be silenced, over, or no longer all."""
    world, other = in_retry(make)
    old, world.hands = world.hands, Hands(world)
    world.use({}, {"team": [world.hands], "other": [other]})
    world.silenced["A"] = "s1"
    old.end(STOPPED)
    world.pass_to(200)
    assert world.hands.given == []
    world.silenced.clear()
    world.fire("B")
    world.pass_to(2000)
    assert [said[1:] for said in world.hands.said] == [("first notification", ["A", "B"], [])]


def test_another_in_its_place_that_is_told_more_knows_what_is_under_way(make: Make) -> None:
    world, other = in_retry(make)
    old, world.hands = world.hands, Hands(world, slow=True)
    world.use({}, {"team": [world.hands], "other": [other]})
    world.fire("B")
    world.pass_to(400)
    assert [handed.firing for handed in world.hands.given] == [["A", "B"]]
    assert world.hands.doubts == [("{}:{}", old.given[0].attempt)]
    world.fire("C")
    world.pass_to(700)
    assert len(world.hands.given) == 2
    assert len(world.hands.doubts) == 1, "its own it knows"


def test_another_in_its_place_hears_nothing_of_a_group_that_is_elsewhere_now(make: Make) -> None:
    world, other = in_retry(make)
    old, world.hands = world.hands, Hands(world)
    old.withdraw = lambda _: None  # type: ignore[method-assign]  # under way: it cannot be taken back
    world.use({"receiver": "other"}, {"team": [world.hands], "other": [other]})
    old.end(STOPPED)
    world.pass_to(2000)
    assert world.hands.given == []
    assert len(other.given) == 1
    assert world.ledger.unfinished() == []


def test_a_route_that_comes_back_while_it_is_under_way_has_it_told_once(make: Make) -> None:
    world, _ = in_retry(make)
    world.hands.withdraw = lambda _: None  # type: ignore[method-assign]
    world.use({"receiver": "other"})
    world.use({})
    world.hands.waiting.clear()  # under way is not waiting
    world.pass_to(400)
    first, second = world.hands.given
    assert first.attempt == second.attempt
    first.done(SENT)
    second.done(Outcome(ending=Ending.REPLACED, tries=0))
    world.pass_to(2000)
    assert len(world.hands.given) == 2
    assert world.ledger.unfinished() == []


@pytest.mark.parametrize("failed", [True, False])
def test_after_a_restart_what_no_route_leads_to_is_ended(make: Make, failed: bool) -> None:
    world, _ = in_retry(make)
    if failed:
        world.hands.end(FAILED)
    world.close()
    later = make({"group_by": ["alertname"]}, at=world.now)
    later.alerts = world.alerts
    assert len(later.ledger.unfinished()) == 1, "what fires is not known before the first evaluation"
    later.tell()
    later.pass_to(world.now - START + 100)
    assert results(later) == [("sent", ""), NO_ROUTE]
    assert later.lost == []


@pytest.mark.parametrize("ends", [True, False])
def test_nothing_is_left_to_tell_where_no_route_leads(make: Make, ends: bool) -> None:
    world, _ = in_retry(make)
    if ends:
        world.hands.end(FAILED)
    world.use({"receiver": "other"})
    assert world.idle == ["team/webhook[0]"]


@pytest.mark.parametrize("silenced", [True, False])
def test_a_receiver_made_anew_has_the_same_left_to_tell(make: Make, silenced: bool) -> None:
    world, other = in_retry(make)
    old, world.hands = world.hands, Hands(world, slow=True)
    world.use({}, {"team": [world.hands], "other": [other]})
    old.end(STOPPED)
    assert world.idle == []
    if silenced:
        world.silenced["A"] = "s1"
    world.dispatcher.step()
    assert world.idle == (["team/webhook[0]"] if silenced else [])
