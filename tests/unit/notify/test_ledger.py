from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.noticeline import World
from tests.unit.storage.test_deliveries import KEY, attempt, entry

from rabbitwatch.errors import StorageError
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.ports import Result
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.deliveries import SqliteDeliveries

INTEGRATION = "team/slack[0]"


class Disk(SqliteDeliveries):
    """A store whose disk may be full."""

    full = False

    def _writing(self, write: Callable[..., None], *given: Any) -> None:
        if self.full:
            raise StorageError("rabbitwatch.db: database or disk is full")
        write(*given)

    def begin(self, *given: Any) -> None:
        self._writing(super().begin, *given)

    def adopt(self, *given: Any) -> None:
        self._writing(super().adopt, *given)

    def confirmed(self, *given: Any) -> None:
        self._writing(super().confirmed, *given)

    def prune(self, *given: Any) -> None:
        self._writing(super().prune, *given)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    database = Database.open(tmp_path)
    yield Disk(database)
    database.close()


def test_it_answers_from_memory_what_the_store_holds(disk: Disk) -> None:
    first = Ledger(disk)
    first.begin(attempt())
    first.confirmed(attempt(result=Result.SENT), entry())
    first.begin(attempt(id="2", group_key="other"))
    again = Ledger(disk)
    for ledger in (first, again):
        assert ledger.entry(INTEGRATION, KEY) == entry()
        assert ledger.entry(INTEGRATION, "other") is None
        assert ledger.entries() == [entry()]
        assert ledger.doubtful(INTEGRATION, KEY) is None
        assert ledger.doubtful(INTEGRATION, "other") == attempt(id="2", group_key="other")
        assert [each.id for each in ledger.recent(5)] == ["2", "1"]


def test_a_full_disk_is_told_once_and_what_it_missed_is_stored_later(disk: Disk) -> None:
    ledger = Ledger(disk)
    disk.full = True
    with capture_logs() as logs:
        ledger.begin(attempt())
        ledger.confirmed(attempt(result=Result.SENT, ended_at=1.0), entry())
        ledger.begin(attempt(id="2"))
        disk.full = False
        ledger.begin(attempt(id="3", group_key="other"))
    assert [log["log_level"] for log in logs] == ["error", "info"]
    assert "disk is full" in logs[0]["why"]
    assert ledger.failures == 3
    assert ledger.entry(INTEGRATION, KEY) == entry()
    assert Ledger(disk).entry(INTEGRATION, KEY) == entry()
    assert sorted((each.id, each.result.value) for each in disk.recent(5)) == [
        ("1", "sent"),
        ("2", "sending"),
        ("3", "sending"),
    ]


def test_an_older_attempt_that_ends_does_not_close_the_newer(disk: Disk) -> None:
    ledger = Ledger(disk)
    ledger.begin(attempt())
    ledger.begin(attempt(id="2"))
    ledger.failed(attempt(result=Result.GIVEN_UP))
    assert ledger.doubtful(INTEGRATION, KEY) == attempt(id="2")
    ledger.confirmed(attempt(result=Result.SENT), entry())
    assert ledger.doubtful(INTEGRATION, KEY) == attempt(id="2")
    ledger.failed(attempt(id="2", result=Result.GIVEN_UP))
    assert ledger.doubtful(INTEGRATION, KEY) is None
    assert ledger.unfinished() == []


def test_what_the_peer_knows_counts_where_it_is_newer(disk: Disk) -> None:
    ledger = Ledger(disk)
    ledger.confirmed(attempt(), entry())
    ledger.adopt(entry(sent_at=entry().sent_at, origin="peer"))
    assert ledger.entry(INTEGRATION, KEY) == entry()
    newer = replace(entry(), sent_at=entry().sent_at + 1, origin="peer")
    ledger.adopt(newer)
    assert ledger.entry(INTEGRATION, KEY) == newer
    assert disk.entries() == [newer]


def test_what_is_old_is_forgotten(disk: Disk) -> None:
    ledger = Ledger(disk)
    ledger.confirmed(attempt(result=Result.SENT, ended_at=10.0), entry(sent_at=10.0))
    ledger.begin(attempt(id="2", group_key="other"))
    ledger.failed(attempt(id="2", group_key="other", result=Result.FAILED, ended_at=10.0))
    ledger.begin(attempt(id="3", group_key="under way", began_at=100.0))
    ledger.prune(50.0)
    assert ledger.entries() == []
    assert [each.id for each in ledger.unfinished()] == ["3"]
    assert [each.id for each in disk.unfinished()] == ["3"]


def test_that_what_still_fires_was_told_is_not_forgotten(disk: Disk) -> None:
    ledger = Ledger(disk)
    told = entry(sent_at=10.0)
    ledger.confirmed(attempt(result=Result.SENT, ended_at=10.0), told)
    over = replace(told, group_key="over", firing=frozenset())
    ledger.confirmed(attempt(id="2", group_key="over", result=Result.SENT, ended_at=10.0), over)
    ledger.prune(50.0, told.firing | {"another"})
    assert ledger.entries() == disk.entries() == [told]
    ledger.prune(50.0, {"another"})
    assert ledger.entries() == disk.entries() == []


def test_what_a_kill_left_long_ago_is_forgotten_alike_in_memory_and_on_disk(disk: Disk) -> None:
    ledger = Ledger(disk)
    ledger.begin(attempt(began_at=10.0))
    ledger.prune(50.0)
    assert ledger.unfinished() == disk.unfinished() == []


def test_a_full_disk_keeps_no_notice_back(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "log")
    disk = Disk(database)
    disk.full = True
    world = World(tmp_path, store=disk)
    world.fire("A")
    world.tell()
    world.pass_to(100)
    world.resolve("A")
    world.pass_to(700)
    assert [said[1] for said in world.hands.said] == ["first notification", "all alerts resolved"]
    assert world.ledger.failures > 0
    world.close()
    database.close()
