"""The memory of what an Alertmanager has sent: one row a firing alert, for it repeats them after hours only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import msgspec
import structlog

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.storage.database import Database

_log = structlog.get_logger(__name__)

_decode = msgspec.json.Decoder(OutAlert).decode


class SqliteForeignAlerts:
    """Implements actions.ports.ForeignAlertStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, since: float) -> Sequence[OutAlert]:
        """See ForeignAlertStore."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM action_foreign_alerts WHERE updated_at < ?", (since,))
            rows = connection.execute("SELECT fingerprint, alert FROM action_foreign_alerts ORDER BY number").fetchall()
        return list(_readable(rows))

    def change(self, firing: Sequence[OutAlert], over: Collection[str]) -> None:
        """See ForeignAlertStore."""
        rows = [(alert.fingerprint, msgspec.json.encode(alert).decode(), alert.updated_at) for alert in firing]
        with self._database.transaction() as connection:
            # replaced, and not updated, so that its number is the newest
            connection.executemany(
                "INSERT OR REPLACE INTO action_foreign_alerts (fingerprint, alert, updated_at) VALUES (?, ?, ?)", rows
            )
            connection.executemany(
                "DELETE FROM action_foreign_alerts WHERE fingerprint = ?", [(fingerprint,) for fingerprint in over]
            )


def _readable(rows: Sequence[tuple[str, str]]) -> Iterator[OutAlert]:
    for fingerprint, document in rows:
        try:
            yield replace(_decode(document), remarks=())  # a list where it was stored; nobody remarks on these
        except msgspec.DecodeError as error:
            _log.error("an alert of an Alertmanager cannot be read and is left out", alert=fingerprint, why=str(error))
