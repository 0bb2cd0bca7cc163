"""Alerts and notices for tests."""

from __future__ import annotations

from collections.abc import Mapping

from rabbitwatch.model.notice import Notice, OutAlert, Reason

NOW = 1_700_000_000.0
"""2023-11-14 22:13:20 UTC"""


def alert(name: str = "QueueDeep", *, ended: bool = False, at: float = NOW, **labels: str) -> OutAlert:
    """An alert that began four minutes before `at`; one that ended did so a minute before."""
    return OutAlert(
        labels={"alertname": name, "severity": "warning", "cluster": "orders"} | labels,
        annotations={"summary": f"{labels.get('queue', 'a queue')} is deep"},
        starts_at=at - 240,
        ends_at=at - 60 if ended else None,
        updated_at=at,
        generator_url="http://agent:9419/graph?g0.expr=up&g0.tab=1",
    )


def notice(
    *alerts: OutAlert,
    group: str = "orders",
    receiver: str = "team",
    reason: Reason = Reason.FIRST,
    group_labels: Mapping[str, str] | None = None,
) -> Notice:
    """A notice about these alerts, or about one."""
    return Notice(
        receiver=receiver,
        group_key=f'{{}}:{{cluster="{group}"}}',
        group_labels={"cluster": group} if group_labels is None else group_labels,
        alerts=alerts or (alert(),),
        reason=reason,
        at=NOW,
        external_url="http://agent:9419",
    )
