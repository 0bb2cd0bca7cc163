"""How one alert changes from one evaluation to the next: pure functions over Alert.

Prometheus' state machine (rules/alerting.go), with one deliberate difference: an alert that would end only because the
poll could not see is held and marked blind (docs/rules.md, "When the agent cannot see").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.promql.labels import LabelSet

RESOLVED_RETENTION_S = 15 * 60.0
OUTAGE_TOLERANCE_S = 60 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A rule's clocks in seconds. blind_hold_s: how long to hold an alert that nobody can see; 0 as Prometheus."""

    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    blind_hold_s: float = 0.0


def seen(
    before: Alert | None, labels: LabelSet, annotations: Mapping[str, str], value: float, now: float, timing: Timing
) -> Alert:
    """The alert after an evaluation whose expression returned it."""
    continues = before is not None and before.active
    active_at = before.active_at if before is not None and continues else now
    fired_at = before.fired_at if before is not None and continues else None
    waited = now - active_at >= timing.for_s
    # a `for` that grew sends a firing alert back to pending; a clock that was set back does not
    fires = waited or (fired_at is not None and fired_at - active_at >= timing.for_s)
    if fires and fired_at is None:
        fired_at = now
    return Alert(
        labels=labels,
        annotations=annotations,
        state=AlertState.FIRING if fires else AlertState.PENDING,
        value=value,
        active_at=active_at,
        fired_at=fired_at if fires else None,
    )


def unseen(before: Alert, now: float, timing: Timing, *, blind: bool) -> Alert | None:
    """The alert after an evaluation that did not return it; None when it is gone for good.

    blind: whether series that would have decided about it are missing because a part of the poll failed.
    """
    if not before.active:
        ended = before.resolved_at if before.resolved_at is not None else now
        return None if now - ended > RESOLVED_RETENTION_S else before
    if blind:
        since = before.blind_since if before.blind_since is not None else now
        if now - since < timing.blind_hold_s:
            return before if before.blind_since is not None else replace(before, blind_since=since)
    elif before.blind_since is not None:
        before = replace(before, blind_since=None)
    if before.state is AlertState.PENDING:
        return None
    keeps_since = before.keep_firing_since if before.keep_firing_since is not None else now
    if now - keeps_since < timing.keep_firing_for_s:
        return replace(before, keep_firing_since=keeps_since)
    return replace(before, state=AlertState.INACTIVE, resolved_at=now)


def resumed(stored: Alert, evaluated_at: float, now: float, interval_s: float) -> Alert | None:
    """A stored alert at the first evaluation after a restart; None where too much time has passed to go on with it.

    A pending alert's wait does not run while nobody looks, so its start moves by what the pause exceeds an ordinary
    interval; after more than OUTAGE_TOLERANCE_S it starts anew, as in Prometheus. A firing one stays firing, whatever
    its `for`, and this evaluation decides about it.
    """
    if stored.state is not AlertState.PENDING:
        return stored
    pause = now - evaluated_at
    if pause > OUTAGE_TOLERANCE_S:
        return None
    return replace(stored, active_at=min(now, stored.active_at + max(0.0, pause - interval_s)))
