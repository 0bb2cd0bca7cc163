"""A requested step is followed to its end, whatever happens to the cluster meanwhile, and nothing more is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.support.looks import look_at

from rabbitwatch.actions.follow import QUIET, Follow, Followed, target_of
from rabbitwatch.actions.ports import Hand
from rabbitwatch.config.actions import VerifyConfig
from rabbitwatch.model.action import Look, Outcome, Plan, Progress, Reply, Step, Target

BEGIN = 1_700_000_000.0
CALM = look_at({"rabbit@a": "http://a", "rabbit@b": "http://b", "rabbit@c": "http://c"})
LOST = look_at(
    {"rabbit@a": "http://a", "rabbit@b": "http://b", "rabbit@c": "http://c"}, down={"rabbit@c"}, silent={"rabbit@c"}
)

STEP = Step(
    action="sync_queue",
    cluster="lab",
    vhost="/",
    object="q",
    method="POST",
    path="/queues/%2F/q/actions",
    body={"action": "sync"},
    summary="synchronise q",
    before={},
    queues=1,
    messages=100,
)


def copied(messages: int | None, *, done: bool | None = False) -> Progress:
    """A look that shows how many messages are copied; None: it cannot tell."""
    return Progress(done=done, text=f"{messages} copied", measure=messages, after={"copied": messages})


UNKNOWN = copied(None, done=None)
DONE = copied(100, done=True)


@dataclass
class World:
    """A clock that only waiting moves, and an action that says what it is told to, the last word for ever."""

    words: list[Progress]
    looks: Mapping[int, Look] = field(default_factory=dict)
    at: float = BEGIN
    stop_at: float | None = None
    looked: list[tuple[float, Target]] = field(default_factory=list)
    told: list[tuple[float, Progress]] = field(default_factory=list)
    name: str = "sync_queue"

    def look(self, target: Target) -> Look:
        self.looked.append((self.at - BEGIN, target))
        return self.looks.get(len(self.looked) - 1, CALM)

    def plan(self, look: Look, target: Target) -> Plan:
        raise AssertionError("whoever follows plans nothing")

    def run(self, step: Step, hand: Hand) -> Reply:
        raise AssertionError("whoever follows sends nothing")

    def progress(self, step: Step, look: Look) -> Progress:
        assert (step, look.cluster) == (STEP, "lab")
        return self.words[min(len(self.looked), len(self.words)) - 1]

    def wait(self, seconds: float) -> bool:
        assert seconds >= 0
        if self.stop_at is not None and self.at + seconds >= BEGIN + self.stop_at:
            self.at = max(self.at, BEGIN + self.stop_at)
            return True
        self.at += seconds
        return False

    def follow(self, *, requested: float = BEGIN, **verify: Any) -> Followed:
        config = VerifyConfig(**{"interval": 5.0, "stall": 30.0, "timeout": 600.0, **verify})
        return Follow(
            self,
            STEP,
            self,
            config,
            requested=requested,
            tell=lambda progress: self.told.append((self.at - BEGIN, progress)),
            wait=self.wait,
            now=lambda: self.at,
        ).run()


def test_looks_go_on_at_the_interval_until_it_is_done() -> None:
    world = World([copied(10), copied(40), copied(90), DONE])
    assert world.follow() == Followed(outcome=Outcome.DONE, progress=DONE, took=15.0)
    assert [at for at, _ in world.looked] == [0.0, 5.0, 10.0, 15.0]
    assert {target for _, target in world.looked} == {Target("lab", vhost="/", queue="q")}


def test_what_is_done_at_the_first_look_is_not_waited_for() -> None:
    world = World([DONE])
    assert world.follow().outcome is Outcome.DONE
    assert (world.at, world.told) == (BEGIN, [])


def test_without_growth_it_stalls() -> None:
    world = World([copied(10), copied(20), copied(20)])
    assert world.follow() == Followed(outcome=Outcome.STALLED, progress=copied(20), took=35.0)


def test_a_mirror_that_is_emptied_again_is_no_progress() -> None:
    world = World([copied(80), copied(0), copied(10), copied(20), copied(30), copied(40), copied(50), copied(60)])
    assert world.follow().outcome is Outcome.STALLED
    assert world.at == BEGIN + 30.0


def test_a_step_that_never_shows_a_measure_stalls_too() -> None:
    assert World([copied(None, done=False)]).follow().outcome is Outcome.STALLED


def test_slow_growth_is_no_stall_and_ends_with_the_time() -> None:
    world = World([copied(n) for n in range(1000)])
    followed = world.follow()
    assert (followed.outcome, followed.took) == (Outcome.TIMED_OUT, 600.0)


def test_time_in_which_nobody_could_tell_is_no_stall() -> None:
    world = World([copied(10), *[UNKNOWN] * 100, copied(10), DONE])
    assert world.follow().outcome is Outcome.DONE


def test_what_nobody_ever_tells_ends_with_the_time_and_not_as_done() -> None:
    assert World([UNKNOWN]).follow() == Followed(outcome=Outcome.TIMED_OUT, progress=UNKNOWN, took=600.0)


def test_the_last_look_is_at_the_end_of_the_time_and_not_an_interval_later() -> None:
    world = World([copied(n) for n in range(1000)])
    assert world.follow(timeout=12.0, stall=600.0).took == 12.0
    assert [at for at, _ in world.looked] == [0.0, 5.0, 10.0, 12.0]


def test_after_a_restart_the_time_counts_from_the_request() -> None:
    world = World([copied(n) for n in range(1000)])
    assert world.follow(requested=BEGIN - 590.0).took == 600.0
    assert world.at == BEGIN + 10.0


@pytest.mark.parametrize(("word", "outcome"), [(DONE, Outcome.DONE), (copied(10), Outcome.TIMED_OUT)])
def test_after_a_restart_when_time_is_out_there_is_one_look_all_the_same(word: Progress, outcome: Outcome) -> None:
    world = World([word])
    followed = world.follow(requested=BEGIN - 7200.0)
    assert (followed.outcome, followed.took, len(world.looked)) == (outcome, 7200.0, 1)


def test_a_restart_begins_a_new_patience_for_stalls() -> None:
    world = World([copied(10)])
    assert world.follow(requested=BEGIN - 100.0).outcome is Outcome.STALLED
    assert world.at == BEGIN + 30.0


def test_stopping_leaves_the_step_open() -> None:
    world = World([copied(10)], stop_at=7.0)
    followed = world.follow()
    assert (followed.outcome, followed.progress) == (Outcome.REQUESTED, copied(10))
    assert len(world.looked) == 2


def test_a_look_that_was_broken_off_by_the_stop_decides_nothing() -> None:
    world = World([DONE], stop_at=0.0)
    assert world.follow() == Followed(outcome=Outcome.REQUESTED, progress=None, took=0.0)


def test_a_clock_that_is_set_back_breaks_nothing() -> None:
    world = World([DONE], at=BEGIN - 50.0)
    assert world.follow().took == 0.0


def test_figures_alone_are_told_once_a_minute() -> None:
    world = World([copied(n) for n in range(1000)])
    world.follow(timeout=300.0, stall=600.0)
    assert [at for at, _ in world.told] == [0.0, QUIET, 2 * QUIET, 3 * QUIET, 4 * QUIET]


def test_the_same_is_not_told_twice() -> None:
    world = World([copied(10)])
    world.follow(stall=200.0)
    assert [progress for _, progress in world.told] == [copied(10)]


def test_a_lost_node_is_told_at_once_with_its_return_and_looking_goes_on() -> None:
    world = World([copied(10), copied(11), copied(12), copied(13), DONE], looks={1: LOST, 2: LOST})
    assert world.follow().outcome is Outcome.DONE
    assert [at for at, _ in world.told] == [0.0, 5.0, 15.0]
    assert "rabbit@c does not run" in world.told[1][1].text
    assert world.told[1][1].text.startswith("11 copied; meanwhile ")
    assert replace(world.told[1][1], text="") == replace(copied(11), text="")
    assert world.told[2][1] == copied(13)


def test_that_nobody_can_tell_any_more_is_told_at_once() -> None:
    world = World([copied(10), UNKNOWN, copied(11), DONE])
    world.follow()
    assert [at for at, _ in world.told] == [0.0, 5.0, 10.0]


def test_the_end_says_what_is_wrong_with_the_cluster() -> None:
    followed = World([copied(10)], looks=dict.fromkeys(range(100), LOST)).follow()
    assert followed.progress is not None
    assert "rabbit@c does not run" in followed.progress.text


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/queues/%2F/q/actions", Target("lab", vhost="/", queue="q")),
        ("queues/%2F/q/actions", Target("lab", vhost="/", queue="q")),
        ("/api/queues/%2F/q/actions", Target("lab", vhost="/", queue="q")),
        ("/policies/%2F/q", Target("lab", vhost="/", policy="q")),
        ("/operator-policies/%2F/q", Target("lab", vhost="/", policy="q")),
    ],
)
def test_a_step_tells_what_must_be_looked_at(path: str, target: Target) -> None:
    assert target_of(replace(STEP, path=path)) == target


def test_troubles_name_the_worst_few_only() -> None:
    nodes = {f"rabbit@n{n}": f"http://n{n}" for n in range(6)}
    looks = dict.fromkeys(range(2), look_at(nodes, down=set(list(nodes)[1:]), silent=set(list(nodes)[1:])))
    world = World([copied(1), DONE], looks=looks)
    world.follow()
    assert "more)" in world.told[0][1].text
    assert "\n" not in world.told[0][1].text
