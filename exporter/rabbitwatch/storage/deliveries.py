"""The delivery log: the last confirmed notice of each group to each integration, and a line for each attempt."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
import structlog

from rabbitwatch.model.notice import OutAlert, Reason
from rabbitwatch.notify.ports import Attempt, Entry, Result
from rabbitwatch.storage.database import Database

_LEVEL = 1
_COLUMNS = "id, integration, group_key, reason, firing, resolved, began_at, ended_at, tries, result, why"
_PUT = (
    "INSERT INTO delivery_entries (integration, group_key, sent_at, entry, told) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (integration, group_key) DO UPDATE"
    " SET sent_at = excluded.sent_at, entry = excluded.entry, told = excluded.told"
)
_PUT_NEWER = _PUT + " WHERE excluded.sent_at > delivery_entries.sent_at"
_LAST = "number IN (SELECT max(number) FROM delivery_attempts GROUP BY integration, group_key)"
_AFTER_THE_LAST_SENT = (
    "number > coalesce((SELECT max(number) FROM delivery_attempts AS sent WHERE result = 'sent'"
    " AND sent.integration = delivery_attempts.integration AND sent.group_key = delivery_attempts.group_key), 0)"
)

_log = structlog.get_logger(__name__)


class _Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of an entry stands in no column of its own. A field that is added needs a default, so that what an older
    version has stored is still read."""

    firing: list[str]
    resolved: list[str]
    reason: Reason
    memory: Mapping[str, str] = {}
    origin: str = ""


class _Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An alert that was told as firing."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    updated_at: float
    generator_url: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(_Entry).decode
_decode_fingerprints = msgspec.msgpack.Decoder(list[str]).decode
_decode_told = msgspec.msgpack.Decoder(list[_Told]).decode


class SqliteDeliveries:
    """Implements notify.ports.DeliveryStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entry(self, integration: str, group_key: str) -> Entry | None:
        """See DeliveryLog."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT integration, group_key, sent_at, entry FROM delivery_entries"
                " WHERE integration = ? AND group_key = ?",
                (integration, group_key),
            ).fetchall()
        return next(iter(_readable(rows)), None)

    def entries(self) -> Sequence[Entry]:
        """See DeliveryLog."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT integration, group_key, sent_at, entry FROM delivery_entries").fetchall()
        return _readable(rows)

    def told(self) -> Sequence[OutAlert]:
        """See DeliveryStore."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT group_key, told FROM delivery_entries ORDER BY sent_at").fetchall()
        found = {alert.fingerprint: alert for key, blob in rows for alert in _unpacked(key, blob)}
        return list(found.values())

    def adopt(self, entry: Entry) -> None:
        """See DeliveryLog."""
        with self._database.transaction() as connection:
            _put(connection, entry, (), only_newer=True)

    def begin(self, attempt: Attempt) -> None:
        """See DeliveryLog."""
        with self._database.transaction() as connection:
            _note(connection, attempt)

    def doubtful(self, integration: str, group_key: str) -> Attempt | None:
        """See DeliveryLog."""
        with self._database.transaction() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM delivery_attempts WHERE integration = ? AND group_key = ?"  # noqa: S608 - constants
                " ORDER BY number DESC LIMIT 1",
                (integration, group_key),
            ).fetchone()
        found = _attempt(row) if row else None
        return found if found is not None and found.unfinished else None

    def unfinished(self) -> Sequence[Attempt]:
        """See DeliveryStore."""
        return self._attempts(f"WHERE result IN ('sending', 'failed') AND {_LAST} ORDER BY number", ())

    def in_doubt(self) -> Sequence[Attempt]:
        """See DeliveryStore."""
        return self._attempts(f"WHERE result = 'sending' AND {_AFTER_THE_LAST_SENT} ORDER BY number", ())

    def failed(self, attempt: Attempt) -> None:
        """See DeliveryLog."""
        self.begin(attempt)

    def confirmed(self, attempt: Attempt, entry: Entry, told: Sequence[OutAlert] = ()) -> None:
        """See DeliveryLog."""
        packed = [alert for alert in told if alert.fingerprint in entry.firing]
        with self._database.transaction() as connection:
            _note(connection, attempt)
            _put(connection, entry, packed, only_newer=False)

    def recent(self, limit: int) -> Sequence[Attempt]:
        """See DeliveryLog."""
        return self._attempts("ORDER BY number DESC LIMIT ?", (limit,))

    def prune(self, before: float, known: AbstractSet[str] = frozenset()) -> None:
        """See DeliveryLog."""
        with self._database.transaction() as connection:
            old = connection.execute(
                "SELECT integration, group_key, sent_at, entry FROM delivery_entries WHERE sent_at < ?", (before,)
            ).fetchall()
            kept = {(entry.integration, entry.group_key) for entry in _readable(old) if entry.firing & known}
            connection.executemany(
                "DELETE FROM delivery_entries WHERE integration = ? AND group_key = ?",
                [row[:2] for row in old if row[:2] not in kept],
            )
            connection.execute("DELETE FROM delivery_attempts WHERE coalesce(ended_at, began_at) < ?", (before,))

    def _attempts(self, which: str, values: tuple[object, ...]) -> list[Attempt]:
        with self._database.transaction() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM delivery_attempts {which}", values).fetchall()  # noqa: S608 - constants
        return [_attempt(row) for row in rows]


