"""The silences' memory: one row each."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from rabbitwatch.model.silence import Silence
from rabbitwatch.storage.database import Database

_log = structlog.get_logger(__name__)


class SqliteSilenceStore:
    """Implements notify.silences.SilenceStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> Sequence[Silence]:
        """See SilenceStore."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT id, record FROM silences ORDER BY id").fetchall()
        return [silence for row in rows if (silence := _readable(*row)) is not None]

    def save(self, silences: Sequence[Silence]) -> None:
        """See SilenceStore."""
        rows = [(silence.id, msgspec.json.encode(silence.record()).decode()) for silence in silences]
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO silences (id, record) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                rows,
            )

    def forget(self, ids: Sequence[str]) -> None:
        """See SilenceStore."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM silences WHERE id = ?", [(each,) for each in ids])


def _readable(silence_id: str, record: str) -> Silence | None:
    try:
        return Silence.of_record(msgspec.json.decode(record))
    except (ValueError, TypeError) as error:  # msgspec.DecodeError is a ValueError
        _log.error("a stored silence cannot be read and is left out", silence=silence_id, why=str(error))
        return None
