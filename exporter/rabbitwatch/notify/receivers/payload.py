"""A notice in the form of Alertmanager's webhook, version 4, byte for byte in its names.

Written from what an Alertmanager 0.25 posts (tests/alertmanager/ compares), and from its docs/configuration.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rabbitwatch.model.notice import Notice, OutAlert

VERSION = "4"
ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time, which stands for the end of an alert that has none."""


def payload(notice: Notice, max_alerts: int = 0) -> dict[str, Any]:
    """The document. max_alerts: how many alerts it holds at most, 0 for all. truncatedAlerts says how many are left
    out; what is common is so to those that it holds, as in Alertmanager."""
    left_out = max(0, len(notice.alerts) - max_alerts) if max_alerts else 0
    if left_out:
        notice = replace(notice, alerts=notice.alerts[:max_alerts])
    return {
        "receiver": notice.receiver,
        "status": notice.status,
        "alerts": [_alert(alert) for alert in notice.alerts],
        "groupLabels": _sorted(notice.group_labels),
        "commonLabels": _sorted(notice.common_labels),
        "commonAnnotations": _sorted(notice.common_annotations),
        "externalURL": notice.external_url,
        "version": VERSION,
        "groupKey": notice.group_key,
        "truncatedAlerts": left_out,
    }


def _alert(alert: OutAlert) -> dict[str, Any]:
    return {
        "status": "resolved" if alert.resolved else "firing",
        "labels": _sorted(alert.labels),
        "annotations": _sorted(alert.annotations),
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": ZERO_TIME if alert.ends_at is None else rfc3339(alert.ends_at),
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    }


def _sorted(mapping: Mapping[str, str]) -> dict[str, str]:
    """In the order of names, as Go writes maps."""
    return dict(sorted(mapping.items()))


def rfc3339(at: float) -> str:
    """A time as Go writes one: UTC, milliseconds, no zeros at the end of them."""
    whole, _, fraction = datetime.fromtimestamp(round(at, 3), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").partition(".")
    fraction = fraction[:3].rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"
