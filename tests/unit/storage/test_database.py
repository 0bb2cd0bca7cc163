from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rabbitwatch.errors import StorageError
from rabbitwatch.storage.database import FILE, Database
from rabbitwatch.storage.migrations import MIGRATIONS


def _put(database: Database, identity: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO alert_groups VALUES (?, 0, ?)", (identity, b"x"))


def _identities(database: Database) -> list[str]:
    with database.transaction() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM alert_groups ORDER BY name")]


def test_makes_the_folder_and_migrates(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "a" / "b")
    with database.transaction() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    _put(database, "one")
    database.close()
    database.close()
    again = Database.open(tmp_path)
    assert _identities(again) == ["one"]
    again.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database.open(tmp_path)

    def fail_half_way() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO alert_groups VALUES ('one', 0, x'00')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert _identities(database) == []
    database.close()


def test_sqlite_errors_are_storage_errors_and_leave_it_usable(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    _put(database, "one")
    with pytest.raises(StorageError, match=r"rabbitwatch\.db: UNIQUE constraint failed"):
        _put(database, "one")
    _put(database, "two")
    assert _identities(database) == ["one", "two"]
    database.close()


def test_a_second_agent_is_refused(tmp_path: Path) -> None:
    first = Database.open(tmp_path)
    with pytest.raises(StorageError, match="another rabbitwatch uses it"):
        Database.open(tmp_path)
    _put(first, "still works")
    first.close()
    Database.open(tmp_path).close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_moved_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    database = Database.open(tmp_path)
    _put(database, "one")
    database.close()
    kept = list(tmp_path.glob(f"{FILE}.damaged-*"))
    assert len(kept) == 1
    assert kept[0].read_bytes() == content


def test_a_damaged_page_is_noticed_at_the_start(tmp_path: Path) -> None:
    database = Database.open(tmp_path)
    for number in range(2000):
        _put(database, f"alert {number:05}")
    database.close()
    raw = bytearray((tmp_path / FILE).read_bytes())
    raw[3 * 4096 : 8 * 4096] = b"\x55" * (5 * 4096)
    (tmp_path / FILE).write_bytes(raw)
    again = Database.open(tmp_path)
    assert _identities(again) == []
    again.close()
    assert list(tmp_path.glob(f"{FILE}.damaged-*"))


def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.commit()
    connection.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StorageError, match="newer rabbitwatch"):
        Database.open(tmp_path)
    assert (tmp_path / FILE).read_bytes()[96:] == before[96:]
    assert not list(tmp_path.glob(f"{FILE}.damaged-*"))


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match=r"storage\.path .*taken: cannot be made") as caught:
        Database.open(tmp_path / "taken")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be written"):
        Database.open(tmp_path)


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from rabbitwatch.storage.database import Database

        database = Database.open(Path(sys.argv[1]))
        for number in range(10**9):
            with database.transaction() as connection:
                connection.execute("INSERT INTO alert_groups VALUES (?, 0, x'00')", (f"{number:09}",))
            print(number, flush=True)
    """)
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = 0
    for line in child.stdout:
        told = int(line)
        if told >= 200:
            break
    child.send_signal(signal.SIGKILL)
    told = max([told, *(int(line) for line in child.stdout.read().split())])
    child.wait()
    database = Database.open(tmp_path)
    assert [int(identity) for identity in _identities(database)][: told + 1] == list(range(told + 1))
    database.close()
