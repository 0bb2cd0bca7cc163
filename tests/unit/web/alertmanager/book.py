"""A book of three alerts that fire: one inhibits another, as CONFIG says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from rabbitwatch.model.notice import OutAlert, fingerprint
from rabbitwatch.notify.ports import AlertGroup, AlertStatus
from rabbitwatch.notify.silences import Silences

CONFIG: dict[str, Any] = {
    "route": {
        "receiver": "team",
        "group_by": ["alertname"],
        "group_wait": "1s",
        "group_interval": "5s",
        "routes": [
            {"matchers": ['severity="critical"'], "receiver": "pager", "continue": True},
            {"matchers": ['alertname=~".+"'], "receiver": "team"},
        ],
    },
    "receivers": [{"name": "team"}, {"name": "pager"}],
    "inhibit_rules": [
        {"source_matchers": ['alertname="Down"'], "target_matchers": ['severity="warning"'], "equal": ["cluster"]}
    ],
}
LABELS = (
    {"alertname": "Down", "severity": "critical", "cluster": "lab"},
    {"alertname": "Slow", "severity": "warning", "cluster": "lab", "queue": "a b"},
    {"alertname": "Q", "severity": "warning", "cluster": "b"},
)


class TableBook:
    """Implements notify.ports.Book."""

    def __init__(self, silences: Silences, now: Callable[[], float] = time.time) -> None:
        self._silences = silences
        self._now = now

    def alerts(self) -> Sequence[AlertStatus]:
        return [self._status(labels) for labels in LABELS]

    def groups(self) -> Sequence[AlertGroup]:
        return [
            AlertGroup(
                receiver=receiver,
                route="route",
                group_key=f"{receiver}:{status.alert.name}",
                labels={"alertname": status.alert.name},
                alerts=[status],
                flushed_at=None,
                next_at=self._now(),
            )
            for status in self.alerts()
            for receiver in status.receivers
        ]

    def _status(self, labels: dict[str, str]) -> AlertStatus:
        now = self._now()
        silenced = self._silences.silencing(labels, now)
        inhibited = [fingerprint(LABELS[0])] if labels["alertname"] == "Slow" else []
        return AlertStatus(
            alert=OutAlert(
                labels=labels, annotations={"summary": "s"}, starts_at=now - 60, ends_at=None, updated_at=now
            ),
            receivers=["pager", "team"] if labels["alertname"] == "Down" else ["team"],
            silenced_by=silenced,
            inhibited_by=inhibited,
            muted_by=[],
            state="suppressed" if silenced or inhibited else "active",
        )
