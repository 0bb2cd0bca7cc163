from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.model.silence import Silence, SilenceDraft
from rabbitwatch.notify.silences import Silences, SilenceStore
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.silences import SqliteSilenceStore


def silence(name: str, **more: object) -> Silence:
    fields: dict[str, object] = {
        "id": name,
        "matchers": tuple(Matcher("queue", operator, 'a"\n🐇') for operator in Operator),
        "starts_at": 1.001,
        "ends_at": 2.5,
        "created_by": "ann",
        "comment": "why\nnot",
        "updated_at": 1.25,
        "annotations": {"ticket": "7"},
    }
    return Silence(**{**fields, **more})  # type: ignore[arg-type]


def test_everything_comes_back_after_the_file_was_closed(tmp_path: Path) -> None:
    kept = [silence("a"), silence("b", matchers=(Matcher("x", Operator.MATCHES, "y.*"),), annotations={})]
    database = Database.open(tmp_path)
    store: SilenceStore = SqliteSilenceStore(database)
    store.save(kept)
    database.close()
    again = Database.open(tmp_path)
    assert SqliteSilenceStore(again).load() == kept
    again.close()


def test_a_newer_one_takes_the_place_and_the_forgotten_go(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    store = SqliteSilenceStore(database)
    store.save([silence("a"), silence("b")])
    store.save([silence("a", comment="new"), silence("c")])
    store.forget(["b", "never seen"])
    assert store.load() == [silence("a", comment="new"), silence("c")]
    database.close()


def test_what_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    store = SqliteSilenceStore(database)
    store.save([silence("a"), silence("b"), silence("c"), silence("d")])
    with database.transaction() as connection:
        connection.execute("UPDATE silences SET record = '{' WHERE id = 'a'")
        connection.execute("UPDATE silences SET record = '{\"id\": \"b\"}' WHERE id = 'b'")
        connection.execute("UPDATE silences SET record = replace(record, '\"=~\"', '\"~~\"') WHERE id = 'c'")
    with capture_logs() as logs:
        assert store.load() == [silence("d")]
    assert [line["silence"] for line in logs] == ["a", "b", "c"]
    database.close()


def test_what_stands_is_durable_when_set_returns(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    silences = Silences(SqliteSilenceStore(database))
    matchers = (Matcher("queue", Operator.EQUAL, "q"),)
    draft = SilenceDraft(matchers=matchers, starts_at=0, ends_at=9e9, created_by="", comment="")
    made = silences.set(draft)
    with database.transaction() as connection:
        rows = connection.execute("SELECT id FROM silences").fetchall()
    assert rows == [(made.id,)]
    assert Silences(SqliteSilenceStore(database)).all() == [made]
    database.close()
