"""One SQLite file that one agent owns: opening, migrating, and running a transaction.

Durability. The journal is a write-ahead log with `synchronous = NORMAL`: a transaction that was committed is in the
kernel's hands, so `kill -9` of the agent at any moment loses nothing, and no commit waits for the disk. Only a power
cut or a kernel crash can lose the last transactions before a checkpoint, never the file's consistency
(https://www.sqlite.org/pragma.html#pragma_synchronous). FULL would cost one fsync per evaluation for that case alone.

Ownership. `locking_mode = EXCLUSIVE` holds the file's lock for as long as it is open, so a second agent on the same
folder is refused; the kernel lets go of the lock with the process, so nothing stale is left behind.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog

from rabbitwatch.errors import StorageError
from rabbitwatch.storage.migrations import MIGRATIONS

FILE = "rabbitwatch.db"

_LOCK_WAIT = 1.0
_BROKEN = ("file is not a database", "malformed", "disk image")

_log = structlog.get_logger(__name__)


class _CorruptError(Exception):
    """The file is no SQLite database, or a damaged one."""


class Database:
    """An open database. Threads share it: a transaction holds the lock for as long as it runs."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.path = path

    @classmethod
    def open(cls, folder: Path) -> Database:
        """Open `folder`'s database, making both where they are missing, and bring its schema up to date.

        A damaged file is moved aside (named in one log line) and a new one begun. Raises StorageError when the folder
        cannot be written, another agent owns the file, or a newer version of the program has made it.
        """
        path = folder / FILE
        _check_folder(folder)
        try:
            return cls(_connect(path), path)
        except _CorruptError as error:
            kept = _move_aside(path)
            _log.error("the database was damaged: moved aside, a new one begun", kept=str(kept), why=str(error))
        try:
            return cls(_connect(path), path)
        except _CorruptError as error:
            raise StorageError(f"{path}: a new database cannot be made here ({error})") from None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits at the end, rolls back on any exception. SQLite's own errors become StorageError."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    self._rollback()
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._rollback()
                raise StorageError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Write what the log holds into the file and let go of it; calling it twice does no harm."""
        with self._lock:
            self._connection.close()

    def _rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"storage.path {folder}: cannot be made ({error.strerror}); choose another folder") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"storage.path {folder}: cannot be written; give it to the agent's user, or choose another")


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StorageError(f"{path}: cannot be opened ({error})") from None
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _translate(error, path) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("COMMIT")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _CorruptError(str(verdict).splitlines()[0])
    _migrate(connection, path)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path}: was made by a newer rabbitwatch (schema {version}, this one knows {len(MIGRATIONS)}); "
            "start the newer version, or move the file away"
        )
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{step};PRAGMA user_version = {number};COMMIT;")


def _translate(error: sqlite3.DatabaseError, path: Path) -> Exception:
    text = str(error)
    if "locked" in text:
        return StorageError(
            f"{path}: another rabbitwatch uses it; stop that one, or give this one its own storage.path"
        )
    if any(mark in text for mark in _BROKEN):
        return _CorruptError(text)
    return StorageError(f"{path}: cannot be used ({text})")


def _move_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        path.replace(kept)
        for suffix in ("-wal", "-shm"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.replace(kept.with_name(kept.name + suffix))
    except OSError as error:
        raise StorageError(f"{path}: is damaged and cannot be moved aside ({error.strerror})") from None
    return kept
