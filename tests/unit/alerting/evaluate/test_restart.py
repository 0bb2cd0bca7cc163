"""`kill -9` at any moment: no alert goes back to pending, none that was announced is forgotten, none starts twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.alerting.evaluate.world import KilledError, RememberingStore, World, rules

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle
from rabbitwatch.errors import StorageError

RULES = """
groups:
- name: one
  rules:
  - {alert: Waits, expr: up == 0, for: 1m}
  - {alert: Keeps, expr: up == 0, keep_firing_for: 2m}
- name: two
  rules:
  - {alert: Other, expr: up == 0, for: 30s}
"""
BAD = {'up{node="a"}': 0.0}
GOOD = {'up{node="a"}': 1.0}
NOTHING: Callable[[], None] = lambda: None  # noqa: E731


def kill() -> None:
    raise KilledError


def by_name(cycle: Cycle) -> dict[str, Alert]:
    return {raised.alert.name: raised.alert for raised in cycle.alerts}


def firings(cycles: list[Cycle]) -> set[tuple[str, float | None]]:
    """What a notifier would announce: it knows an alert by its labels and by when it fired."""
    return {
        (raised.alert.name, raised.alert.fired_at)
        for cycle in cycles
        for raised in cycle.alerts
        if raised.alert.state is AlertState.FIRING
    }


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 13))
def test_a_kill_at_any_save_changes_nothing_that_was_announced(point: str, nth: int) -> None:
    """Twelve saves are six cycles of two groups; the process dies before or after the nth, and starts again at once."""
    store = RememberingStore()
    world = World(rules(RULES), store)
    left = nth

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            kill()

    store.before_save, store.after_save = (count, NOTHING) if point == "before" else (NOTHING, count)
    announced: list[Cycle] = []
    for at in (0.0, 15.0, 30.0, 45.0, 60.0, 75.0):
        try:
            announced.append(world.cycle(at, BAD))
        except KilledError:
            store.before_save = store.after_save = NOTHING
            world.restart(rules(RULES))
            announced.append(world.cycle(at, BAD))
    states = {name: alert.state for name, alert in by_name(announced[-1]).items()}
    assert set(states.values()) == {AlertState.FIRING}
    # at the very start nothing is stored yet, so that one kill costs what it must: nothing, as no time has passed
    assert firings(announced) == {("Waits", 60.0), ("Keeps", 0.0), ("Other", 30.0)}


def test_a_firing_alert_of_a_long_for_fires_at_the_first_evaluation_after_a_day() -> None:
    world = World(rules(RULES))
    for at in (0.0, 30.0, 60.0):
        world.cycle(at, BAD)
    world.restart(rules(RULES))
    assert by_name(world.cycle(86_400.0, BAD))["Waits"].state is AlertState.FIRING
    assert by_name(world.cycle(86_415.0, BAD))["Waits"].fired_at == 60.0


def test_before_the_first_evaluation_the_alerts_of_the_last_process_are_shown() -> None:
    world = World(rules(RULES))
    world.cycle(0.0, BAD)
    world.restart(rules(RULES))
    assert {raised.alert.name for raised in world.evaluator.alerts()} == {"Waits", "Keeps", "Other"}


def test_a_pending_alert_waits_on_without_the_time_nobody_looked() -> None:
    world = World(rules(RULES))
    world.cycle(0.0, BAD)
    world.cycle(15.0, BAD)
    world.restart(rules(RULES))
    assert by_name(world.cycle(615.0, BAD))["Waits"].active_at == 585.0  # 15 s watched, one interval, 45 s to go
    assert by_name(world.cycle(630.0, BAD))["Waits"].state is AlertState.PENDING
    assert by_name(world.cycle(645.0, BAD))["Waits"].state is AlertState.FIRING


def test_keep_firing_for_goes_on_where_it_was() -> None:
    world = World(rules(RULES))
    world.cycle(0.0, BAD)
    assert by_name(world.cycle(15.0, GOOD))["Keeps"].keep_firing_since == 15.0
    world.restart(rules(RULES))
    kept = by_name(world.cycle(120.0, GOOD))["Keeps"]
    assert (kept.state, kept.keep_firing_since) == (AlertState.FIRING, 15.0)
    ended = by_name(world.cycle(135.0, GOOD))["Keeps"]
    assert (ended.state, ended.resolved_at) == (AlertState.INACTIVE, 135.0)


def test_a_resolved_alert_is_still_told_after_a_restart() -> None:
    world = World(rules(RULES))
    for at in (0.0, 30.0):
        world.cycle(at, BAD)
    world.cycle(45.0, GOOD)
    world.restart(rules(RULES))
    assert by_name(world.cycle(60.0, GOOD))["Other"].resolved_at == 45.0
    assert "Other" not in by_name(world.cycle(45.0 + 901.0, GOOD))


def test_series_of_restored_alerts_end_when_they_resolve() -> None:
    world = World(rules(RULES))
    for at in (0.0, 30.0):
        world.cycle(at, BAD)
    kept = world.storage.all()
    world.restart(rules(RULES))
    for series in kept:  # the window's history is kept over a restart
        for at_ms, value in zip(series.timestamps, series.values, strict=True):
            world.storage.append(series.labels, at_ms, value)
    world.cycle(45.0, GOOD)
    assert world.query('ALERTS{alertname="Other"}', 45.0) == {}


def test_alerts_of_rules_that_went_while_the_agent_was_down_resolve_and_are_forgotten() -> None:
    world = World(rules(RULES))
    for at in (0.0, 30.0):
        world.cycle(at, BAD)
    world.restart(rules(RULES.replace("alert: Keeps", "alert: Kept").split("- name: two")[0]))
    found = by_name(world.cycle(60.0, BAD))
    assert (found["Other"].state, found["Other"].resolved_at) == (AlertState.INACTIVE, 60.0)
    assert (found["Keeps"].state, found["Keeps"].resolved_at) == (AlertState.INACTIVE, 60.0)
    assert set(world.store.groups) == {"one"}


def test_a_full_disk_silences_nothing_and_is_said() -> None:
    world = World(rules(RULES))

    def full() -> None:
        raise StorageError("the database is full")

    world.store.before_save = full
    cycle = world.cycle(0.0, BAD)
    assert by_name(cycle)["Keeps"].state is AlertState.FIRING
    assert cycle.unsaved == "the database is full"
    world.store.before_save = NOTHING
    assert world.cycle(15.0, BAD).unsaved == ""
    assert {s.alert.name for s in world.store.groups["one"].alerts} == {"Waits", "Keeps"}


def test_nothing_is_written_while_there_are_no_alerts() -> None:
    world = World(rules(RULES))
    for at in (0.0, 15.0, 30.0):
        world.cycle(at, GOOD)
    assert world.store.saves == 0
