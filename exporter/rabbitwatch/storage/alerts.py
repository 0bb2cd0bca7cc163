"""The alerts' memory: one row a rule group, replaced as a whole after each evaluation of the group."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.ports import StoredAlert, StoredGroup
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.storage.database import Database

_log = structlog.get_logger(__name__)


class _Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One alert as it is stored; MessagePack, because a value may be NaN or infinite. A field that is added needs a
    default, so that what an older version has stored is still read."""

    rule: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: AlertState
    value: float
    active_at: float
    fired_at: float | None = None
    keep_firing_since: float | None = None
    resolved_at: float | None = None
    blind_since: float | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_list = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_entry = msgspec.msgpack.Decoder(_Entry).decode


class SqliteAlertStore:
    """Implements alerting.ports.AlertStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, group: StoredGroup) -> None:
        """See AlertStore."""
        alerts = _encode([_entry(each) for each in group.alerts])
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO alert_groups (name, evaluated_at, alerts) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET evaluated_at = excluded.evaluated_at, alerts = excluded.alerts",
                (group.name, group.evaluated_at, alerts),
            )

    def load(self) -> Sequence[StoredGroup]:
        """See AlertStore."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT name, evaluated_at, alerts FROM alert_groups ORDER BY name").fetchall()
        return [StoredGroup(name, evaluated_at, _readable(name, alerts)) for name, evaluated_at, alerts in rows]

    def forget(self, groups: Sequence[str]) -> None:
        """See AlertStore."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM alert_groups WHERE name = ?", [(name,) for name in groups])


def _entry(stored: StoredAlert) -> _Entry:
    alert = stored.alert
    return _Entry(
        rule=stored.rule,
        labels=alert.labels.as_dict(),
        annotations=dict(alert.annotations),
        state=alert.state,
        value=alert.value,
        active_at=alert.active_at,
        fired_at=alert.fired_at,
        keep_firing_since=alert.keep_firing_since,
        resolved_at=alert.resolved_at,
        blind_since=alert.blind_since,
    )


def _alert(entry: _Entry) -> StoredAlert:
    alert = Alert(
        labels=LabelSet.of(entry.labels),
        annotations=entry.annotations,
        state=entry.state,
        value=entry.value,
        active_at=entry.active_at,
        fired_at=entry.fired_at,
        keep_firing_since=entry.keep_firing_since,
        resolved_at=entry.resolved_at,
        blind_since=entry.blind_since,
    )
    return StoredAlert(entry.rule, alert)


def _readable(group: str, blob: bytes) -> list[StoredAlert]:
    found: list[StoredAlert] = []
    try:
        entries = _decode_list(blob)
    except msgspec.DecodeError as error:
        _log.error("the stored alerts of a rule group cannot be read and start anew", group=group, why=str(error))
        return found
    for entry in entries:
        try:
            found.append(_alert(_decode_entry(entry)))
        except msgspec.DecodeError as error:
            _log.error("a stored alert cannot be read and starts anew", group=group, why=str(error))
    return found
