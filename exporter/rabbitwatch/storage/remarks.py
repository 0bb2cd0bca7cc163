"""The memory of what was said about alerts: one row an alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from rabbitwatch.model.remark import Remark
from rabbitwatch.storage.database import Database

_log = structlog.get_logger(__name__)

_decode = msgspec.json.Decoder(list[Remark]).decode


class SqliteRemarks:
    """Implements notify.remarks.RemarkStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> Mapping[str, Sequence[Remark]]:
        """See RemarkStore."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT fingerprint, remarks FROM remarks ORDER BY rowid").fetchall()
        return {fingerprint: remarks for fingerprint, document in rows if (remarks := _readable(fingerprint, document))}

    def save(self, fingerprint: str, remarks: Sequence[Remark]) -> None:
        """See RemarkStore."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO remarks (fingerprint, remarks) VALUES (?, ?)",
                (fingerprint, msgspec.json.encode(remarks).decode()),
            )

    def forget(self, fingerprints: Sequence[str]) -> None:
        """See RemarkStore."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM remarks WHERE fingerprint = ?", [(each,) for each in fingerprints])


def _readable(fingerprint: str, document: str) -> Sequence[Remark]:
    try:
        return _decode(document)
    except msgspec.DecodeError as error:
        _log.error("what was said about an alert cannot be read and is left out", alert=fingerprint, why=str(error))
        return ()
