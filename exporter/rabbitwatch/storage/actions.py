"""What repairs must remember: the audit's copy that history is asked of, questions to people, and the pause switch.

A row of the audit is the line as it stands in the file. What is searched by is computed from it by SQLite itself, so
that no column can say what the line does not. Nothing here ever deletes from it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from rabbitwatch.actions.audit import APPROVED, ENDED, PLANNED, REFUSED, REQUESTED
from rabbitwatch.actions.ports import Approval, Entry, Pause
from rabbitwatch.actions.record import entry_of, line
from rabbitwatch.model.action import Cause, Deed, Outcome, Plan, Step
from rabbitwatch.storage.database import Database

KEPT_ANSWERED = 30 * 86400.0
"""How long approvals stay that were answered; the audit has them for good."""

_INSERT = "INSERT INTO action_audit (number, line) VALUES (?, ?)"
_APPROVAL = "id, cluster, digest, summary, cause, plan, made_at, expires_at, decided_at, decided_by, granted"

_DEEDS = """
    SELECT asked.number, asked.line, (
        SELECT ended.outcome FROM action_audit AS ended WHERE ended.deed = asked.deed AND ended.event = :ended
        ORDER BY ended.number DESC LIMIT 1
    )
    FROM action_audit AS asked WHERE asked.event = :requested AND asked.at >= :since
    ORDER BY asked.at DESC, asked.number DESC
"""
_OPEN = """
    SELECT asked.number, asked.line FROM action_audit AS asked WHERE asked.event = :requested AND NOT EXISTS (
        SELECT 1 FROM action_audit AS ended WHERE ended.deed = asked.deed AND ended.event = :ended
    )
    ORDER BY asked.number
"""
_UNBEGUN = """
    SELECT asked.number, asked.line FROM action_audit AS asked
    WHERE asked.event IN (:planned, :approved) AND asked.deed != '' AND NOT EXISTS (
        SELECT 1 FROM action_audit AS later
        WHERE later.deed = asked.deed AND later.event IN (:requested, :refused)
    )
    ORDER BY asked.number
"""
_EVENTS = {"requested": REQUESTED, "ended": ENDED}
_ASKED_FOR = {"planned": PLANNED, "approved": APPROVED, "requested": REQUESTED, "refused": REFUSED}

_log = structlog.get_logger(__name__)


class _Asked(msgspec.Struct):
    """What history needs of a `requested` line; the rest is not even read."""

    at: float
    deed: str
    cause: Cause
    step: Step | None = None


_decode_asked = msgspec.json.Decoder(_Asked).decode
_decode_cause = msgspec.json.Decoder(Cause).decode
_decode_plan = msgspec.json.Decoder(Plan).decode


class SqliteAudit:
    """Implements actions.ports.AuditStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entry: Entry) -> None:
        """See AuditStore. A number that is taken is an error: StorageError."""
        with self._database.transaction() as connection:
            connection.execute(_INSERT, (entry.number, line(entry)))

    def add(self, lines: Sequence[str]) -> None:
        """See AuditStore."""
        rows = [(entry_of(text).number, text) for text in lines]
        with self._database.transaction() as connection:
            connection.executemany(f"{_INSERT} ON CONFLICT (number) DO NOTHING", rows)

    def last(self) -> Entry | None:
        """See AuditStore; the last that can be read."""
        return next(iter(self.entries(limit=1, newest=True)), None)

    def entries(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        cluster: str = "",
        deed: str = "",
        since: float = 0.0,
        newest: bool = False,
    ) -> Sequence[Entry]:
        """See AuditStore."""
        wanted: list[tuple[str, Any]] = [("number > ?", after)]
        if cluster:
            wanted.append(("cluster = ?", cluster))
        if deed:
            wanted.append(("deed = ?", deed))
        if since:
            wanted.append(("at >= ?", since))
        return _readable(self._select(wanted, limit, newest=newest))

    def lines(self, *, after: int = 0, limit: int = 1000, newest: bool = False) -> Sequence[tuple[int, str]]:
        """See AuditStore."""
        return self._select([("number > ?", after)], limit, newest=newest)

    def deeds(self, since: float) -> Sequence[Deed]:
        """See AuditStore."""
        with self._database.transaction() as connection:
            rows = connection.execute(_DEEDS, {**_EVENTS, "since": since}).fetchall()
        return [deed for number, text, outcome in rows if (deed := _deed(number, text, outcome)) is not None]

    def open(self) -> Sequence[Entry]:
        """See AuditStore."""
        return self._asked(_OPEN, _EVENTS)

    def unbegun(self) -> Sequence[Entry]:
        """See AuditStore."""
        return self._asked(_UNBEGUN, _ASKED_FOR)

    def _asked(self, query: str, words: Mapping[str, str]) -> Sequence[Entry]:
        with self._database.transaction() as connection:
            rows = connection.execute(query, words).fetchall()
        return _readable(rows)

    def _select(self, wanted: Sequence[tuple[str, Any]], limit: int, *, newest: bool) -> list[tuple[int, str]]:
        where = " AND ".join(condition for condition, _ in wanted)
        query = (
            f"SELECT number, line FROM action_audit WHERE {where} ORDER BY number {'DESC' if newest else ''} LIMIT ?"  # noqa: S608 - conditions are ours
        )
        with self._database.transaction() as connection:
            rows = connection.execute(query, (*(value for _, value in wanted), limit)).fetchall()
        found = [(number, _text(stored)) for number, stored in rows]
        return found[::-1] if newest else found


