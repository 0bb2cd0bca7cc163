"""A question is asked once, answered once, and in the audit without what it is answered by."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.actions import Clock
from tests.support.audits import ANSWERS, RULE, STEP, Bench, bench

from rabbitwatch.actions.approvals import Approvals, deed_of
from rabbitwatch.actions.ports import Approval
from rabbitwatch.actions.worker import Worker
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Plan, Target
from rabbitwatch.storage.actions import SqliteApprovals

PLAN = Plan(action="sync_queue", target=Target("orders"), steps=(STEP,))


class World:
    def __init__(self, made: Bench, clock: Clock) -> None:
        self.bench = made
        self.clock = clock
        self.approvals = self.again()

    def again(self) -> Approvals:
        return Approvals(SqliteApprovals(self.bench.database), self.bench.audit, self.clock)

    def ask(self) -> Approval:
        return self.approvals.ask(STEP, PLAN, RULE, ANSWERS, 60.0)

    @property
    def events(self) -> list[str]:
        return [entry.event for entry in self.bench.store.entries()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    with bench(tmp_path, clock) as made:
        yield World(made, clock)


def test_the_same_step_is_asked_about_once(world: World) -> None:
    first = world.ask()
    assert world.ask() == first
    assert world.events == ["awaiting"]
    world.clock.pass_(61)
    assert world.ask() != first


def test_ids_cannot_be_guessed_from_what_is_public(world: World) -> None:
    approval = world.ask()
    assert len(approval.id) >= 32
    assert world.bench.store.entries()[0].deed == deed_of(approval.id)
    assert approval.id not in world.bench.file.read_text()


def test_of_many_who_answer_at_the_same_time_one_counts(world: World) -> None:
    approval, barrier, done = world.ask(), threading.Barrier(6), []

    def answer(number: int) -> None:
        barrier.wait()
        found = world.approvals.answer(approval.id, granted=number % 2 == 0, by=f"p{number}", source="slack")
        done.append(found.decision.done)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count(True) == 1
    assert len(world.events) == 2


def test_an_answer_names_who_gave_it_and_how(world: World) -> None:
    found = world.approvals.answer(world.ask().id, granted=True, by="ann", source="page")
    assert found.approval is not None
    entry = world.bench.store.entries()[-1]
    assert (entry.event, entry.cause.by, entry.cause.alert, entry.text) == (
        "approved",
        "ann",
        RULE.alert,
        "approved by ann (page)",
    )


def test_a_replayed_answer_says_who_was_first(world: World) -> None:
    approval = world.ask()
    world.approvals.answer(approval.id, granted=False, by="ann", source="page")
    again = world.approvals.answer(approval.id, granted=True, by="eve", source="slack")
    assert (again.approval, again.decision.done) == (None, False)
    assert again.decision.text == "it was declined already by ann: this answer changes nothing"


def test_one_that_cannot_be_recorded_grants_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    approval = world.ask()

    def fails(_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(world.bench.store, "append", fails)
    with pytest.raises(StorageError):
        world.approvals.answer(approval.id, granted=True, by="ann", source="page")
    monkeypatch.undo()
    assert world.approvals.answer(approval.id, granted=True, by="ann", source="page").approval is None


def test_forged_ones_are_recorded_now_and_then(world: World) -> None:
    for _ in range(10):
        assert not world.approvals.answer("x", granted=True, by="eve", source="page").decision.done
    world.clock.pass_(61)
    world.approvals.answer("x", granted=True, by="eve", source="page")
    assert world.events == ["forged", "forged"]


def test_what_expires_is_over_and_rests(world: World) -> None:
    approval = world.ask()
    world.clock.pass_(60)
    assert world.approvals.waiting() == []
    assert world.approvals.expire() == [approval]
    assert world.approvals.expire() == []
    assert (world.events[-1], world.approvals.rests(STEP, 100.0)) == ("expired", True)
    later = world.again()
    assert not later.rests(STEP, 100.0)
    later.recall(world.bench.store, world.clock.at - 1000)
    assert later.rests(STEP, 100.0)
    world.clock.pass_(101)
    assert not later.rests(STEP, 100.0)


def test_the_end_of_the_alert_takes_it_back_without_a_rest(world: World) -> None:
    approval = world.ask()
    assert world.approvals.withdraw({"other"}) == []
    assert world.approvals.withdraw({RULE.fingerprint}) == [approval]
    assert (world.events[-1], world.approvals.rests(STEP, 100.0)) == ("withdrawn", False)


# -- the thread


def test_jobs_of_one_key_are_one_and_keep_their_turn() -> None:
    done: list[str] = []
    go, ended = threading.Event(), threading.Event()
    worker = Worker("orders", lambda job: job())
    worker.put("first", lambda: bool(go.wait(10)) and None)
    worker.put("walk", lambda: done.append("old"))
    worker.put("order", lambda: done.append("order"))
    worker.put("walk", lambda: done.append("new"))
    worker.put("end", ended.set)
    go.set()
    assert ended.wait(10)
    worker.stop()
    worker.join(10)
    assert done == ["new", "order"]


def test_one_that_comes_after_another_waits_for_its_end() -> None:
    done: list[str] = []
    go, ended = threading.Event(), threading.Event()
    old = Worker("orders", lambda job: job())
    old.put("a", lambda: (bool(go.wait(10)) and done.append("old")) or None)
    new = Worker("orders", lambda job: job(), after=old)
    new.put("b", lambda: (done.append("new"), ended.set())[1])
    old.stop()
    assert not ended.wait(0.2)
    go.set()
    assert ended.wait(10)
    assert done == ["old", "new"]
    new.stop()
