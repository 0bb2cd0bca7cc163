"""Notices about queues that lack mirrors, in all shapes, for the tests of Slack's receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rabbitwatch.model.notice import Notice, OutAlert, Reason

NOW = 1_790_000_000.0
GROUP_KEY = '{}:{cluster="orders"}'


def out_alert(queue: str = "invoices", /, *, annotations: Mapping[str, str] | None = None, **changes: Any) -> OutAlert:
    """A firing alert about that queue. changes: fields of OutAlert, and labels."""
    fields = {name: changes.pop(name) for name in ("starts_at", "ends_at", "blind_since") if name in changes}
    labels = {"alertname": "RabbitMQMirrorsMissing", "severity": "warning", "cluster": "orders", "vhost": "/"}
    return OutAlert(
        labels={**labels, "queue": queue, **changes},
        annotations={"summary": "A mirror is missing."} if annotations is None else annotations,
        **{"starts_at": NOW - 600, "ends_at": None, "updated_at": NOW, **fields},
    )


def a_notice(alerts: Sequence[OutAlert], reason: Reason = Reason.FIRST, /, **changes: Any) -> Notice:
    """Of a group by cluster. changes: fields of Notice."""
    fields: dict[str, Any] = {
        "receiver": "team",
        "group_key": GROUP_KEY,
        "group_labels": {"cluster": "orders"},
        "at": NOW,
        "external_url": "https://rabbitwatch.example.org",
    }
    return Notice(alerts=alerts, reason=reason, **{**fields, **changes})
