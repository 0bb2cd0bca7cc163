from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rabbitwatch.actions.ports import Pause, PeerStore
from rabbitwatch.model.action import Deed, Outcome
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.peer import SqlitePeerStore

DEED = Deed(
    id="d1", key=("orders", "apply_policy", "\x1b'; --", True, "🐇"), at=100.5, outcome=Outcome.REQUESTED, by="ann"
)
LATER = replace(DEED, id="d2", at=200.0, outcome=Outcome.TIMED_OUT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PeerStore]:
    database = Database.open(tmp_path)
    yield SqlitePeerStore(database)
    database.close()


def test_what_was_told_last_counts(store: PeerStore) -> None:
    store.take([DEED, LATER], None, before=0.0)
    assert store.deeds(0.0) == [LATER, DEED]
    store.take([replace(DEED, outcome=Outcome.DONE)], None, before=0.0)
    assert store.deeds(0.0) == [LATER, replace(DEED, outcome=Outcome.DONE)]
    assert store.deeds(100.5 + 1e-3) == [LATER]


def test_what_is_too_old_goes(store: PeerStore) -> None:
    store.take([DEED, LATER], None, before=0.0)
    store.take([], None, before=150.0)
    assert store.deeds(0.0) == [LATER]


def test_the_pause_is_the_one_that_was_told_last(store: PeerStore) -> None:
    assert store.pause() is None
    assert not store.resume()
    store.take([], Pause("ann", 1.0), before=0.0)
    store.take([], Pause("bob", 2.0), before=0.0)
    assert store.pause() == Pause("bob", 2.0)
    assert store.resume()
    store.take([], Pause("bob", 2.0), before=0.0)
    store.take([], None, before=0.0)
    assert store.pause() is None


def test_all_of_it_outlives_the_agent(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    SqlitePeerStore(database).take([DEED], Pause("ann", 1.0), before=0.0)
    database.close()
    database = Database.open(tmp_path)
    again = SqlitePeerStore(database)
    assert (again.deeds(0.0), again.pause()) == ([DEED], Pause("ann", 1.0))
    database.close()
