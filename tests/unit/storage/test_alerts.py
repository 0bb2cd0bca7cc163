from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.ports import AlertStore, StoredAlert, StoredGroup
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.storage.alerts import SqliteAlertStore
from rabbitwatch.storage.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path)
    yield opened
    opened.close()


def alert(name: str, **more: object) -> Alert:
    fields: dict[str, object] = {
        "labels": LabelSet.of({"alertname": name, "queue": 'ord"ers\n🐇'}),
        "annotations": {"summary": "deep"},
        "state": AlertState.FIRING,
        "value": 1.5,
        "active_at": 1000.25,
    }
    return Alert(**{**fields, **more})  # type: ignore[arg-type]


def group(*alerts: Alert, name: str = "queues", at: float = 2000.5) -> StoredGroup:
    return StoredGroup(name, at, [StoredAlert("rule", each) for each in alerts])


def test_everything_comes_back(database: Database) -> None:
    store: AlertStore = SqliteAlertStore(database)
    saved = group(
        alert("A"),
        alert("B", state=AlertState.PENDING, value=math.inf),
        alert("C", state=AlertState.INACTIVE, fired_at=1001.0, resolved_at=1002.0),
        alert("D", fired_at=1.0, keep_firing_since=2.0, blind_since=3.0),
    )
    store.save(saved)
    assert store.load() == [saved]


def test_nan_comes_back(database: Database) -> None:
    store = SqliteAlertStore(database)
    store.save(group(alert("A", value=math.nan)))
    assert math.isnan(store.load()[0].alerts[0].alert.value)


def test_a_group_is_replaced_as_a_whole_and_others_stay(database: Database) -> None:
    store = SqliteAlertStore(database)
    store.save(group(alert("A"), alert("B")))
    store.save(group(alert("C"), name="other"))
    store.save(group(alert("B"), at=3000.0))
    assert store.load() == [group(alert("C"), name="other"), group(alert("B"), at=3000.0)]
    store.forget(["queues", "never seen"])
    assert store.load() == [group(alert("C"), name="other")]


def test_what_cannot_be_read_costs_only_itself(database: Database) -> None:
    store = SqliteAlertStore(database)
    store.save(group(alert("A")))
    with database.transaction() as connection:
        (blob,) = connection.execute("SELECT alerts FROM alert_groups").fetchone()
        entries = msgspec.msgpack.decode(blob)
        broken = msgspec.msgpack.encode([{"rule": 5}, {**entries[0], "of a later version": 1}, 7])
        connection.execute("UPDATE alert_groups SET alerts = ?", (broken,))
        connection.execute("INSERT INTO alert_groups VALUES ('worse', 1, x'c1')")
    assert store.load() == [group(alert("A")), StoredGroup("worse", 1.0, [])]


def test_a_thousand_alerts_are_saved_in_little_time(database: Database) -> None:
    store = SqliteAlertStore(database)
    many = group(*[alert(f"A{n}") for n in range(1000)])
    began = time.process_time()
    store.save(many)
    assert time.process_time() - began < 0.5
