"""What the other agent of a pair has told of its repairs: so that a restart does not forget it."""

from __future__ import annotations

from collections.abc import Sequence

from rabbitwatch.actions.ports import Pause
from rabbitwatch.model.action import Deed, Outcome
from rabbitwatch.storage.database import Database

_COLUMNS = "id, cluster, action, vhost, operator, object, at, outcome, told_by"


class SqlitePeerStore:
    """Implements actions.ports.PeerStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, deeds: Sequence[Deed], pause: Pause | None, *, before: float) -> None:
        """See PeerStore."""
        rows = [(deed.id, *deed.key, deed.at, deed.outcome.value, deed.by) for deed in deeds]
        with self._database.transaction() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO action_peer_deeds ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                rows,
            )
            connection.execute("DELETE FROM action_peer_deeds WHERE at < ?", (before,))
            connection.execute("DELETE FROM action_peer_pause")
            if pause is not None:
                connection.execute(
                    "INSERT INTO action_peer_pause (only_one, paused_by, paused_at) VALUES (1, ?, ?)",
                    (pause.by, pause.at),
                )

    def deeds(self, since: float) -> Sequence[Deed]:
        """See PeerStore."""
        query = f"SELECT {_COLUMNS} FROM action_peer_deeds WHERE at >= ? ORDER BY at DESC, id"  # noqa: S608 - constants
        with self._database.transaction() as connection:
            rows = connection.execute(query, (since,)).fetchall()
        return [
            Deed(
                id=deed,
                key=(cluster, action, vhost, bool(operator), name),
                at=at,
                outcome=Outcome(outcome),
                by=by,
            )
            for deed, cluster, action, vhost, operator, name, at, outcome, by in rows
        ]

    def pause(self) -> Pause | None:
        """See PeerStore."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT paused_by, paused_at FROM action_peer_pause").fetchone()
        return Pause(*row) if row else None

    def resume(self) -> bool:
        """See PeerStore."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM action_peer_pause").rowcount == 1
