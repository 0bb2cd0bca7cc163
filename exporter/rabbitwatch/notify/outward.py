"""From the evaluator's alerts to what the world outside is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle, Raised
from rabbitwatch.model.notice import OutAlert, fingerprint
from rabbitwatch.promql.labels import LabelSet

GRAPH = "/graph"


@dataclass(frozen=True, slots=True)
class _Identity:
    labels: Mapping[str, str]
    fingerprint: str
    url: str


class Outward:
    """Turns evaluated cycles into firing and resolved alerts. One thread at a time.

    external_labels: added where an alert has no label of that name, as Prometheus does. external_url: where people
    reach this agent.
    """

    def __init__(self, external_labels: Mapping[str, str], external_url: str) -> None:
        self._external = dict(external_labels)
        self._url = external_url.rstrip("/")
        self._known: dict[tuple[LabelSet, str], _Identity] = {}

    def of(self, cycle: Cycle) -> list[OutAlert]:
        """What fires, and what has ended in the last 15 minutes; each label set once. Pending alerts are nobody's
        business yet."""
        known: dict[tuple[LabelSet, str], _Identity] = {}
        found: dict[str, OutAlert] = {}
        for raised in cycle.alerts:
            if raised.alert.state is AlertState.PENDING:
                continue
            key = (raised.alert.labels, raised.expr)
            identity = known[key] = self._known.get(key) or self._identity(raised)
            alert = _out(raised.alert, identity, cycle.at)
            other = found.get(alert.fingerprint)
            found[alert.fingerprint] = alert if other is None else _weightier(other, alert)
        self._known = known
        return list(found.values())

    def _identity(self, raised: Raised) -> _Identity:
        labels = {**self._external, **raised.alert.labels.as_dict()}
        labels = dict(sorted((name, value) for name, value in labels.items() if value))
        return _Identity(labels, fingerprint(labels), generator_url(self._url, raised.expr))


def generator_url(external_url: str, expr: str) -> str:
    """Where an expression's present result is shown, spelled as Prometheus spells it; the agent alone where the rule is
    gone."""
    return f"{external_url}{GRAPH}?g0.expr={quote_plus(expr, errors='replace')}&g0.tab=1" if expr else external_url


def _out(alert: Alert, identity: _Identity, at: float) -> OutAlert:
    return OutAlert(
        labels=identity.labels,
        annotations=alert.annotations,
        starts_at=alert.active_at if alert.fired_at is None else alert.fired_at,
        ends_at=alert.resolved_at if alert.state is AlertState.INACTIVE else None,
        updated_at=at,
        generator_url=identity.url,
        blind_since=alert.blind_since,
        fingerprint=identity.fingerprint,
    )


def _weightier(one: OutAlert, other: OutAlert) -> OutAlert:
    """Of two rules' alerts with the same labels: the one that fires, then the one that ended last, then the older."""
    return max(one, other, key=lambda alert: (not alert.resolved, alert.ends_at or 0.0, -alert.starts_at))
