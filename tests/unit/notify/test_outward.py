"""From evaluated alerts to what leaves the program; with the states of Prometheus' alert generator compliance test."""

from __future__ import annotations

from typing import Any

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle, Raised
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.outward import Outward, generator_url
from rabbitwatch.promql.labels import LabelSet

NOW = 5000.0


def raised(name: str = "A", expr: str = "up == 0", **changes: Any) -> Raised:
    labels = changes.pop("labels", {})
    fields: dict[str, Any] = {
        "labels": LabelSet.of({"alertname": name, **labels}),
        "annotations": {"summary": "s"},
        "state": AlertState.FIRING,
        "value": 1.0,
        "active_at": 1000.0,
        "fired_at": 1300.0,
    }
    return Raised("g", expr, Alert(**fields | changes))


def out(*alerts: Raised, external: dict[str, str] | None = None) -> list[OutAlert]:
    return Outward(external or {}, "http://agent").of(Cycle(NOW, ["g"], [], alerts))


def test_a_firing_alert_starts_when_it_fired_and_has_no_end() -> None:
    (alert,) = out(raised(blind_since=4000.0))
    assert (alert.starts_at, alert.ends_at, alert.updated_at, alert.blind_since) == (1300.0, None, NOW, 4000.0)
    assert alert.annotations == {"summary": "s"}
    assert alert.generator_url == "http://agent/graph?g0.expr=up+%3D%3D+0&g0.tab=1"


def test_a_pending_alert_does_not_leave_the_program() -> None:
    assert out(raised(state=AlertState.PENDING, fired_at=None)) == []


def test_a_resolved_alert_keeps_its_start_and_has_an_end() -> None:
    (alert,) = out(raised(state=AlertState.INACTIVE, resolved_at=4900.0))
    assert (alert.starts_at, alert.ends_at, alert.resolved) == (1300.0, 4900.0, True)


def test_external_labels_are_added_where_the_alert_has_none() -> None:
    (alert,) = out(raised(labels={"cluster": "orders"}), external={"cluster": "other", "site": "here", "none": ""})
    assert dict(alert.labels) == {"alertname": "A", "cluster": "orders", "site": "here"}
    assert list(alert.labels) == sorted(alert.labels)


def test_of_two_alerts_with_the_same_labels_one_is_told() -> None:
    over = raised(state=AlertState.INACTIVE, resolved_at=4900.0, fired_at=100.0)
    younger = raised(expr="other", fired_at=2000.0)
    for order in ((over, raised(), younger), (younger, over, raised())):
        (alert,) = out(*order)
        assert (alert.resolved, alert.starts_at) == (False, 1300.0)


def test_the_rule_that_is_gone_has_no_link_of_its_own() -> None:
    assert generator_url("http://agent", "") == "http://agent"


def test_the_fingerprint_is_prometheus_own() -> None:
    """Known values of client_golang's model.LabelSet.Fingerprint."""
    (alert,) = out(raised())
    again = Outward({}, "")
    cycle = Cycle(NOW, ["g"], [], [raised()])
    assert again.of(cycle)[0].fingerprint == again.of(cycle)[0].fingerprint == alert.fingerprint
    assert again.of(cycle)[0].labels is again.of(cycle)[0].labels, "made once"
