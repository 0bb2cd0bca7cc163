from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.audits import NOW, RULE, STEP, Bench, bench

from rabbitwatch.actions.ports import Approval, ApprovalStore, AuditStore, Pause, PauseStore
from rabbitwatch.actions.record import line, sealed
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Cause, Outcome, Plan, Skipped, Target
from rabbitwatch.storage.actions import KEPT_ANSWERED, SqliteApprovals, SqliteAudit, SqlitePause
from rabbitwatch.storage.database import FILE, Database
from rabbitwatch.storage.migrations import MIGRATIONS

QUESTION = Approval(
    id="Zx9",
    cluster="orders",
    digest=STEP.digest,
    summary="synchronise jobs\n\x1b[31m🐇",
    cause=RULE,
    plan=Plan(
        action="resync", target=Target("orders", vhost="/"), steps=(STEP,), skipped=(Skipped("q", "is in step"),)
    ),
    made_at=NOW,
    expires_at=NOW + 1800,
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, Clock()) as found:
        yield found


@pytest.fixture
def approvals(made: Bench) -> ApprovalStore:
    return SqliteApprovals(made.database)


@pytest.fixture
def switch(made: Bench) -> PauseStore:
    return SqlitePause(made.database)


def test_what_waits_is_what_was_asked_for_and_neither_begun_nor_refused(made: Bench) -> None:
    for deed, *events in (
        ("a", "planned"), ("b", "planned", "requested"), ("c", "planned", "refused"), ("d", "awaiting"),
        ("e", "awaiting", "approved"), ("f", "awaiting", "approved", "requested"), ("", "planned"),
    ):  # fmt: skip
        for event in events:
            made.audit.record(event, RULE, deed=deed, step=STEP)
    assert [(each.deed, each.event) for each in made.store.unbegun()] == [("a", "planned"), ("e", "approved")]


def test_an_empty_audit(made: Bench) -> None:
    store: AuditStore = made.store
    assert store.last() is None
    assert (store.entries(), store.lines(), store.deeds(0), store.open()) == ([], [], [], [])


def test_what_became_of_requested_steps(made: Bench) -> None:
    made.deed("d1", Outcome.DONE)
    made.deed("d2", Outcome.STALLED, at="mail")
    made.audit.record("refused", RULE, deed="d4", step=STEP, outcome=Outcome.REFUSED)
    made.deed("d3", None)
    deeds = made.store.deeds(NOW)
    assert [(each.id, each.outcome) for each in deeds] == [
        ("d3", Outcome.REQUESTED),
        ("d2", Outcome.STALLED),
        ("d1", Outcome.DONE),
    ]
    assert deeds[1].key == ("orders", "sync_queue", "/", False, "mail")
    assert deeds[1].by == "RabbitMQMirrorsLag"
    assert [each.id for each in made.store.deeds(deeds[1].at)] == ["d3", "d2"]
    (waiting,) = made.store.open()
    assert (waiting.deed, waiting.event, waiting.step) == ("d3", "requested", STEP)


def test_who_asked_is_the_person_where_no_alert_did(made: Bench) -> None:
    made.audit.record("requested", Cause(source="command", by="anna"), deed="d1", step=STEP)
    assert made.store.deeds(0)[0].by == "anna"


def test_entries_by_cluster_deed_time_and_number(made: Bench) -> None:
    made.deed("d1")
    made.audit.record("planned", RULE, deed="x", step=replace(STEP, cluster="mail"))
    made.audit.record("planned", Cause(source="page", by="anna"), target=Target("mail"))
    made.audit.record("paused", Cause(source="page", by="anna"))
    numbers = lambda **wanted: [each.number for each in made.store.entries(**wanted)]  # noqa: E731 - read like a word
    assert numbers() == [1, 2, 3, 4, 5]
    assert numbers(cluster="mail") == [3, 4]
    assert numbers(cluster="orders") == [1, 2]
    assert numbers(deed="d1") == [1, 2]
    assert numbers(after=2, limit=2) == [3, 4]
    assert numbers(limit=2, newest=True) == [4, 5]
    assert numbers(cluster="mail", limit=1, newest=True) == [4]
    assert numbers(since=NOW + 4) == [4, 5]
    last = made.store.last()
    assert last is not None
    assert last.event == "paused"


def test_a_number_is_taken_once(made: Bench) -> None:
    entry = made.audit.record("planned", RULE)
    with pytest.raises(StorageError):
        made.store.append(entry)
    made.store.add([line(replace(entry, text="another"))])
    assert made.rows == [line(entry)]


@pytest.mark.parametrize("damage", ["no json at all", '{"number": 2}', b"\xff\xfe\x00"])
def test_what_cannot_be_read_is_logged_left_out_and_still_told_to_whoever_verifies(
    made: Bench, damage: str | bytes
) -> None:
    for deed in ("d1", "d2", "d3"):
        made.deed(deed)
    made.sql("UPDATE action_audit SET line = ? WHERE number = 3", damage)
    with capture_logs() as logs:
        assert [each.number for each in made.store.entries()] == [1, 2, 4, 5, 6]
        assert [each.id for each in made.store.deeds(0)] == ["d3", "d1"]
        assert made.store.open() == []
    assert [each["row"] for each in logs] == [3]
    assert [number for number, _ in made.store.lines()] == [1, 2, 3, 4, 5, 6]
    assert "the database, row 3: cannot be read" in made.audit.verify().problems[0]


