"""Decides whether a group has news for one integration: Alertmanager's needsUpdate (notify/dedup_stage.go)."""

from __future__ import annotations

from rabbitwatch.model.notice import Reason, is_remark
from rabbitwatch.notify.ports import Entry


def needs_update(
    entry: Entry | None,
    firing: frozenset[str],
    resolved: frozenset[str],
    *,
    send_resolved: bool,
    repeat_interval: float,
    now: float,
) -> Reason | None:
    """Why a notice is due, None where none is. entry: the last confirmed one. firing, resolved: what the group holds
    and may tell; see Notice.news.

    That all is over counts whether or not it is to be told, so that the same alerts are news when they fire again.
    """
    if entry is None:
        return Reason.FIRST if firing else None
    if new := firing - entry.firing:
        return Reason.REMARKED if all(map(is_remark, new)) else Reason.NEW
    if not firing:
        return Reason.ALL_RESOLVED if entry.firing else None
    if send_resolved and not resolved <= entry.resolved:
        return Reason.SOME_RESOLVED
    return Reason.REPEAT if entry.sent_at < now - repeat_interval else None
