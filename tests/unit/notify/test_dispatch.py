"""When a group is told, and why: Alertmanager's dispatch and dedup, case by case."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from tests.support.noticeline import SENT, START, Hands, Make, World, alert

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.ports import Entry
from rabbitwatch.notify.receivers.waiting import Ending, Outcome
from rabbitwatch.notify.stages.stage import Flush, Later

HOUR = 3600.0


def test_a_group_is_told_once_after_group_wait_with_all_that_came_meanwhile(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(20)
    world.fire("B")
    world.pass_to(29)
    assert world.hands.said == []
    world.pass_to(299)
    assert world.hands.said == [(30, "first notification", ["A", "B"], [])]


def test_news_waits_for_group_interval_and_says_everything(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(40)
    world.fire("B")
    world.pass_to(329)
    assert len(world.hands.said) == 1
    world.pass_to(600)
    assert world.hands.said[1:] == [(330, "new alerts added", ["A", "B"], [])]


def test_an_alert_that_has_fired_for_longer_than_group_wait_is_told_at_once(make: Make) -> None:
    world = make()
    world.now += 30.5
    old = alert("A", starts_at=START)
    world.alerts[old.fingerprint] = old
    world.tell()
    assert world.hands.said == [(30.5, "first notification", ["A"], [])]


def test_an_old_alert_hurries_a_group_that_was_not_told_yet_but_no_other(make: Make) -> None:
    world = make()
    world.now += 100
    world.fire("New")
    world.tell()
    assert world.hands.said == []
    for name in ("Old", "Older"):
        old = alert(name, starts_at=START)
        world.alerts[old.fingerprint] = old
        world.pass_to(105 if name == "Old" else 110)
    assert world.hands.said == [(105, "first notification", ["New", "Old"], [])]


def test_what_is_over_before_group_wait_is_told_to_nobody(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(20)
    world.resolve("A")
    world.pass_to(HOUR)
    assert world.hands.said == []
    assert world.book.groups() == []
    assert len(world.dispatcher.groups) == 0


def test_the_end_is_told_once_and_the_group_is_gone(make: Make) -> None:
    world = make()
    world.fire("A", "B")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.pass_to(400)
    world.resolve("B")
    world.pass_to(HOUR)
    assert world.hands.said == [
        (30, "first notification", ["A", "B"], []),
        (330, "some alerts resolved", ["B"], ["A"]),
        (630, "all alerts resolved", [], ["B"]),
    ]
    assert len(world.dispatcher.groups) == 0


def test_a_resolved_alert_that_is_evaluated_on_for_15_minutes_makes_no_new_group(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.pass_to(900)
    assert [said[1] for said in world.hands.said] == ["first notification", "all alerts resolved"]


def test_an_alert_that_vanishes_is_over(make: Make) -> None:
    """As when `for` grows at a reload: it is pending again, and nobody says that it has resolved."""
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.forget("A")
    world.pass_to(400)
    assert world.hands.said[1:] == [(330, "all alerts resolved", [], ["A"])]
    assert world.hands.given[-1].notice.alerts[0].ends_at == START + 65


def test_the_same_alert_fires_again_later(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.pass_to(400)
    world.fire("A")
    world.pass_to(500)
    assert [said[0] for said in world.hands.said] == [30, 330, 435]
    assert world.hands.said[-1][1:] == ("new alerts added", ["A"], [])


def test_an_alert_that_flaps_between_two_flushes_is_not_told_again(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.pass_to(120)
    world.fire("A")
    world.pass_to(HOUR)
    assert len(world.hands.said) == 1


def test_what_stands_is_repeated_on_a_tick_after_repeat_interval(make: Make) -> None:
    world = make({"repeat_interval": "7m"})
    world.fire("A")
    world.tell()
    world.pass_to(1500)
    assert world.hands.said == [
        (30, "first notification", ["A"], []),
        (630, "repeat interval elapsed", ["A"], []),  # 330 is too early, and 7 minutes are rounded up to the tick
        (1230, "repeat interval elapsed", ["A"], []),
    ]


def test_the_default_times_are_alertmanagers(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(8.5 * HOUR, step=15)
    assert [round(said[0]) for said in world.hands.said] == [30, 30 + 14700, 30 + 2 * 14700]


def test_who_does_not_hear_of_the_end_hears_of_the_next_beginning(make: Make) -> None:
    world = make()
    world.hands.send_resolved = False
    world.fire("A", "B")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.pass_to(400)
    world.resolve("B")
    world.pass_to(700)
    assert world.hands.said == [(30, "first notification", ["A", "B"], [])]
    assert len(world.dispatcher.groups) == 0
    world.fire("A")
    world.pass_to(800)
    assert world.hands.said[1:] == [(735, "new alerts added", ["A"], [])]


def test_resolved_alerts_are_left_out_of_what_is_told_without_send_resolved(make: Make) -> None:
    world = make()
    world.hands.send_resolved = False
    world.fire("A", "B")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.fire("C")
    world.pass_to(400)
    assert world.hands.said[1:] == [(330, "new alerts added", ["B", "C"], [])]


def test_groups_are_by_label_and_route(make: Make) -> None:
    routes = [{"matchers": ["severity=page"], "receiver": "pager", "group_wait": "5s"}]
    world = make()
    pager = Hands(world, "pager/webhook[0]")
    world.use({"routes": routes}, {"team": [world.hands], "pager": [pager]})
    world.fire("A", "B", cluster="one")
    world.fire("A", cluster="two")
    world.fire("P", cluster="one", severity="page")
    world.tell()
    world.pass_to(60)
    assert [(each.notice.group_key, each.firing) for each in world.hands.given] == [
        ('{}:{cluster="one"}', ["A", "B"]),
        ('{}:{cluster="two"}', ["A"]),
    ]
    assert pager.said == [(5, "first notification", ["P"], [])]
    assert pager.given[0].notice.group_key == '{}/{severity="page"}:{cluster="one"}'
    assert pager.given[0].notice.receiver == "pager"
    assert world.hands.given[0].notice.external_url == "http://agent"


def test_every_integration_of_a_receiver_is_told_on_its_own(make: Make) -> None:
    world = make()
    dead = Hands(world, "team/slack[0]", slow=True)
    world.use({}, {"team": [dead, world.hands]})
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.resolve("A")
    world.pass_to(HOUR)
    assert [said[1] for said in world.hands.said] == ["first notification", "all alerts resolved"]


def test_a_silent_route_counts_time_and_is_told_when_it_may_speak(make: Make) -> None:
    # START is 14:13:20 UTC, and 400 s later it is 14:20
    intervals = [{"name": "lunch", "time_intervals": [{"times": [{"start_time": "14:00", "end_time": "14:20"}]}]}]
    world = make({"mute_time_intervals": ["lunch"]}, intervals=intervals)
    world.fire("A")
    world.tell()
    world.pass_to(399)
    assert world.hands.said == []
    (status,) = world.book.alerts()
    assert (status.state, status.muted_by) == ("suppressed", ["lunch"])
    world.pass_to(700)
    assert world.hands.said == [(630, "first notification", ["A"], [])]


def test_a_route_speaks_only_in_its_active_time(make: Make) -> None:
    intervals = [{"name": "office", "time_intervals": [{"times": [{"start_time": "14:20", "end_time": "15:00"}]}]}]
    world = make({"active_time_intervals": ["office"]}, intervals=intervals)
    world.fire("A")
    world.tell()
    world.pass_to(399)
    assert world.hands.said == []
    assert world.book.alerts()[0].muted_by == ["office"]
    world.pass_to(700)
    assert world.hands.said == [(630, "first notification", ["A"], [])]


def test_an_inhibited_alert_is_told_when_its_reason_is_over(make: Make) -> None:
    rule = {"source_matchers": ["alertname=Down"], "target_matchers": ["alertname=Slow"], "equal": ["cluster"]}
    world = make(inhibit=[rule])
    world.fire("Down", "Slow", cluster="one")
    world.fire("Slow", cluster="two")
    world.tell()
    world.pass_to(60)
    assert sorted(each.notice.group_labels["cluster"] + str(each.firing) for each in world.hands.given) == [
        "one['Down']",
        "two['Slow']",
    ]
    states = {(s.alert.name, s.alert.labels["cluster"]): s.state for s in world.book.alerts()}
    assert states == {("Down", "one"): "active", ("Slow", "one"): "suppressed", ("Slow", "two"): "active"}
    world.resolve("Down")
    world.pass_to(400)
    assert world.hands.said[2:] == [(330, "new alerts added", ["Slow"], ["Down"])]


def test_a_silence_takes_its_alert_out_and_the_rest_is_told(make: Make) -> None:
    world = make()
    world.fire("A", "B")
    world.silenced["A"] = "s1"
    world.tell()
    world.pass_to(60)
    assert world.hands.said == [(30, "first notification", ["B"], [])]
    assert [(s.alert.name, s.state, s.silenced_by) for s in world.book.alerts()] == [
        ("A", "suppressed", ["s1"]),
        ("B", "active", []),
    ]


def test_the_end_of_a_silenced_alert_is_told_when_the_silence_is_over(make: Make) -> None:
    """Alertmanager forgets it: whoever was told that it fires never hears of the end."""
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.silenced["A"] = "s1"
    world.pass_to(120)
    world.resolve("A")
    world.pass_to(HOUR)
    assert len(world.hands.said) == 1
    world.forget("A")
    world.silenced.clear()
    world.pass_to(2 * HOUR)
    assert [said[1:] for said in world.hands.said[1:]] == [("all alerts resolved", [], ["A"])]


def test_a_silence_takes_back_what_still_waits(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.silenced["A"] = "s1"
    world.pass_to(400)
    assert world.hands.waiting == {}
    assert world.lost == []
    world.silenced.clear()
    world.pass_to(700)
    assert [each.attempt for each in world.hands.given] == [world.hands.given[0].attempt] * 2


def test_a_stage_holds_a_flush_back_and_the_next_counts_from_when_it_was_due(make: Make) -> None:
    seen: list[tuple[float, float]] = []

    def turn(flush: Flush) -> Flush | Later:
        seen.append((flush.due - START, flush.now - START))
        return flush if flush.now >= flush.due + 15 else Later(flush.due + 15)

    world = make(stages=[turn])
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.fire("B")
    world.pass_to(400)
    assert seen == [(30, 30), (30, 45), (330, 330), (330, 345)]
    assert [said[0] for said in world.hands.said] == [45, 345]


def test_a_broken_stage_costs_one_group_its_turn_and_others_nothing(make: Make) -> None:
    broken = True

    def stage(flush: Flush) -> Flush:
        if broken and flush.labels["cluster"] == "bad":
            raise RuntimeError("a bug")
        return flush

    world = make(stages=[stage])
    world.fire("A", cluster="bad")
    world.fire("A", cluster="good")
    world.tell()
    world.pass_to(60)
    assert [each.notice.group_labels["cluster"] for each in world.hands.given] == ["good"]
    broken = False
    world.pass_to(400)
    assert [each.notice.group_labels["cluster"] for each in world.hands.given] == ["good", "bad"]


def test_a_clock_that_is_set_back_keeps_no_group_waiting(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.now -= 2 * HOUR
    for _ in range(7):
        world.tell()
        world.now += 5
    assert len(world.hands.said) == 1


def test_a_reload_keeps_what_was_told_and_when_the_next_is_due(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.fire("B")
    world.tell()
    world.use({"group_interval": "5m"})
    world.pass_to(400)
    assert world.hands.said[1:] == [(330, "new alerts added", ["A", "B"], [])]


def test_a_reload_groups_anew(make: Make) -> None:
    world = make()
    world.fire("A", cluster="one", queue="q1")
    world.fire("A", cluster="one", queue="q2")
    world.tell()
    world.pass_to(100)
    world.use({"group_by": ["queue"]})
    world.pass_to(200)
    assert [dict(each.notice.group_labels) for each in world.hands.given] == [
        {"cluster": "one"},
        {"queue": "q1"},
        {"queue": "q2"},
    ]


def test_a_reload_takes_over_what_only_the_groups_remember(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(60)
    world.silenced["A"] = "s1"
    world.resolve("A")
    world.pass_to(100)
    world.forget("A")
    world.pass_to(200)
    world.use({})
    world.silenced.clear()
    world.pass_to(400)
    assert world.hands.said[1:] == [(330, "all alerts resolved", [], ["A"])]


def test_the_book_tells_groups_with_when_they_were_told(make: Make) -> None:
    world = make()
    world.fire("B", "A", cluster="one")
    world.tell()
    (group,) = world.book.groups()
    assert (group.flushed_at, group.next_at - START) == (None, 30)
    world.pass_to(100)
    (group,) = world.book.groups()
    assert (group.receiver, group.route, group.group_key) == ("team", "route", '{}:{cluster="one"}')
    assert [status.alert.name for status in group.alerts] == ["A", "B"]
    assert (group.flushed_at, group.next_at) == (START + 30, START + 330)
    assert group.alerts[0].receivers == ["team"]


def test_a_failure_for_good_is_tried_again_at_the_next_flush_under_the_same_id(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(40)
    world.hands.end(Outcome(ending=Ending.FAILED, tries=1, why="no such channel"))
    world.pass_to(400)
    assert [said[0] for said in world.hands.said] == [30, 330]
    assert world.hands.given[0].attempt == world.hands.given[1].attempt
    world.hands.end(SENT)
    (attempt,) = world.ledger.recent(10)
    assert (attempt.result.value, attempt.tries) == ("sent", 2)


def test_while_it_is_tried_the_same_is_not_handed_over_twice(make: Make) -> None:
    world = make({"repeat_interval": "5m"})
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(HOUR)
    assert len(world.hands.given) == 1


def test_news_replaces_what_still_waits(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.fire("B")
    world.pass_to(400)
    assert [handed.firing for handed in world.hands.given] == [["A"], ["A", "B"]]
    world.hands.end(SENT)
    assert [(a.result.value, len(a.firing)) for a in world.ledger.recent(10)] == [("sent", 2), ("failed", 1)]
    assert world.ledger.unfinished() == []


def test_a_notice_whose_alerts_are_over_before_it_arrives_is_given_up(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.resolve("A")
    world.pass_to(400)
    assert world.lost == ["team/webhook[0]"]
    (attempt,) = world.ledger.recent(10)
    assert (attempt.result.value, attempt.why) == ("given up", "not reached")
    assert len(world.dispatcher.groups) == 0


def test_what_arrives_after_its_alerts_are_over_is_ended_at_once_or_at_the_next_tick(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.hands.withdraw = lambda _: None  # type: ignore[method-assign]  # under way: it cannot be taken back
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.resolve("A")
    world.pass_to(400)
    assert len(world.dispatcher.groups) == 1, "somebody may have to be told that it is over"
    world.hands.end(SENT)
    world.pass_to(700)
    assert world.hands.said[1:] == [(630, "all alerts resolved", [], ["A"])]


@pytest.mark.parametrize("quiet", ["silenced", "over"])
@pytest.mark.parametrize("arrives", [True, False])
def test_what_is_wanted_again_while_it_is_under_way(make: Make, quiet: str, arrives: bool) -> None:
    """It was withdrawn too late to be stopped; then the same is news again before its try has ended."""
    world = make()
    world.hands.slow = True
    world.hands.withdraw = lambda _: None  # type: ignore[method-assign]
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.silenced["A"] = "s1"
    if quiet == "over":
        world.silenced.clear()
        world.resolve("A")
    world.pass_to(400)
    world.silenced.clear()
    world.hands.waiting.clear()  # under way is not waiting
    world.fire("A")
    world.pass_to(700)
    first, second = world.hands.given
    assert first.attempt == second.attempt
    if arrives:
        first.done(SENT)
        second.done(Outcome(ending=Ending.REPLACED, tries=0))
    else:
        first.done(Outcome(ending=Ending.WITHDRAWN, tries=1, why="not reached"))
        second.done(SENT)
    (attempt,) = world.ledger.recent(10)
    assert attempt.result.value == "sent"
    assert world.lost == []
    assert world.ledger.unfinished() == []
    world.pass_to(2000)
    assert len(world.hands.given) == 2


def test_memory_goes_on_while_the_group_fires_and_ends_with_it(make: Make) -> None:
    world = make()
    world.hands.slow = True
    memories = []
    for number, change in enumerate((world.fire, world.fire, world.resolve, world.fire)):
        change("A", "B") if change == world.resolve else change("AB"[number % 2])
        world.tell()
        world.pass_to(world.now - START + 340)
        memories.append(dict(world.hands.given[-1].memory))
        world.hands.end(Outcome(ending=Ending.SENT, tries=1, memory={"ts": str(number)}))
        world.pass_to(world.now - START + 5)
    assert memories == [{}, {"ts": "0"}, {"ts": "1"}, {}]


def test_five_thousand_alerts_are_one_message_a_group(make: Make) -> None:
    world = make({"group_by": ["cluster", "vhost"]})
    alerts = [alert("A", cluster="c", vhost=f"v{n % 20}", queue=f"q{n}") for n in range(5000)]
    world.alerts = {each.fingerprint: each for each in alerts}
    world.tell()
    world.pass_to(31, step=15)
    assert len(world.hands.given) == 20
    told: list[OutAlert] = [each for handed in world.hands.given for each in handed.notice.alerts]
    assert {each.fingerprint for each in told} == set(world.alerts)


def test_after_a_restart_nothing_is_told_twice(make: Make) -> None:
    world = make()
    world.fire("A", "B")
    world.tell()
    world.pass_to(100)
    world.close()
    later = make(at=world.now)
    later.alerts = world.alerts
    later.tell()
    later.pass_to(HOUR)
    assert later.hands.said == []
    later.resolve("A")
    later.pass_to(HOUR + 400)
    assert [said[1:] for said in later.hands.said] == [("some alerts resolved", ["B"], ["A"])]


def test_what_ended_while_the_agent_was_down_is_told_at_once(make: Make) -> None:
    world = make()
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.close()
    later = make(at=world.now + 50)
    later.alerts = {f: replace(each, ends_at=later.now) for f, each in world.alerts.items()}
    later.tell()
    assert later.hands.said == [(150, "all alerts resolved", [], ["A"])]
    later.tell()
    assert len(later.dispatcher.groups) == 0


def test_a_kill_between_begin_and_confirmation_tries_the_same_attempt_again(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(31)
    attempt = world.hands.given[0].attempt
    world.close()
    later = make(at=world.now + 5)
    later.alerts = world.alerts
    later.tell()
    assert [each.attempt for each in later.hands.given] == [attempt]
    assert later.hands.doubts == [("{}:{}", attempt)]
    assert later.hands.said == [(36, "first notification", ["A"], [])]


def test_after_a_kill_a_notice_that_says_more_is_another_attempt_and_the_doubt_is_told(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(31)
    world.close()
    later = make(at=world.now + 5)
    later.alerts = world.alerts
    later.fire("B")
    later.tell()
    (handed,) = later.hands.given
    assert handed.attempt != world.hands.given[0].attempt
    assert later.hands.doubts == [("{}:{}", world.hands.given[0].attempt)]


def test_after_a_kill_the_end_of_what_may_have_been_heard_is_told(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(31)
    world.close()
    later = make(at=world.now + 5)
    later.alerts = {f: replace(each, ends_at=later.now) for f, each in world.alerts.items()}
    later.tell()
    assert later.hands.said == [(36, "all alerts resolved", [], ["A"])]
    assert later.hands.doubts == [("{}:{}", world.hands.given[0].attempt)]
    later.tell()
    assert len(later.dispatcher.groups) == 0


def test_what_was_not_tried_when_the_agent_ended_is_in_no_doubt(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A", cluster="tried")
    world.fire("A", cluster="waiting")
    world.tell()
    world.pass_to(31)
    for handed, tries in zip(world.hands.given, (1, 0), strict=True):
        handed.done(Outcome(ending=Ending.STOPPED, tries=tries))
    world.close()
    later = make(at=world.now + 5)
    later.alerts = world.alerts
    later.tell()
    assert [key for key, _ in later.hands.doubts] == ['{}:{cluster="tried"}']
    assert [each.attempt for each in later.hands.given] == [each.attempt for each in world.hands.given]


def test_after_a_restart_a_notice_that_had_failed_and_is_over_is_given_up(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(31)
    world.hands.end(Outcome(ending=Ending.FAILED, tries=3, why="not reached"))
    world.close()
    later = make(at=world.now + 5)
    later.alerts = {f: replace(each, ends_at=later.now) for f, each in world.alerts.items()}
    later.tell()
    assert later.hands.said == []
    assert later.lost == ["team/webhook[0]"]


def test_what_is_known_is_what_fires_and_what_somebody_waits_to_hear_the_end_of(make: Make) -> None:
    world = make()
    assert world.dispatcher.known is None, "not known before the first evaluation"
    world.tell()
    assert world.dispatcher.known == set()
    world.fire("A", "B")
    names = dict(zip("AB", world.alerts, strict=True))
    world.tell()
    world.pass_to(60)
    world.silenced["A"] = "s1"
    world.resolve("A")
    world.pass_to(120)
    world.forget("A")
    world.pass_to(HOUR)
    assert world.dispatcher.known == set(names.values())
    world.silenced.clear()
    world.pass_to(2 * HOUR)
    assert world.dispatcher.known == {names["B"]}


BY_THE_PEER = ("given up", "the other agent of the pair has told it")


def told_by_the_peer(world: World, *, after: float = 5.0, firing: frozenset[str] | None = None) -> None:
    """It has told of all that this agent has begun to tell, so long after that."""
    (attempt,) = world.ledger.unfinished()
    world.ledger.adopt(
        Entry(
            integration=attempt.integration,
            group_key=attempt.group_key,
            firing=attempt.firing if firing is None else firing,
            resolved=attempt.resolved,
            sent_at=attempt.began_at + after,
            reason=attempt.reason,
            origin="http://other",
        )
    )


def test_what_the_peer_has_told_is_not_tried_on(make: Make) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(100)
    told_by_the_peer(world)
    assert world.hands.waiting == {}
    assert [(each.result.value, each.why) for each in world.ledger.recent(10)] == [BY_THE_PEER]
    assert world.lost == []
    world.pass_to(2000)
    assert len(world.hands.given) == 1


@pytest.mark.parametrize(("after", "firing"), [(-1.0, None), (5.0, frozenset({"another"}))])
def test_what_the_peer_has_told_before_or_otherwise_is_tried_on(
    make: Make, after: float, firing: frozenset[str] | None
) -> None:
    world = make()
    world.hands.slow = True
    world.fire("A")
    world.tell()
    world.pass_to(100)
    told_by_the_peer(world, after=after, firing=firing)
    assert len(world.hands.waiting) == 1


def test_the_peer_may_tell_while_a_receiver_ends_what_it_had(make: Make) -> None:
    """One thread comes from the ledger to the end of the line, the other goes the way back."""
    world = make({"group_by": ["cluster", "alertname"]})
    world.hands.slow = True
    world.fire(*(f"A{number}" for number in range(200)))
    world.tell()
    world.pass_to(100)
    entries = [
        Entry(
            integration=each.integration,
            group_key=each.group_key,
            firing=each.firing,
            resolved=each.resolved,
            sent_at=world.now,
            reason=each.reason,
            origin="http://other",
        )
        for each in world.ledger.unfinished()
    ]
    handed = list(world.hands.waiting.values())
    world.hands.withdraw = lambda _: None  # type: ignore[method-assign]
    peer = threading.Thread(target=lambda: [world.ledger.adopt(entry) for entry in entries], daemon=True)
    lane = threading.Thread(target=lambda: [each.done(SENT) for each in reversed(handed)], daemon=True)
    for thread in (peer, lane):
        thread.start()
    for thread in (peer, lane):
        thread.join(60)
        assert not thread.is_alive(), "they wait for each other"
    assert world.ledger.unfinished() == []


KEY = "team/webhook[0]"


def two_in_retry(make: Make) -> World:
    world = make({"group_by": ["alertname"]})
    world.hands.slow = True
    world.fire("A", "B")
    world.tell()
    world.pass_to(100)
    assert (len(world.hands.waiting), world.idle) == (2, [])
    return world


@pytest.mark.parametrize("ending", [Ending.WITHDRAWN, Ending.FAILED])
def test_nothing_is_left_to_tell_when_the_last_is_given_up(make: Make, ending: Ending) -> None:
    world = two_in_retry(make)
    if ending is Ending.FAILED:
        world.hands.end(Outcome(ending=ending, tries=1, why="no such channel"))
    world.resolve("A")
    world.pass_to(400)
    assert world.idle == [], "B is still to be told"
    world.resolve("B")
    world.pass_to(700)
    assert world.idle == [KEY]


def test_nothing_is_left_to_tell_when_the_last_is_silenced(make: Make) -> None:
    world = two_in_retry(make)
    world.silenced["A"] = world.silenced["B"] = "s1"
    world.pass_to(400)
    assert world.idle == [KEY]
    world.silenced.clear()
    world.pass_to(700)
    assert (len(world.hands.waiting), world.idle) == (2, [KEY])


def test_a_failure_for_good_is_left_to_tell_at_the_next_flush(make: Make) -> None:
    world = two_in_retry(make)
    world.hands.end(Outcome(ending=Ending.FAILED, tries=1, why="no such channel"))
    assert world.idle == []
    world.pass_to(400)
    world.hands.end(SENT)
    assert world.idle == [KEY]