def test_history_outlives_the_agent(tmp_path: Path) -> None:
    with bench(tmp_path) as first:
        first.deed("d1", None)
    with bench(tmp_path) as second:
        assert [each.deed for each in second.store.open()] == ["d1"]


def test_history_is_had_by_index(made: Bench) -> None:
    """Time is the thing tested: what a scan of all lines could not do."""
    _fill(made, 10_000)
    began = time.perf_counter()
    for _ in range(20):
        made.store.open()
        made.store.deeds(NOW + 10_000 - 100)
        made.store.entries(cluster="orders", limit=10, newest=True)
        made.store.entries(deed="d77")
    assert time.perf_counter() - began < 5
    plans = [
        row[3]
        for query in (
            "SELECT line FROM action_audit WHERE event = 'requested' AND at >= 5",
            "SELECT line FROM action_audit WHERE deed = 'd1' AND event = 'ended'",
            "SELECT line FROM action_audit WHERE cluster = 'orders' ORDER BY number DESC LIMIT 1",
            "SELECT line FROM action_audit WHERE at >= 5",
        )
        for row in _explained(made.database, query)
    ]
    assert all("USING INDEX" in plan for plan in plans), plans


def _fill(made: Bench, count: int) -> None:
    first = made.audit.record("requested", RULE, deed="d0", step=STEP)
    entries = [
        replace(first, number=number, at=NOW + number, deed=f"d{number // 2}", event=("requested", "ended")[number % 2])
        for number in range(2, count)
    ]
    made.store.add([line(sealed(each, str)) for each in entries])


def _explained(database: Database, query: str) -> list[tuple[int, int, int, str]]:
    with database.transaction() as connection:
        return connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()


def test_a_question_is_read_as_it_was_asked(approvals: ApprovalStore) -> None:
    approvals.add(QUESTION)
    assert approvals.get("Zx9") == QUESTION
    assert approvals.waiting() == [QUESTION]
    assert approvals.get("zx9") is None


def test_only_the_first_answer_decides(approvals: ApprovalStore) -> None:
    approvals.add(QUESTION)
    assert approvals.decide("Zx9", granted=True, by="anna", at=NOW + 5)
    assert not approvals.decide("Zx9", granted=True, by="anna", at=NOW + 5)
    assert not approvals.decide("Zx9", granted=False, by="bert", at=NOW + 6)
    assert not approvals.decide("other", granted=True, by="bert", at=NOW + 6)
    assert approvals.waiting() == []
    assert approvals.get("Zx9") == replace(QUESTION, decided_at=NOW + 5, decided_by="anna", granted=True)


def test_one_that_has_expired_can_be_declined_and_never_granted(approvals: ApprovalStore) -> None:
    approvals.add(QUESTION)
    assert not approvals.decide("Zx9", granted=True, by="anna", at=NOW + 1800.1)
    assert approvals.decide("Zx9", granted=False, by="nobody in time", at=NOW + 1800.1)


def test_waiting_ones_come_oldest_first(approvals: ApprovalStore) -> None:
    for number, at in (("b", 2), ("a", 1), ("c", 3)):
        approvals.add(replace(QUESTION, id=number, made_at=NOW + at))
    assert [each.id for each in approvals.waiting()] == ["a", "b", "c"]


def test_answered_questions_go_after_a_while(approvals: ApprovalStore) -> None:
    for name in ("old", "open"):
        approvals.add(replace(QUESTION, id=name))
    approvals.decide("old", granted=False, by="anna", at=NOW + 1)
    approvals.add(replace(QUESTION, id="new", made_at=NOW + KEPT_ANSWERED))
    assert approvals.get("old") is not None
    approvals.add(replace(QUESTION, id="newer", made_at=NOW + KEPT_ANSWERED + 2))
    assert approvals.get("old") is None
    assert [each.id for each in approvals.waiting()] == ["open", "new", "newer"]


def test_a_question_that_cannot_be_read_cannot_be_granted_by_mistake(made: Bench, approvals: ApprovalStore) -> None:
    approvals.add(QUESTION)
    made.sql("UPDATE action_approvals SET plan = '{'")
    with capture_logs() as logs:
        assert approvals.get("Zx9") is None
        assert approvals.waiting() == []
    assert [each["approval"] for each in logs] == ["Zx9", "Zx9"]


def test_ids_are_never_given_twice(approvals: ApprovalStore) -> None:
    approvals.add(QUESTION)
    with pytest.raises(StorageError):
        approvals.add(QUESTION)


def test_the_switch(switch: PauseStore) -> None:
    assert switch.get() is None
    assert not switch.resume()
    assert switch.pause("anna", NOW)
    assert not switch.pause("bert", NOW + 1)
    assert switch.get() == Pause("anna", NOW)
    assert str(switch.get()) == "paused by anna since 2027-01-15 08:00:00 UTC"
    assert switch.resume()
    assert switch.get() is None


def test_the_switch_outlives_the_agent(tmp_path: Path) -> None:
    with bench(tmp_path) as first:
        SqlitePause(first.database).pause("anna", NOW)
    with bench(tmp_path) as second:
        assert SqlitePause(second.database).get() == Pause("anna", NOW)


def test_the_database_of_an_older_version_gets_the_tables(tmp_path: Path) -> None:
    before = next(number for number, step in enumerate(MIGRATIONS) if "action_audit" in step)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as older:
        for step in MIGRATIONS[:before]:
            older.executescript(step)
        older.execute(f"PRAGMA user_version = {before}")
    database = Database.open(tmp_path)
    assert SqliteAudit(database).last() is None
    database.close()
