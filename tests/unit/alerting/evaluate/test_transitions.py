"""One alert from evaluation to evaluation: Prometheus' machine, and the hold of a blind alert."""

from __future__ import annotations

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.transitions import (
    OUTAGE_TOLERANCE_S,
    RESOLVED_RETENTION_S,
    Timing,
    resumed,
    seen,
    unseen,
)
from rabbitwatch.promql.labels import LabelSet

LABELS = LabelSet.of({"alertname": "Down", "node": "a"})
FIVE_MINUTES = Timing(for_s=300.0)


def see(before: Alert | None, now: float, timing: Timing = FIVE_MINUTES, value: float = 1.0) -> Alert:
    return seen(before, LABELS, {"summary": "x"}, value, now, timing)


def firing(timing: Timing = FIVE_MINUTES) -> Alert:
    return see(see(None, 0.0, timing), 300.0, timing)


def alive(alert: Alert | None) -> Alert:
    assert alert is not None
    return alert


def test_without_for_it_fires_at_once() -> None:
    alert = see(None, 10.0, Timing())
    assert (alert.state, alert.active_at, alert.fired_at) == (AlertState.FIRING, 10.0, 10.0)


def test_it_waits_for_and_fires_on_the_exact_second() -> None:
    pending = see(None, 0.0)
    assert pending.state is AlertState.PENDING
    assert see(pending, 299.9).state is AlertState.PENDING
    fired = see(pending, 300.0)
    assert (fired.state, fired.active_at, fired.fired_at) == (AlertState.FIRING, 0.0, 300.0)


def test_value_and_annotations_follow_while_the_times_stay() -> None:
    later = see(firing(), 400.0, value=7.0)
    assert (later.value, later.active_at, later.fired_at) == (7.0, 0.0, 300.0)


def test_a_pending_alert_that_ends_leaves_nothing() -> None:
    assert unseen(see(None, 0.0), 15.0, FIVE_MINUTES, blind=False) is None


def test_a_firing_alert_that_ends_is_kept_as_resolved_for_a_quarter_of_an_hour() -> None:
    resolved = alive(unseen(firing(), 400.0, FIVE_MINUTES, blind=False))
    assert (resolved.state, resolved.resolved_at) == (AlertState.INACTIVE, 400.0)
    assert unseen(resolved, 400.0 + RESOLVED_RETENTION_S, FIVE_MINUTES, blind=False) is resolved
    assert unseen(resolved, 400.1 + RESOLVED_RETENTION_S, FIVE_MINUTES, blind=False) is None


def test_a_resolved_alert_that_comes_back_starts_anew() -> None:
    resolved = alive(unseen(firing(), 400.0, FIVE_MINUTES, blind=False))
    again = see(resolved, 415.0)
    assert (again.state, again.active_at, again.fired_at, again.resolved_at) == (AlertState.PENDING, 415.0, None, None)


def test_a_for_that_grew_sends_it_back_to_pending() -> None:
    assert see(firing(), 400.0, Timing(for_s=600.0)).state is AlertState.PENDING
    assert see(firing(), 700.0, Timing(for_s=600.0)).state is AlertState.FIRING


def test_a_clock_that_is_set_back_does_not_unfire() -> None:
    assert see(firing(), -3600.0).state is AlertState.FIRING


def test_keep_firing_for_holds_it_and_then_lets_go() -> None:
    timing = Timing(for_s=300.0, keep_firing_for_s=60.0)
    kept = alive(unseen(firing(timing), 400.0, timing, blind=False))
    assert (kept.state, kept.keep_firing_since) == (AlertState.FIRING, 400.0)
    kept = alive(unseen(kept, 459.0, timing, blind=False))
    assert (kept.state, kept.keep_firing_since) == (AlertState.FIRING, 400.0)
    assert alive(unseen(kept, 460.0, timing, blind=False)).resolved_at == 460.0


def test_keep_firing_for_starts_over_when_the_alert_was_seen_again() -> None:
    timing = Timing(for_s=300.0, keep_firing_for_s=60.0)
    kept = alive(unseen(firing(timing), 400.0, timing, blind=False))
    seen_again = see(kept, 430.0, timing)
    assert seen_again.keep_firing_since is None
    assert alive(unseen(seen_again, 445.0, timing, blind=False)).keep_firing_since == 445.0


