"""Which alerts lead to which repairs, and about what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.actions import BEGIN, DRIFT, LAG, actions, binding, firing, resolved

from rabbitwatch.actions.binding import ALERTMANAGER, RULE, bound, fitting
from rabbitwatch.actions.firing import AT_MOST, FORGOTTEN_S, Firing
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Cause, Target
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.foreign_alerts import SqliteForeignAlerts


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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteForeignAlerts]:
    database = Database.open(tmp_path)
    yield SqliteForeignAlerts(database)
    database.close()


@pytest.fixture
def known(store: SqliteForeignAlerts) -> Firing:
    return Firing(store)


def test_an_alert_of_both_sources_is_the_agents_own(known: Firing) -> None:
    known.evaluated([firing(queue="a")])
    known.sent([firing(queue="a"), firing(queue="b")])
    assert [alert.labels["queue"] for alert in known.own()] == ["a"]
    assert [alert.labels["queue"] for alert in known.foreign(firing().updated_at)] == ["b"]


def test_an_alertmanagers_alert_ends_when_it_says_so_or_is_silent_for_long(known: Firing) -> None:
    alert = firing(queue="a")
    known.sent([alert])
    known.sent([resolved(alert)])
    assert known.foreign(alert.updated_at) == []
    known.sent([alert])
    assert known.foreign(alert.updated_at + FORGOTTEN_S - 1) == [alert]
    assert known.foreign(alert.updated_at + FORGOTTEN_S) == []


def test_there_is_a_bound_on_what_comes_from_outside(known: Firing, store: SqliteForeignAlerts) -> None:
    known.sent([firing(queue=str(number)) for number in range(AT_MOST + 5)])
    kept = known.foreign(firing().updated_at)
    assert (len(kept), kept[0].labels["queue"]) == (AT_MOST, "5")
    assert store.load(0.0) == kept


def test_what_is_over_and_what_is_not_known_yet(known: Firing) -> None:
    alert = firing(queue="a")
    cause = Cause(source=RULE, alert=LAG, fingerprint=alert.fingerprint)
    assert not known.over(cause)
    known.evaluated([replace(alert, blind_since=1.0)])
    assert (known.over(cause), known.blind(cause)) == (False, True)
    known.evaluated([])
    assert (known.over(cause), known.blind(cause)) == (True, False)
    assert not known.over(replace(cause, source=ALERTMANAGER))


def test_what_an_alertmanager_has_sent_outlives_a_restart(known: Firing, store: SqliteForeignAlerts) -> None:
    old, over, stays = firing(queue="old"), firing(queue="over"), firing(queue="\x1b\u202e🐇", at=BEGIN + 60)
    known.sent([old, over, stays])
    known.sent([resolved(over)])
    again = Firing(store)
    again.recall(old.updated_at + FORGOTTEN_S + 1)
    assert again.foreign(stays.updated_at) == [stays]
    assert store.load(0.0) == [stays], "what is too old is gone"


def test_what_is_told_again_is_the_newest(known: Firing, store: SqliteForeignAlerts) -> None:
    first, second = firing(queue="a"), firing(queue="b")
    known.sent([first, second])
    known.sent([first])
    assert store.load(0.0) == [second, first]


def test_what_cannot_be_stored_was_not_taken(known: Firing, store: SqliteForeignAlerts) -> None:
    known.sent([firing(queue="a")])

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    store.change = full  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        known.sent([resolved(firing(queue="a")), firing(queue="b")])
    assert [alert.labels["queue"] for alert in known.foreign(BEGIN)] == ["a"]


def test_a_row_that_cannot_be_read_costs_no_other(known: Firing, store: SqliteForeignAlerts) -> None:
    known.sent([firing(queue="a"), firing(queue="b")])
    with store._database.transaction() as connection:
        connection.execute("UPDATE action_foreign_alerts SET alert = '{' WHERE number = 1")
    with capture_logs() as logs:
        assert [alert.labels["queue"] for alert in store.load(0.0)] == ["b"]
    assert [line["log_level"] for line in logs] == ["error"]
