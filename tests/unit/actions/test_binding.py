"""Which alerts lead to which repairs, and about what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.actions import DRIFT, LAG, actions, binding, firing, resolved

from rabbitwatch.actions.binding import ALERTMANAGER, RULE, bound, fitting
from rabbitwatch.actions.firing import AT_MOST, FORGOTTEN_S, Firing
from rabbitwatch.model.action import Cause, Target
from rabbitwatch.model.notice import OutAlert


def led(alerts: list[OutAlert], *bindings: Any, clusters: Any = ("orders",)) -> list[tuple[int, Target]]:
    found, _ = bound(alerts, actions(*bindings).bindings, clusters, RULE)
    return [(each.index, each.target) for each in found]


def test_the_target_is_what_the_labels_say() -> None:
    alert = firing(vhost="/", queue="q", policy="ha", node="rabbit@a")
    assert led([alert], binding()) == [(0, Target("orders", vhost="/", queue="q", policy="ha"))]
    assert led([firing()], binding()) == [(0, Target("orders"))]


@pytest.mark.parametrize(
    ("first", "indexes"),
    [
        ({"mode": "dry_run"}, [0]),
        ({"mode": "dry_run", "continue": True}, [0, 1]),
        ({"mode": "off"}, []),
        ({"mode": "off", "continue": True}, [1]),
        ({"alert": "Other"}, [1]),
    ],
)
def test_the_first_that_fits_decides_unless_it_says_continue(first: dict[str, Any], indexes: list[int]) -> None:
    assert [index for index, _ in led([firing()], binding(**first), binding("auto"))] == indexes


def test_every_matcher_must_fit() -> None:
    config = actions({"matchers": [f'alertname="{LAG}"', 'queue=~"orders[.].*"'], "action": "resync"})
    assert list(fitting(config.bindings, firing(queue="orders.new")))
    assert not list(fitting(config.bindings, firing(queue="invoices")))
    assert not list(fitting(config.bindings, firing(DRIFT, queue="orders.new")))


def test_what_is_over_leads_nowhere() -> None:
    assert led([resolved(firing())], binding()) == []


@pytest.mark.parametrize(
    ("alert", "why"),
    [
        (firing(cluster=""), "the alert has no label cluster, so nothing says which cluster to repair"),
        (
            firing(cluster="x"),
            "the alert is about cluster 'x', which this agent does not watch; it watches billing, orders",
        ),
    ],
)
def test_a_cluster_that_is_not_watched(alert: OutAlert, why: str) -> None:
    found, astray = bound([alert], actions(binding()).bindings, {"orders", "billing"}, ALERTMANAGER)
    assert (found, [each.why for each in astray], astray[0].cause.source) == ([], [why], "alertmanager")


# -- what fires


def test_an_alert_of_both_sources_is_the_agents_own() -> None:
    known = Firing()
    known.evaluated([firing(queue="a")])
    known.sent([firing(queue="a"), firing(queue="b")])
    assert [alert.labels["queue"] for alert in known.own()] == ["a"]
    assert [alert.labels["queue"] for alert in known.foreign(firing().updated_at)] == ["b"]


def test_an_alertmanagers_alert_ends_when_it_says_so_or_is_silent_for_long() -> None:
    known, alert = Firing(), firing(queue="a")
    known.sent([alert])
    known.sent([resolved(alert)])
    assert known.foreign(alert.updated_at) == []
    known.sent([alert])
    assert known.foreign(alert.updated_at + FORGOTTEN_S - 1) == [alert]
    assert known.foreign(alert.updated_at + FORGOTTEN_S) == []


def test_there_is_a_bound_on_what_comes_from_outside() -> None:
    known = Firing()
    known.sent([firing(queue=str(number)) for number in range(AT_MOST + 5)])
    kept = known.foreign(firing().updated_at)
    assert (len(kept), kept[0].labels["queue"]) == (AT_MOST, "5")


def test_what_is_over_and_what_is_not_known_yet() -> None:
    known, alert = Firing(), firing(queue="a")
    cause = Cause(source=RULE, alert=LAG, fingerprint=alert.fingerprint)
    assert not known.over(cause)
    known.evaluated([replace(alert, blind_since=1.0)])
    assert (known.over(cause), known.blind(cause)) == (False, True)
    known.evaluated([])
    assert (known.over(cause), known.blind(cause)) == (True, False)
    assert not known.over(replace(cause, source=ALERTMANAGER))
