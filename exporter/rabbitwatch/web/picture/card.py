"""The state of a cluster in one word and one sentence, by which pages paint. Pure.

The findings of the last poll say what is; alerts say what has lasted. A silence keeps an alert from raising the level,
for somebody knows of it; a finding raises it all the same, for it is the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rabbitwatch.model.cluster import ClusterState, Finding, Severity
from rabbitwatch.notify.ports import AlertStatus
from rabbitwatch.web.ports import Watched

STALE_INTERVALS = 3.0
"""A poll that is older than so many intervals is a picture of the past."""


class Level(StrEnum):
    """How a cluster is. UNKNOWN: nobody can say, which is never painted as well."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


_RANK = {level: rank for rank, level in enumerate((Level.CRITICAL, Level.UNKNOWN, Level.WARNING, Level.OK))}
_OF_SEVERITY = {"critical": Level.CRITICAL, "page": Level.CRITICAL, "warning": Level.WARNING}
_OF_FINDING = {Severity.CRITICAL: Level.CRITICAL, Severity.WARNING: Level.WARNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """A firing alert. summary: for a person. quiet: why nobody is told, "" when somebody is."""

    name: str
    severity: str
    summary: str
    since: float
    labels: Mapping[str, str]
    fingerprint: str
    quiet: str
    blind_since: float | None

    @property
    def level(self) -> Level:
        """What it makes of its cluster."""
        return Level.OK if self.quiet else _OF_SEVERITY.get(self.severity, Level.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One cluster. why: the worst thing in one sentence, or what is well. at: when its last poll began; None before the
    first. stale: that is too long ago. state: of that poll, None where there is none. alerts: the gravest first."""

    name: str
    level: Level
    why: str
    at: float | None
    interval: float
    stale: bool
    state: ClusterState | None
    findings: Sequence[Finding]
    alerts: Sequence[AlertLine]


def cards(watched: Iterable[Watched], statuses: Iterable[AlertStatus], now: float) -> list[Card]:
    """The worst first: by level, then by how much is that bad, then by name."""
    by_cluster: dict[str, list[AlertLine]] = {}
    for status in statuses:
        if not status.alert.resolved:
            by_cluster.setdefault(status.alert.labels.get("cluster", ""), []).append(alert_line(status))
    made = [_card(each, sorted(by_cluster.get(each.name, []), key=_gravity), now) for each in watched]
    return sorted(made, key=lambda card: (_RANK[card.level], -_weight(card), card.name))


def _weight(card: Card) -> int:
    """How many findings and alerts are as bad as the card."""
    by_finding = sum(_OF_FINDING.get(finding.severity) is card.level for finding in card.findings)
    return by_finding + sum(alert.level is card.level for alert in card.alerts if card.level is not Level.OK)


def worst(levels: Iterable[Level]) -> Level:
    """The one that matters most; OK where there is none."""
    return min(levels, key=lambda level: _RANK[level], default=Level.OK)


def alert_line(status: AlertStatus) -> AlertLine:
    """The alert as pages show it."""
    alert = status.alert
    quiet = [
        *(f"silenced by {each}" for each in status.silenced_by),
        *("another alert explains it" for _ in status.inhibited_by[:1]),
        *(f"muted by {each}" for each in status.muted_by),
    ]
    return AlertLine(
        name=alert.name,
        severity=alert.labels.get("severity", ""),
        summary=alert.annotations.get("summary", alert.name),
        since=alert.starts_at,
        labels=alert.labels,
        fingerprint=alert.fingerprint,
        quiet=", ".join(quiet),
        blind_since=alert.blind_since,
    )


def _gravity(line: AlertLine) -> tuple[int, float, str]:
    return _RANK[line.level], line.since, line.fingerprint


def _card(watched: Watched, alerts: Sequence[AlertLine], now: float) -> Card:
    state = watched.state
    stale = state is not None and now - state.at > STALE_INTERVALS * watched.interval
    level, why = _judged(watched, alerts, stale=stale)
    return Card(
        name=watched.name,
        level=level,
        why=why,
        at=state.at if state else None,
        interval=watched.interval,
        stale=stale,
        state=state,
        findings=watched.findings,
        alerts=alerts,
    )


def _judged(watched: Watched, alerts: Sequence[AlertLine], *, stale: bool) -> tuple[Level, str]:
    if watched.state is None:
        return Level.UNKNOWN, watched.trouble or (
            "nothing is known" if watched.polled else "the first poll is under way"
        )
    if stale:
        return Level.UNKNOWN, "not polled any more: what stands here is the past"
    by_finding = worst(_OF_FINDING.get(finding.severity, Level.OK) for finding in watched.findings)
    by_alert = worst(alert.level for alert in alerts)
    level = worst((by_finding, by_alert))
    if level is Level.OK:
        return level, watched.sentence
    if by_finding is level:
        return level, next(each.sentence for each in watched.findings if _OF_FINDING.get(each.severity) is level)
    return level, next(alert.summary for alert in alerts if alert.level is level)