def _put(connection: sqlite3.Connection, entry: Entry, told: Sequence[OutAlert], *, only_newer: bool) -> None:
    kept = _Entry(
        firing=sorted(entry.firing),
        resolved=sorted(entry.resolved),
        reason=entry.reason,
        memory=dict(entry.memory),
        origin=entry.origin,
    )
    connection.execute(
        _PUT_NEWER if only_newer else _PUT,
        (entry.integration, entry.group_key, entry.sent_at, _encode(kept), _packed(told)),
    )


def _note(connection: sqlite3.Connection, attempt: Attempt) -> None:
    connection.execute(
        f"INSERT INTO delivery_attempts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
        " ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, tries = excluded.tries,"
        " result = excluded.result, why = excluded.why",
        (
            attempt.id,
            attempt.integration,
            attempt.group_key,
            attempt.reason.value,
            _encode(sorted(attempt.firing)),
            _encode(sorted(attempt.resolved)),
            attempt.began_at,
            attempt.ended_at,
            attempt.tries,
            attempt.result.value,
            attempt.why,
        ),
    )


def _attempt(row: Sequence[Any]) -> Attempt:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    firing, resolved = (frozenset(_decode_fingerprints(values.pop(name))) for name in ("firing", "resolved"))
    reason, result = Reason(values.pop("reason")), Result(values.pop("result"))
    return Attempt(**values, firing=firing, resolved=resolved, reason=reason, result=result)


def _readable(rows: Iterable[tuple[str, str, float, bytes]]) -> list[Entry]:
    found = []
    for integration, group_key, sent_at, blob in rows:
        try:
            kept = _decode_entry(blob)
        except msgspec.DecodeError as error:
            _log.error("what was sent cannot be read, and may be sent again", group=group_key, why=str(error))
            continue
        found.append(
            Entry(
                integration=integration,
                group_key=group_key,
                firing=frozenset(kept.firing),
                resolved=frozenset(kept.resolved),
                sent_at=sent_at,
                reason=kept.reason,
                memory=kept.memory,
                origin=kept.origin,
            )
        )
    return found


def _packed(alerts: Iterable[OutAlert]) -> bytes:
    told = [
        _Told(
            labels=alert.labels,
            annotations=alert.annotations,
            starts_at=alert.starts_at,
            updated_at=alert.updated_at,
            generator_url=alert.generator_url,
        )
        for alert in alerts
    ]
    return zlib.compress(_encode(told), _LEVEL) if told else b""


def _unpacked(group_key: str, blob: bytes) -> list[OutAlert]:
    if not blob:
        return []
    try:
        kept = _decode_told(zlib.decompress(blob))
    except (msgspec.DecodeError, zlib.error) as error:
        _log.error("alerts that were told cannot be read", group=group_key, why=str(error))
        return []
    return [OutAlert(**msgspec.structs.asdict(each), ends_at=None) for each in kept]