def test_a_pending_alert_is_not_kept_by_keep_firing_for() -> None:
    assert unseen(see(None, 0.0), 15.0, Timing(for_s=300.0, keep_firing_for_s=60.0), blind=False) is None


class TestBlind:
    HOLD = Timing(for_s=300.0, blind_hold_s=900.0)

    def test_a_firing_alert_is_held_and_says_since_when(self) -> None:
        held = alive(unseen(firing(), 400.0, self.HOLD, blind=True))
        assert (held.state, held.blind_since) == (AlertState.FIRING, 400.0)
        assert alive(unseen(held, 1299.0, self.HOLD, blind=True)).blind_since == 400.0

    def test_the_hold_ends(self) -> None:
        held = alive(unseen(firing(), 400.0, self.HOLD, blind=True))
        ended = alive(unseen(held, 1300.0, self.HOLD, blind=True))
        assert (ended.state, ended.resolved_at, ended.blind_since) == (AlertState.INACTIVE, 1300.0, 400.0)

    def test_a_hold_of_nothing_is_prometheus(self) -> None:
        assert alive(unseen(firing(), 400.0, FIVE_MINUTES, blind=True)).resolved_at == 400.0

    def test_it_resolves_as_soon_as_somebody_can_look(self) -> None:
        held = alive(unseen(firing(), 400.0, self.HOLD, blind=True))
        resolved = alive(unseen(held, 415.0, self.HOLD, blind=False))
        assert (resolved.resolved_at, resolved.blind_since) == (415.0, None)

    def test_it_goes_on_when_it_is_seen_again(self) -> None:
        held = alive(unseen(firing(), 400.0, self.HOLD, blind=True))
        again = see(held, 415.0, self.HOLD)
        assert (again.state, again.blind_since, again.fired_at) == (AlertState.FIRING, None, 300.0)

    def test_a_pending_alert_neither_ends_nor_fires_while_blind(self) -> None:
        held = alive(unseen(see(None, 0.0), 15.0, self.HOLD, blind=True))
        held = alive(unseen(held, 600.0, self.HOLD, blind=True))
        assert (held.state, held.blind_since) == (AlertState.PENDING, 15.0)
        assert unseen(held, 915.0, self.HOLD, blind=True) is None

    def test_keep_firing_for_follows_the_hold(self) -> None:
        timing = Timing(keep_firing_for_s=60.0, blind_hold_s=900.0)
        held = alive(unseen(firing(), 400.0, timing, blind=True))
        kept = alive(unseen(held, 1300.0, timing, blind=True))
        assert (kept.state, kept.keep_firing_since, kept.blind_since) == (AlertState.FIRING, 1300.0, 400.0)
        assert alive(unseen(kept, 1360.0, timing, blind=True)).resolved_at == 1360.0


class TestRestart:
    def test_a_firing_alert_fires_on_whatever_the_pause(self) -> None:
        stored = firing()
        assert resumed(stored, 300.0, 300.0 + 10 * OUTAGE_TOLERANCE_S, 15.0) == stored
        assert see(resumed(stored, 300.0, 301.0, 15.0), 301.0).state is AlertState.FIRING

    def test_a_pending_alert_does_not_wait_while_nobody_looks(self) -> None:
        stored = see(None, 0.0)
        after = alive(resumed(stored, 60.0, 60.0 + 615.0, 15.0))
        assert after.active_at == 600.0
        assert see(after, 675.0).state is AlertState.PENDING
        assert see(after, 900.0).state is AlertState.FIRING

    def test_a_quick_restart_costs_a_pending_alert_nothing(self) -> None:
        assert alive(resumed(see(None, 0.0), 60.0, 70.0, 15.0)).active_at == 0.0

    def test_after_a_long_pause_a_pending_alert_starts_anew(self) -> None:
        assert resumed(see(None, 0.0), 60.0, 61.0 + OUTAGE_TOLERANCE_S, 15.0) is None

    def test_a_clock_that_went_back_does_not_move_the_start_into_the_future(self) -> None:
        assert alive(resumed(see(None, 1000.0), 1060.0, 500.0, 15.0)).active_at == 500.0
