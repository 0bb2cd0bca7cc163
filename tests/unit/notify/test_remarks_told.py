"""A remark goes the way of alerts: told once, at once, to whoever hears of the alert, whatever happens in between."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.support.noticeline import START, Handed, Hands, Make, World, alert

from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.receivers.waiting import Ending, Outcome
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.notify.stages.stage import Flush, Later
from rabbitwatch.notify.wire import Told, entry_document

HOUR = 3600.0
FAILED = Outcome(ending=Ending.FAILED, tries=1, why="not reached")


def say(world: World, said: str, /, name: str = "A", *, loud: bool = True, approval: str = "") -> str:
    """Something is said about the alert of that name; its fingerprint."""
    (about,) = (each.fingerprint for each in world.alerts.values() if each.name == name)
    remark = Remark(id=said, at=world.now, text=said, loud=loud, approval=approval)
    world.remarks.post(about, remark)
    world.tell() if loud else world.dispatcher.comment(about, said)
    return about


def actions(handed: Handed) -> dict[str, str | None]:
    return {each.name: each.annotations.get("action") for each in handed.notice.alerts}


def firing(world: World, *names: str, until: float = 60.0) -> None:
    """These were told as firing."""
    world.fire(*names)
    world.tell()
    world.pass_to(until)
    assert len(world.hands.given) == 1


def test_a_remark_is_told_at_once_and_once(make: Make) -> None:
    world = make()
    firing(world, "A", "B")
    say(world, "would sync 3 queues")
    assert world.hands.said[1:] == [(60, "new remarks on alerts", ["A", "B"], [])]
    assert actions(world.hands.given[1]) == {"A": "would sync 3 queues", "B": None}
    world.pass_to(3 * HOUR)
    assert len(world.hands.given) == 2


def test_it_may_come_with_a_new_alert_and_after_that_the_group_keeps_its_interval(make: Make) -> None:
    world = make()
    firing(world, "A")
    world.fire("B")
    say(world, "first")
    world.fire("C")
    world.tell()
    world.pass_to(600)
    assert world.hands.said[1:] == [
        (60, "new alerts added", ["A", "B"], []),
        (360, "new alerts added", ["A", "B", "C"], []),
    ]


def test_a_group_that_gathers_its_first_alerts_is_not_hurried(make: Make) -> None:
    world = make()
    world.fire("A")
    say(world, "would sync 3 queues")
    world.fire("B")
    world.tell()
    world.pass_to(200)
    assert world.hands.said == [(30, "first notification", ["A", "B"], [])]
    assert actions(world.hands.given[0])["A"] == "would sync 3 queues"


def test_each_remark_is_told_and_a_repeat_shows_the_latest(make: Make) -> None:
    world = make({"repeat_interval": "1h"})
    firing(world, "A")
    say(world, "asks")
    say(world, "acts")
    world.pass_to(HOUR + 1000)
    assert [reason for _, reason, _, _ in world.hands.said[1:]] == ["new remarks on alerts"] * 2 + [
        "repeat interval elapsed"
    ]
    assert [actions(each)["A"] for each in world.hands.given[1:]] == ["asks", "acts", "acts"]


def test_the_end_is_told_with_what_was_done_last_and_the_next_time_it_fires_is_another(make: Make) -> None:
    world = make()
    firing(world, "A")
    say(world, "done")
    world.resolve("A")
    world.pass_to(400)
    assert world.hands.said[-1][1:] == ("all alerts resolved", [], ["A"])
    assert actions(world.hands.given[-1]) == {"A": "done"}
    world.fire("A")
    world.pass_to(800)
    assert world.hands.said[-1][1:] == ("new alerts added", ["A"], [])
    assert actions(world.hands.given[-1]) == {"A": None}
    world.pass_to(3 * HOUR)
    assert len(world.hands.given) == 4


def test_what_is_silenced_is_told_when_the_silence_is_over(make: Make) -> None:
    world = make()
    firing(world, "A", "B")
    world.silenced["A"] = "s1"
    say(world, "acts")
    world.pass_to(1000)
    assert len(world.hands.given) == 1
    del world.silenced["A"]
    world.pass_to(1400)
    assert [actions(each)["A"] for each in world.hands.given[1:]] == ["acts"]


@pytest.mark.parametrize(
    ("route", "more"),
    [
        ({"mute_time_intervals": ["always"]}, {"intervals": [{"name": "always", "time_intervals": [{}]}]}),
        ({}, {"inhibit": [{"source_matchers": ["alertname=Down"], "target_matchers": ["alertname=A"]}]}),
    ],
    ids=["muted", "inhibited"],
)
def test_what_is_muted_or_inhibited_is_not_told(make: Make, route: dict[str, object], more: dict[str, object]) -> None:
    world = make({"group_by": ["alertname"], **route}, **more)
    world.fire("A", "Down")
    world.tell()
    world.pass_to(60)
    say(world, "acts")
    say(world, "by the way", loud=False)
    world.dispatcher.step()
    world.pass_to(1000)
    assert [each for each in world.hands.given if "A" in each.firing] == []
    assert world.hands.comments == []


def test_each_integration_hears_of_it_and_one_that_fails_tries_again(make: Make) -> None:
    world = make()
    other = Hands(world, "team/email[0]", slow=True)
    world.use({}, {"team": [world.hands, other]})
    world.fire("A")
    world.tell()
    world.pass_to(60)
    other.end(Outcome(ending=Ending.SENT, tries=1))
    say(world, "acts")
    other.end(FAILED)
    world.pass_to(400)
    assert [each.notice.reason.value for each in world.hands.given] == ["first notification", "new remarks on alerts"]
    first, second = [each for each in other.given if each.notice.reason.value == "new remarks on alerts"]
    assert first.attempt == second.attempt


@pytest.mark.parametrize("slow", [False, True], ids=["told before the kill", "killed while it is told"])
def test_a_kill_loses_none_and_doubles_none(make: Make, slow: bool) -> None:
    world = make()
    firing(world, "A")
    world.hands.slow = slow
    say(world, "acts")
    assert len(world.hands.given) == 2
    world.close()
    again = make(at=world.now + 1)
    again.alerts = dict(world.alerts)
    again.tell()
    again.pass_to(2 * HOUR)
    assert [actions(each)["A"] for each in again.hands.given] == (["acts"] if slow else [])
    assert [each.attempt for each in again.hands.given] == [world.hands.given[1].attempt] * slow


def test_a_kill_before_anybody_was_told_loses_none(make: Make) -> None:
    world = make()
    firing(world, "A")
    (about,) = world.alerts
    world.remarks.post(about, Remark(id="acts", at=world.now, text="acts", loud=True))
    world.close()
    again = make(at=world.now + 1)
    again.alerts = dict(world.alerts)
    again.tell()
    assert again.hands.said == [(61, "new remarks on alerts", ["A"], [])]


def test_a_restart_does_not_forget_that_it_was_told_however_long_ago(make: Make) -> None:
    world = make({"repeat_interval": "10d"})
    firing(world, "A")
    say(world, "acts")
    world.pass_to(9 * 24 * HOUR, step=HOUR)
    known = world.dispatcher.known
    assert known is not None
    world.ledger.prune(world.now, known)
    world.pass_to(9 * 24 * HOUR + 1000)
    assert len(world.hands.given) == 2


def test_a_reload_tells_nothing_again(make: Make) -> None:
    world = make()
    firing(world, "A")
    say(world, "acts")
    world.use({"group_interval": "1m"}, {"team": [world.hands]})
    world.pass_to(1000)
    assert len(world.hands.given) == 2


def test_while_a_stage_holds_the_group_back_it_stays_held(make: Make) -> None:
    held: list[float] = []

    def hold(flush: Flush) -> Flush | Later:
        if flush.now < flush.due + 10:
            held.append(flush.now)
            return Later(flush.due + 10)
        return flush

    world = make(stages=[hold])
    firing(world, "A")
    say(world, "one")
    say(world, "two")
    world.pass_to(100)
    assert [(at, actions(each)["A"]) for each in world.hands.given[1:] for at in [each.at - START]] == [(70, "two")]


def test_what_is_said_by_the_way_is_told_by_nobody_but_in_threads(make: Make) -> None:
    world = make({"group_by": ["alertname"]})
    world.fire("A", "B")
    world.tell()
    say(world, "too early", loud=False)
    world.dispatcher.step()
    assert world.hands.comments == [], "nobody was told of the alert yet"
    world.pass_to(60)
    given = len(world.hands.given)
    say(world, "40 %", loud=False)
    say(world, "50 %", loud=False)
    world.dispatcher.step()
    assert world.hands.comments == [(60, '{}:{alertname="A"}', "50 %")]
    world.silenced["A"] = "s1"
    say(world, "60 %", loud=False)
    world.dispatcher.step()
    del world.silenced["A"]
    world.resolve("A")
    world.pass_to(1000)
    say(world, "70 %", loud=False)
    world.dispatcher.step()
    assert len(world.hands.comments) == 1
    assert len(world.hands.given) == given + 1, "the end"


def test_the_other_agent_of_a_pair_knows_that_it_was_told(tmp_path: Path) -> None:
    """The one that acts has told; the other takes over both, and adds nothing until it has a remark of its own."""
    worlds = [World(tmp_path / name) for name in ("one", "other")]
    one, other = worlds
    for world in worlds:
        world.fire("A")
    one.tell()
    one.pass_to(60)
    say(one, "acts", approval="q")
    (entry,) = one.ledger.entries()
    exchanges = [
        Exchange(name, 0, world.ledger, Silences(ForgetfulSilenceStore()), now=world.clock, remarks=world.remarks)
        for name, world in zip(("one", "other"), worlds, strict=True)
    ]
    told = exchanges[0].tell()
    assert isinstance(told, Told)
    assert told.entries == [entry_document(entry)]
    exchanges[1].take(told, "http://one")
    other.tell()
    other.pass_to(200)
    assert other.hands.given == []
    (about,) = other.alerts.values()
    (remark,) = other.remarks.on(about).remarks
    assert (remark.text, remark.approval) == ("acts", "q")
    say(other, "acts, too")
    assert [actions(each)["A"] for each in other.hands.given] == ["acts, too"]
    for world in worlds:
        world.close()


def test_whoever_was_asked_hears_that_it_is_answered_and_not_that_it_reads_otherwise(make: Make) -> None:
    world = make()
    firing(world, "A")
    about = say(world, "may I?", approval="q")
    for text, approval in (("may I, within 10 m?", "q"), ("declined", ""), ("declined by bob", "")):
        world.remarks.post(about, Remark(id="may I?", at=START + 60, text=text, loud=True, approval=approval))
        world.tell()
    world.pass_to(1000)
    assert [actions(each)["A"] for each in world.hands.given[1:]] == ["may I?", "declined"]


def test_an_older_agent_of_a_pair_can_read_the_reason(make: Make) -> None:
    world = make()
    firing(world, "A")
    say(world, "acts")
    (entry,) = world.ledger.entries()
    assert entry.reason.value == "new remarks on alerts"
    assert entry_document(entry).reason.value == "new alerts added"


def test_a_group_is_found_by_its_receiver_in_no_time(make: Make) -> None:
    """5,000 groups that each settle once are not 25 million looks."""
    world = make({"group_by": ["..."], "group_wait": "0s"})
    for number in range(5000):
        made = alert("A", queue=str(number))
        world.alerts[made.fingerprint] = made
    world.tell()
    assert len(world.hands.given) == 5000
    began = time.perf_counter()
    world.dispatcher.step()
    assert time.perf_counter() - began < 2.0
