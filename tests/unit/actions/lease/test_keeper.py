"""The keeper answers from whoever decides, in time, and calls everything else "not held"."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from rabbitwatch.actions.lease.keeper import WITHIN_SECONDS, Keeper, Standing

OTHER = Standing("lease is held by agent two", elsewhere=True)


class FakeGrip:
    """What it says is what the test has put here; `gate` closed makes it hang."""

    name = "lease of the test"
    every = 3600.0

    def __init__(self) -> None:
        self.says: Callable[[], Standing] = Standing
        self.confirmations = 0
        self.tries = 0
        self.released = 0
        self.threads: set[int] = set()
        self.rests: list[float] = []
        self.hangs = False
        self.gate = threading.Event()
        self.gate.set()
        self._woken = threading.Event()

    def take(self) -> Standing:
        self.tries += 1
        return self._say()

    def confirm(self) -> Standing:
        self.confirmations += 1
        return self._say()

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def release(self) -> None:
        self.threads.add(threading.get_ident())
        self.released += 1

    def _say(self) -> Standing:
        self.threads.add(threading.get_ident())
        self.hangs = not self.gate.is_set()
        self.gate.wait(60)
        self.hangs = False
        return self.says()


class World:
    """A grip and its keeper. skew: seconds by which the clock has jumped."""

    def __init__(self) -> None:
        self.grip = FakeGrip()
        self.skew = 0.0
        self.keeper = Keeper(self.grip, clock=lambda: time.monotonic() + self.skew, jitter=lambda: 0.5)

    def turn(self) -> None:
        """One look more, and wait for its end."""
        before = self.grip.tries + self.grip.confirmations, len(self.grip.rests)
        self.grip.wake()
        wait(lambda: self.grip.tries + self.grip.confirmations > before[0] and len(self.grip.rests) > before[1])


def wait(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.grip.gate.set()
    made.keeper.close()


def test_before_the_beginning_it_is_not_held_and_nobody_is_asked(world: World) -> None:
    assert "has not been asked for yet" in world.keeper.held()
    assert world.grip.tries == 0


def test_the_first_question_waits_for_the_first_try(world: World) -> None:
    world.grip.gate.clear()
    world.keeper.begin()
    threading.Timer(0.2, world.grip.gate.set).start()
    assert world.keeper.held() == ""
    assert world.keeper.last == ""


def test_each_question_is_a_question_to_whoever_decides(world: World) -> None:
    world.keeper.begin()
    assert world.keeper.held() == ""
    for _ in range(4):
        before = world.grip.confirmations
        assert world.keeper.held() == ""
        assert world.grip.confirmations > before


def test_what_was_true_a_moment_ago_is_no_answer(world: World) -> None:
    world.keeper.begin()
    assert world.keeper.held() == ""
    world.grip.says = lambda: OTHER
    assert world.keeper.held() == OTHER.why


def test_an_answer_that_was_under_way_before_the_question_does_not_count(world: World) -> None:
    """The look that runs when the question comes says yes; the one after it says no."""
    world.keeper.begin()
    assert world.keeper.held() == ""
    answers = [Standing(), OTHER]
    world.grip.gate.clear()
    world.grip.wake()
    wait(lambda: world.grip.hangs)
    world.grip.says = lambda: answers.pop(0) if len(answers) > 1 else answers[0]
    threading.Timer(0.3, world.grip.gate.set).start()
    assert world.keeper.held() == OTHER.why


def test_who_hangs_has_not_said_yes(world: World) -> None:
    world.keeper.begin()
    assert world.keeper.held() == ""
    world.grip.gate.clear()
    began = time.monotonic()
    assert "gave no answer within 3 s" in world.keeper.held()
    assert time.monotonic() - began < 3 * WITHIN_SECONDS


def test_an_answer_from_before_a_stop_of_the_process_is_too_old(world: World) -> None:
    world.keeper.begin()
    assert world.keeper.held() == ""

    def stopped_meanwhile() -> Standing:
        world.skew += 60.0
        return Standing()

    world.grip.says = stopped_meanwhile
    assert "gave no answer" in world.keeper.held()


def test_a_bug_is_no_lease_and_what_was_held_is_let_go_of(world: World) -> None:
    def broken() -> Standing:
        raise ZeroDivisionError

    world.keeper.begin()
    assert world.keeper.held() == ""
    world.grip.says = broken
    with capture_logs() as logs:
        assert "because of a bug" in world.keeper.held()
    assert world.grip.released == 1
    assert [line["log_level"] for line in logs].count("error") == 1
    world.grip.says = Standing
    world.turn()
    assert world.keeper.held() == ""


def test_one_thread_alone_touches_the_grip(world: World) -> None:
    world.keeper.begin()
    world.keeper.begin()
    for _ in range(5):
        world.keeper.held()
    world.keeper.close()
    assert len(world.grip.threads) == 1
    assert threading.get_ident() not in world.grip.threads


def test_the_end_lets_go_and_nothing_is_held_after_it(world: World) -> None:
    world.keeper.begin()
    assert world.keeper.held() == ""
    world.keeper.close()
    assert world.grip.released == 1
    assert world.keeper.held() == "this agent is stopping"
    world.keeper.begin()
    assert world.keeper.held() != ""


def test_the_end_does_not_wait_for_who_hangs(world: World) -> None:
    world.grip.gate.clear()
    world.keeper.begin()
    began = time.monotonic()
    world.keeper.close()
    assert time.monotonic() - began < 3 * WITHIN_SECONDS
    assert world.keeper.held() != ""
    world.grip.gate.set()
    wait(lambda: world.grip.released == 1)


def test_what_fails_is_tried_with_growing_pauses_and_who_stands_by_looks_often(world: World) -> None:
    world.grip.says = lambda: Standing("the user is refused")
    world.keeper.begin()
    wait(lambda: len(world.grip.rests) == 1)
    for _ in range(7):
        world.turn()
    assert world.grip.rests == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    world.grip.says = lambda: OTHER
    world.turn()
    assert world.grip.rests[-1] == 2.0
    world.grip.says = lambda: Standing("the user is refused")
    world.turn()
    assert world.grip.rests[-1] == 1.0


def test_each_change_is_one_line(world: World) -> None:
    def told(says: Standing) -> list[str]:
        world.grip.says = lambda: says
        with capture_logs() as logs:
            world.turn()
            world.turn()
        return [f"{line['log_level']} {line['event']}" for line in logs]

    world.grip.says = lambda: OTHER
    with capture_logs() as logs:
        world.keeper.begin()
        wait(lambda: len(world.grip.rests) == 1)
    assert [line["event"] for line in logs] == ["another agent holds the lease: this one does not act"]
    assert told(OTHER) == []
    assert told(Standing()) == ["info this agent holds the lease: it may act"]
    assert told(Standing("the node died")) == ["warning this agent has lost the lease: it does not act any more"]
    assert told(Standing("it is refused")) == ["warning this agent cannot get the lease: it does not act"]
