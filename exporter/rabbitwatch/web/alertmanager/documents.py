"""The things that Alertmanager's API shows, as its OpenAPI description spells them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.model.silence import Silence
from rabbitwatch.notify.ports import AlertGroup, AlertStatus

RESOLVE_SECONDS = 300.0
"""Clients hide alerts whose end is past, and the API knows no alert without one. So a firing alert ends this long after
now, as one does that is sent to an Alertmanager without an end (resolve_timeout)."""


def moment(at: float) -> str:
    """RFC 3339 with milliseconds, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alert(status: AlertStatus, now: float) -> dict[str, Any]:
    """gettableAlert"""
    shown = status.alert
    return {
        "annotations": dict(shown.annotations),
        "endsAt": moment(now + RESOLVE_SECONDS if shown.ends_at is None else shown.ends_at),
        "fingerprint": shown.fingerprint,
        "receivers": [{"name": name} for name in status.receivers],
        "startsAt": moment(shown.starts_at),
        "status": {
            "inhibitedBy": list(status.inhibited_by),
            "mutedBy": list(status.muted_by),
            "silencedBy": list(status.silenced_by),
            "state": status.state,
        },
        "updatedAt": moment(shown.updated_at),
        **({"generatorURL": shown.generator_url} if shown.generator_url else {}),
        "labels": dict(shown.labels),
    }


def group(found: AlertGroup, alerts: Sequence[AlertStatus], heard: Callable[[str], bool], now: float) -> dict[str, Any]:
    """alertGroup, with these of its alerts, each with those of its receivers that are asked for."""
    asked = [replace(status, receivers=[name for name in status.receivers if heard(name)]) for status in alerts]
    return {
        "alerts": [alert(status, now) for status in asked],
        "labels": dict(found.labels),
        "receiver": {"name": found.receiver},
    }


def silence(found: Silence, now: float) -> dict[str, Any]:
    """gettableSilence"""
    return {
        "id": found.id,
        "status": {"state": found.state(now).value},
        "updatedAt": moment(found.updated_at),
        **({"annotations": dict(found.annotations)} if found.annotations else {}),
        "comment": found.comment,
        "createdBy": found.created_by,
        "endsAt": moment(found.ends_at),
        "matchers": [matcher(each) for each in found.matchers],
        "startsAt": moment(found.starts_at),
    }


def matcher(found: Matcher) -> dict[str, Any]:
    """matcher"""
    return {
        "isEqual": found.operator in (Operator.EQUAL, Operator.MATCHES),
        "isRegex": found.operator.regex,
        "name": found.name,
        "value": found.value,
    }