class SqliteApprovals:
    """Implements actions.ports.ApprovalStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, approval: Approval) -> None:
        """See ApprovalStore. Ones that were answered long ago go."""
        row = (
            approval.id,
            approval.cluster,
            approval.digest,
            approval.summary,
            msgspec.json.encode(approval.cause).decode(),
            msgspec.json.encode(approval.plan).decode(),
            approval.made_at,
            approval.expires_at,
            approval.decided_at,
            approval.decided_by,
            approval.granted,
        )
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM action_approvals WHERE decided_at < ?", (approval.made_at - KEPT_ANSWERED,))
            connection.execute(
                f"INSERT INTO action_approvals ({_APPROVAL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                row,
            )

    def get(self, approval_id: str) -> Approval | None:
        """See ApprovalStore."""
        return next(iter(self._found("id = ?", approval_id)), None)

    def decide(self, approval_id: str, *, granted: bool, by: str, at: float) -> bool:
        """See ApprovalStore. Granting one that has expired is False too, whoever forgot to ask the clock."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE action_approvals SET granted = ?, decided_by = ?, decided_at = ?"
                " WHERE id = ? AND decided_at IS NULL AND (NOT ? OR expires_at >= ?)",
                (granted, by, at, approval_id, granted, at),
            ).rowcount
        return changed == 1

    def waiting(self) -> Sequence[Approval]:
        """See ApprovalStore; oldest first, expired ones included until somebody decides them."""
        return self._found("decided_at IS NULL")

    def _found(self, where: str, *values: str) -> list[Approval]:
        query = f"SELECT {_APPROVAL} FROM action_approvals WHERE {where} ORDER BY made_at, id"  # noqa: S608 - constants
        with self._database.transaction() as connection:
            rows = connection.execute(query, values).fetchall()
        return [approval for row in rows if (approval := _approval(row)) is not None]


class SqlitePause:
    """Implements actions.ports.PauseStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> Pause | None:
        """See PauseStore."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT paused_by, paused_at FROM action_pause").fetchone()
        return Pause(*row) if row else None

    def pause(self, by: str, at: float) -> bool:
        """See PauseStore."""
        with self._database.transaction() as connection:
            inserted = connection.execute(
                "INSERT INTO action_pause (only_one, paused_by, paused_at) VALUES (1, ?, ?)"
                " ON CONFLICT (only_one) DO NOTHING",
                (by, at),
            ).rowcount
        return inserted == 1

    def resume(self) -> bool:
        """See PauseStore."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM action_pause").rowcount == 1


def _readable(rows: Iterable[tuple[int, str]]) -> list[Entry]:
    found = []
    for number, text in rows:
        try:
            found.append(entry_of(text))
        except ValueError as error:
            _tell(number, error)
    return found


def _tell(number: int, error: ValueError) -> None:
    _log.error("an entry of the audit cannot be read; see rabbitwatch audit --verify", row=number, why=str(error))


def _text(stored: object) -> str:
    """What a damaged row holds need not be text."""
    return stored.decode("utf-8", "backslashreplace") if isinstance(stored, bytes) else str(stored)


def _deed(number: int, text: str, outcome: str | None) -> Deed | None:
    try:
        asked = _decode_asked(text)
    except ValueError as error:
        _tell(number, error)
        return None
    if asked.step is None:
        return None
    became = Outcome(outcome) if outcome in set(Outcome) else Outcome.REQUESTED
    return Deed(id=asked.deed, key=asked.step.key, at=asked.at, outcome=became, by=asked.cause.alert or asked.cause.by)


def _approval(row: Sequence[Any]) -> Approval | None:
    values = dict(zip(_APPROVAL.split(", "), row, strict=True))
    try:
        cause, plan = _decode_cause(values.pop("cause")), _decode_plan(values.pop("plan"))
    except (msgspec.DecodeError, sqlite3.Error) as error:
        _log.error("a stored approval cannot be read and is left out", approval=values["id"], why=str(error))
        return None
    granted = values.pop("granted")
    return Approval(**values, cause=cause, plan=plan, granted=None if granted is None else bool(granted))
