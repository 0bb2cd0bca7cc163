"""Firing and pending alerts, each with the way to silence it and to its runbook. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import GroupStatus
from rabbitwatch.notify.ports import AlertStatus
from rabbitwatch.notify.runbook import PAGES, own_runbook, runbook_link
from rabbitwatch.promql.labels import Matcher, MatchOp
from rabbitwatch.web.picture.card import Level, alert_line

MOST = 25
_LONGEST_FILTER = 1500
_OF_SEVERITY = {"critical": Level.CRITICAL, "page": Level.CRITICAL, "warning": Level.WARNING}
_RANK = (Level.CRITICAL, Level.WARNING, Level.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert. state: `firing` or `pending`. quiet: why nobody is told, "" when somebody is. silence, runbook: where
    the links lead from the first page, "" where there is none. blind_since: since when nobody can decide about it."""

    state: str
    name: str
    severity: str
    level: Level
    cluster: str
    summary: str
    labels: Mapping[str, str]
    since: float
    quiet: str
    blind_since: float | None
    silence: str
    runbook: str

    @property
    def details(self) -> Sequence[tuple[str, str]]:
        """The labels that are not said elsewhere."""
        said = {"alertname", "severity", "cluster"}
        return [(name, value) for name, value in self.labels.items() if name not in said]


def alert_rows(statuses: Iterable[AlertStatus], groups: Iterable[GroupStatus]) -> list[AlertRow]:
    """All, the gravest first: firing before pending, told before quiet, then the older."""
    return sorted([*_firing(statuses), *_pending(groups)], key=_gravity)


def _gravity(row: AlertRow) -> tuple[bool, bool, int, float, str]:
    return row.state != "firing", bool(row.quiet), _RANK.index(row.level), row.since, row.name


def _firing(statuses: Iterable[AlertStatus]) -> Iterator[AlertRow]:
    for status in statuses:
        alert = status.alert
        if not alert.resolved:
            line = alert_line(status)
            yield _row("firing", alert.labels, alert.annotations, line.since, line.quiet, line.blind_since)


def _pending(groups: Iterable[GroupStatus]) -> Iterator[AlertRow]:
    for group in groups:
        for rule in group.rules:
            yield from (_waiting(alert) for alert in rule.alerts if alert.state is AlertState.PENDING)


def _waiting(alert: Alert) -> AlertRow:
    return _row("pending", alert.labels.as_dict(), alert.annotations, alert.active_at, "", alert.blind_since)


def _row(
    state: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    since: float,
    quiet: str,
    blind_since: float | None,
) -> AlertRow:
    name, severity = labels.get("alertname", ""), labels.get("severity", "")
    return AlertRow(
        state=state,
        name=name,
        severity=severity or "no severity",
        level=_OF_SEVERITY.get(severity, Level.OK),
        cluster=labels.get("cluster", ""),
        summary=annotations.get("summary", name),
        labels=labels,
        since=since,
        quiet=quiet,
        blind_since=blind_since,
        silence=silence_link(labels),
        runbook=_runbook(annotations),
    )


def silence_link(labels: Mapping[str, str]) -> str:
    """To the form that silences this very alert, filled in; to the empty form where the labels are too long for an
    address."""
    matchers = ",".join(str(Matcher(MatchOp.EQUAL, name, value)) for name, value in labels.items())
    return f"silences?{urlencode({'filter': f'{{{matchers}}}'})}" if len(matchers) <= _LONGEST_FILTER else "silences"


def _runbook(annotations: Mapping[str, str]) -> str:
    own = own_runbook(annotations)
    return f"{PAGES.lstrip('/')}/{own}" if own else runbook_link(annotations, "")
