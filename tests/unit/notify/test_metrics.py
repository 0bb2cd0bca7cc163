from __future__ import annotations

from prometheus_client import CollectorRegistry

from rabbitwatch.errors import DeliveryError
from rabbitwatch.metrics.own_families import OF_NOTICES
from rabbitwatch.notify.metrics import Figures, NoticeCounts, NoticeMetrics, labels_of, no_figures
from rabbitwatch.notify.push import Figures as Handed
from rabbitwatch.notify.receivers.waiting import Ending, Outcome

SLACK, MAIL = "team/slack[0]", "ops/team/email[1]"
FAILED = DeliveryError("no way")


class Counted:
    def __init__(self) -> None:
        self.now = 100.0
        self.counts = NoticeCounts(lambda: self.now)
        self.counts.begin([SLACK, MAIL])
        self.figures = no_figures()
        self.registry = CollectorRegistry()
        self.registry.register(NoticeMetrics(self.counts, lambda: self.figures))

    def of(self, name: str, key: str = SLACK) -> float | None:
        receiver, integration = labels_of(key)
        labels = {"receiver": receiver, "integration": integration}
        return self.registry.get_sample_value(f"rabbitwatch_{name}", labels)


def test_every_count_begins_at_nought() -> None:
    counted = Counted()
    assert labels_of(MAIL) == ("ops/team", "email[1]")
    for name in ("notifications_total", "notifications_failed_total", "notification_requests_total",
                 "notification_requests_failed_total", "notification_failing_seconds"):  # fmt: skip
        assert [counted.of(name, key) for key in (SLACK, MAIL)] == [0.0, 0.0]


def test_tries_and_ends_are_counted_each_for_itself() -> None:
    counted = Counted()
    counted.counts.tried(SLACK, 0.5, FAILED)
    counted.counts.tried(SLACK, 0.25, None)
    counted.counts.ended(SLACK, Outcome(ending=Ending.SENT, tries=2))
    counted.counts.ended(SLACK, Outcome(ending=Ending.REPLACED, tries=0))
    counted.counts.lost(MAIL)
    assert counted.of("notifications_total") == 1
    assert counted.of("notification_requests_total") == 2
    assert counted.of("notification_requests_failed_total") == 1
    assert counted.of("notification_request_seconds_total") == 0.75
    assert (counted.of("notifications_failed_total"), counted.of("notifications_failed_total", MAIL)) == (0, 1)


def test_failing_lasts_from_the_first_failure_in_a_row_to_the_next_success() -> None:
    counted = Counted()
    counted.counts.tried(SLACK, 0.1, FAILED)
    counted.now = 130.0
    counted.counts.tried(SLACK, 0.1, FAILED)
    counted.now = 190.0
    assert (counted.of("notification_failing_seconds"), counted.of("notification_failing_seconds", MAIL)) == (90, 0)
    counted.counts.tried(SLACK, 0.1, None)
    assert counted.of("notification_failing_seconds") == 0


def test_nobody_fails_who_has_nothing_left_to_tell() -> None:
    counted = Counted()
    for key in (SLACK, MAIL):
        counted.counts.tried(key, 0.1, FAILED)
    counted.now = 130.0
    counted.counts.idle(SLACK)
    counted.counts.idle("of an old configuration/file[0]")
    assert (counted.of("notification_failing_seconds"), counted.of("notification_failing_seconds", MAIL)) == (0, 30)


def test_a_reload_keeps_counts_and_forgets_who_is_gone() -> None:
    counted = Counted()
    for key in (SLACK, MAIL):
        counted.counts.tried(key, 0.1, None)
    counted.counts.begin([SLACK, "new/file[0]"])
    counted.counts.tried(MAIL, 0.1, None)
    assert counted.of("notification_requests_total") == 1
    assert counted.of("notification_requests_total", MAIL) is None
    assert counted.of("notification_requests_total", "new/file[0]") == 0


def test_what_is_read_off_the_parts() -> None:
    counted = Counted()
    handed = Handed(
        alertmanager="http://am", sent=5, errors=1, dropped=2, waiting=3, seconds=0.5, posts=4, sent_at=None
    )
    counted.figures = Figures(waiting={SLACK: 3}, groups=7, log_failures=2, alertmanagers=[handed])
    value = counted.registry.get_sample_value
    assert counted.of("notification_queue_length") == 3
    assert value("rabbitwatch_notification_groups") == 7
    assert value("rabbitwatch_notification_log_failures_total") == 2
    labels = {"alertmanager": "http://am"}
    assert value("rabbitwatch_alertmanager_alerts_sent_total", labels) == 5
    assert value("rabbitwatch_alertmanager_requests_failed_total", labels) == 1
    assert value("rabbitwatch_alertmanager_last_success_timestamp_seconds", labels) is None, "unknown is not 1970"


def test_all_that_is_declared_is_told() -> None:
    told = {f"{m.name}_total" if m.type == "counter" else m.name for m in Counted().registry.collect()}
    assert told == {family.name for family in OF_NOTICES}
