from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.noticeline import alert

from rabbitwatch.errors import StorageError
from rabbitwatch.model.notice import Reason
from rabbitwatch.notify.ports import Attempt, DeliveryStore, Entry, Result
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.deliveries import SqliteDeliveries

ONE, TWO = alert("A", queue='ord"ers\n🐇'), alert("B")
KEY = '{}:{cluster="orders"}'


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> DeliveryStore:
    return SqliteDeliveries(database)


def attempt(**changes: Any) -> Attempt:
    fields: dict[str, Any] = {
        "id": "1",
        "integration": "team/slack[0]",
        "group_key": KEY,
        "reason": Reason.FIRST,
        "firing": frozenset({ONE.fingerprint}),
        "resolved": frozenset(),
        "began_at": 1000.25,
        "ended_at": None,
        "tries": 0,
        "result": Result.SENDING,
    }
    return Attempt(**fields | changes)


def entry(**changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "integration": "team/slack[0]",
        "group_key": KEY,
        "firing": frozenset({ONE.fingerprint}),
        "resolved": frozenset({TWO.fingerprint}),
        "sent_at": 1001.5,
        "reason": Reason.FIRST,
        "memory": {"ts": "1.2", "channel": "C1"},
    }
    return Entry(**fields | changes)


def test_an_attempt_is_in_doubt_until_it_is_confirmed(store: DeliveryStore) -> None:
    begun = attempt()
    assert store.doubtful(begun.integration, KEY) is None
    store.begin(begun)
    assert store.doubtful(begun.integration, KEY) == begun
    assert store.doubtful(begun.integration, "{}:{}") is None
    assert store.unfinished() == [begun]
    sent = replace(begun, result=Result.SENT, ended_at=1001.5, tries=2)
    store.confirmed(sent, entry(), [ONE, TWO])
    assert store.doubtful(begun.integration, KEY) is None
    assert store.unfinished() == []
    assert store.recent(10) == [sent]
    assert store.entry(begun.integration, KEY) == entry()
    assert store.entries() == [entry()]


def test_one_that_failed_stays_open_and_one_that_is_given_up_does_not(store: DeliveryStore) -> None:
    failed = attempt(result=Result.FAILED, ended_at=1002.0, tries=3, why="no such channel")
    store.begin(attempt())
    store.failed(failed)
    assert store.unfinished() == [failed]
    given_up = replace(failed, result=Result.GIVEN_UP)
    store.failed(given_up)
    assert store.unfinished() == []
    assert store.recent(10) == [given_up]


def test_only_the_newest_attempt_of_a_group_is_open(store: DeliveryStore) -> None:
    store.begin(attempt())
    store.failed(attempt(result=Result.FAILED, ended_at=1001.0))
    newer = attempt(id="2", firing=frozenset({ONE.fingerprint, TWO.fingerprint}))
    other = attempt(id="3", integration="team/email[0]")
    store.begin(newer)
    store.begin(other)
    assert store.unfinished() == [newer, other]
    store.confirmed(replace(newer, result=Result.SENT), entry())
    assert store.unfinished() == [other]
    assert store.doubtful("team/slack[0]", KEY) is None


def test_all_that_a_kill_has_left_since_the_last_confirmation_is_in_doubt(store: DeliveryStore) -> None:
    store.begin(attempt(id="before"))
    store.confirmed(attempt(id="sent", result=Result.SENT), entry())
    for number in (1, 2):
        store.begin(attempt(id=f"killed {number}"))
    store.failed(attempt(id="failed", result=Result.FAILED))
    store.begin(attempt(id="of another", integration="x/file[0]"))
    assert [each.id for each in store.in_doubt()] == ["killed 1", "killed 2", "of another"]
    assert [each.id for each in store.unfinished()] == ["failed", "of another"]


def test_the_newest_attempts_come_first(store: DeliveryStore) -> None:
    for number in range(5):
        store.begin(attempt(id=str(number), began_at=1000.0 - number))
    assert [each.id for each in store.recent(3)] == ["4", "3", "2"]


def test_the_alerts_that_were_told_come_back_once(store: DeliveryStore) -> None:
    both = frozenset({ONE.fingerprint, TWO.fingerprint})
    store.confirmed(attempt(), entry(firing=both), [ONE, TWO])
    store.confirmed(
        attempt(id="2", integration="x/file[0]"), entry(integration="x/file[0]", sent_at=2000.0), [ONE, TWO]
    )
    assert sorted(store.told(), key=lambda each: each.name) == [ONE, TWO]
    store.confirmed(attempt(id="3"), entry(firing=frozenset()), [])
    store.confirmed(attempt(id="4", integration="x/file[0]"), entry(integration="x/file[0]", firing=frozenset()), [])
    assert store.told() == []


def test_what_the_peer_has_sent_is_taken_over_where_it_is_newer(store: DeliveryStore) -> None:
    store.confirmed(attempt(), entry(), [ONE])
    store.adopt(entry(sent_at=1001.5, origin="http://other"))
    assert store.entries() == [entry()]
    newer = entry(sent_at=1002.0, origin="http://other", firing=frozenset({"not a fingerprint"}))
    store.adopt(newer)
    assert store.entries() == [newer]
    foreign = entry(integration="x/file[0]", origin="http://other")
    store.adopt(foreign)
    assert store.entry("x/file[0]", KEY) == foreign


def test_what_is_old_is_forgotten(store: DeliveryStore) -> None:
    store.confirmed(attempt(id="old", result=Result.SENT, ended_at=1001.0), entry(sent_at=1001.0))
    store.confirmed(
        attempt(id="new", integration="x/file[0]", result=Result.SENT, began_at=1.0, ended_at=2000.0),
        entry(integration="x/file[0]", sent_at=2000.0),
    )
    store.begin(attempt(id="lost in a crash long ago"))
    store.prune(1500.0)
    assert [each.id for each in store.recent(10)] == ["new"]
    assert [each.integration for each in store.entries()] == ["x/file[0]"]
    assert store.unfinished() == []


def test_what_cannot_be_read_costs_only_itself(store: DeliveryStore, database: Database) -> None:
    store.confirmed(attempt(), entry(), [ONE])
    with database.transaction() as connection:
        connection.execute("INSERT INTO delivery_entries VALUES ('x', 'y', 1, x'c1', x'00')")
        connection.execute("INSERT INTO delivery_entries VALUES ('x', 'z', 1, x'90', x'')")
    assert store.entries() == [entry()]
    assert store.told() == [ONE]


def test_a_closed_database_is_a_storage_error(store: DeliveryStore, database: Database) -> None:
    database.close()
    with pytest.raises(StorageError):
        store.begin(attempt())
