"""Notices as a part of the program: wiring, reload, restart, and that nobody waits for anybody."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.waiting import until
from tests.support.webhookserver import Hang, WebhookServer

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle, Raised
from rabbitwatch.config.change import apply
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.matchers import parse_matchers
from rabbitwatch.config.models import Config
from rabbitwatch.errors import ConfigError
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.notice import Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.model.silence import SilenceDraft
from rabbitwatch.notification import Notification, external_url
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.deliveries import SqliteDeliveries

QUICK = {"group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
SOON = 15.0
BROKEN = {"name": "team", "slack_configs": [{"bot_token": "xoxb-1", "channel": "#ops", "mention": "bob"}]}
"""Has its shape, and cannot be made."""


def loaded(folder: Path, **sections: Any) -> Loaded:
    config = Config.model_validate({"storage": {"path": folder}, **sections})
    return Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())


def raised(name: str, *, resolved_at: float | None = None, expr: str = "up == 0", **labels: str) -> Raised:
    alert = Alert(
        labels=LabelSet.of({"alertname": name, **labels}),
        annotations={"summary": name},
        state=AlertState.FIRING if resolved_at is None else AlertState.INACTIVE,
        value=1.0,
        active_at=time.time() - 60,
        fired_at=time.time() - 50,
        resolved_at=resolved_at,
    )
    return Raised("group", expr, alert)


def cycle(*alerts: Raised, ago: float = 0.0) -> Cycle:
    return Cycle(time.time() - ago, ["group"], [], alerts)


class Part:
    """A notification over a folder, which can be ended and begun again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = OwnMetrics()

    def begin(self, **sections: Any) -> Notification:
        self.own = OwnMetrics()
        self.database = Database.open(self.folder)
        configured = loaded(self.folder, **sections)
        self.notification = Notification(configured, self.own, self.database)
        self.notification.begin(configured)
        return self.notification

    def reload(self, **sections: Any) -> None:
        apply(loaded(self.folder, **sections), [self.notification.prepare])

    def end(self) -> None:
        self.notification.stop()
        self.database.close()

    def metric(self, name: str, **labels: str) -> float | None:
        return self.own.registry.get_sample_value(name, labels)


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    made = Part(tmp_path)
    yield made
    made.end()


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as made:
        yield made


def hook(server: WebhookServer, path: str = "", name: str = "team") -> dict[str, Any]:
    return {"name": name, "webhook_configs": [{"url": server.url + path}]}


def told(server: WebhookServer) -> list[tuple[str, str, list[str]]]:
    found = [(post.path, post.json()) for post in server.posts]
    return [(path, body["status"], sorted(a["labels"]["alertname"] for a in body["alerts"])) for path, body in found]


def names_of_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("notify", "push"))}


def test_without_route_and_alertmanagers_there_is_no_thread_and_the_book_answers(part: Part) -> None:
    before = names_of_threads()
    notification = part.begin()
    notification.take(cycle(raised("B"), raised("A")))
    assert names_of_threads() == before
    assert [(s.alert.name, s.state, s.receivers) for s in notification.book.alerts()] == [
        ("A", "active", []),
        ("B", "active", []),
    ]
    assert notification.book.groups() == []


def test_an_evaluation_that_was_overtaken_is_left_out_unless_the_clock_was_set_back(part: Part) -> None:
    notification = part.begin()
    for ago, name, known in ((0.0, "A", "A"), (5.0, "B", "A"), (3600.0, "C", "C")):
        notification.take(cycle(raised(name), ago=ago))
        assert [status.alert.name for status in notification.book.alerts()] == [known]


def test_alerts_leave_with_external_labels_and_a_link(part: Part, server: WebhookServer) -> None:
    notification = part.begin(
        route={"receiver": "team", **QUICK},
        receivers=[hook(server)],
        rules={"external_labels": {"site": "here", "cluster": "not this"}},
        notify={"external_url": "https://watch.example.org/"},
    )
    notification.take(cycle(raised("A", cluster="orders", expr='up{a="b"} == 0')))
    (post,) = server.wait_for(1, SOON)
    (alert,) = post.json()["alerts"]
    assert alert["labels"] == {"alertname": "A", "cluster": "orders", "site": "here"}
    assert alert["generatorURL"] == "https://watch.example.org/graph?g0.expr=up%7Ba%3D%22b%22%7D+%3D%3D+0&g0.tab=1"
    assert post.json()["externalURL"] == "https://watch.example.org"
    assert [status.state for status in notification.book.alerts()] == ["active"]


def test_the_link_without_external_url_names_this_machine(tmp_path: Path) -> None:
    assert external_url(loaded(tmp_path, web={"listen": "127.0.0.1:1234"})).endswith(":1234")


def test_a_receiver_that_hangs_delays_no_other_and_no_evaluation(part: Part, server: WebhookServer) -> None:
    server.answer("/dead", Hang())
    receivers = [{"name": "team", "webhook_configs": [{"url": f"{server.url}/{path}"} for path in ("dead", "alive")]}]
    notification = part.begin(route={"receiver": "team", **QUICK}, receivers=receivers)
    began = time.monotonic()
    for number in range(5):
        notification.take(cycle(*(raised(f"A{n}") for n in range(number + 1))))
    assert time.monotonic() - began < 1.0, "take waited"
    alive = ["team", "webhook[1]"]
    until(lambda: len([p for p in server.posts if p.path == "/alive"]) == 5, "the other is told", SOON)
    labels = dict(zip(("receiver", "integration"), alive, strict=True))
    until(lambda: part.metric("rabbitwatch_notifications_total", **labels) == 5.0, "it is counted", SOON)
    assert part.metric("rabbitwatch_notifications_total", receiver="team", integration="webhook[0]") == 0.0
    assert part.metric("rabbitwatch_notification_queue_length", receiver="team", integration="webhook[0]") == 5.0
    assert part.metric("rabbitwatch_notification_groups") == 5.0


def test_a_reload_swaps_receivers_and_tells_nothing_twice(part: Part, server: WebhookServer) -> None:
    notification = part.begin(route={"receiver": "team", **QUICK}, receivers=[hook(server, "/old")])
    notification.take(cycle(raised("A")))
    server.wait_for(1, SOON)
    until(lambda: len(notification.log.entries()) == 1, "it is written down", SOON)
    part.reload(route={"receiver": "team", **QUICK}, receivers=[hook(server, "/new")])
    notification.take(cycle(raised("A"), raised("B")))
    server.wait_for(2, SOON)
    time.sleep(1.5)
    assert told(server) == [("/old", "firing", ["A"]), ("/new", "firing", ["B"])]


def test_a_receiver_that_hangs_is_replaced_and_the_new_one_is_told(part: Part, server: WebhookServer) -> None:
    server.answer("/dead", Hang())
    notification = part.begin(route={"receiver": "team", **QUICK}, receivers=[hook(server, "/dead")])
    notification.take(cycle(raised("A")))
    server.wait_for(1, SOON)
    part.reload(route={"receiver": "team", **QUICK}, receivers=[hook(server, "/new")])
    server.wait_for(2, SOON)
    assert told(server)[1] == ("/new", "firing", ["A"])


def test_a_reload_that_is_refused_changes_nothing(part: Part, server: WebhookServer) -> None:
    route = {"receiver": "team", **QUICK}
    notification = part.begin(route=route, receivers=[hook(server)])
    with pytest.raises(ConfigError, match="restart to apply it"):
        part.reload(route=route, receivers=[hook(server)], notify={"peer": {"url": "http://b:9419", "position": 1}})
    with pytest.raises(ConfigError, match="mention"):
        part.reload(route=route, receivers=[BROKEN])
    notification.take(cycle(raised("A")))
    server.wait_for(1, SOON)
    assert notification.config.receivers[0].webhook_configs[0].url is not None


def test_what_cannot_begin_says_so(tmp_path: Path) -> None:
    part = Part(tmp_path)
    with pytest.raises(ConfigError, match="mention"):
        part.begin(route={"receiver": "team"}, receivers=[BROKEN])
    part.end()


def test_a_route_may_come_with_a_reload(part: Part, server: WebhookServer) -> None:
    notification = part.begin()
    notification.take(cycle(raised("A")))
    part.reload(route={"receiver": "team", **QUICK}, receivers=[hook(server)])
    server.wait_for(1, SOON)


def restarted(part: Part, server: WebhookServer, after: Callable[[], Cycle]) -> None:
    sections = {"route": {"receiver": "team", **QUICK}, "receivers": [hook(server)]}
    notification = part.begin(**sections)
    notification.take(cycle(raised("A"), raised("B")))
    server.wait_for(2, SOON)
    until(lambda: len(notification.log.entries()) == 2, "both are written down", SOON)
    part.end()
    part.begin(**sections).take(after())


def test_after_a_restart_only_news_is_told(part: Part, server: WebhookServer) -> None:
    restarted(part, server, lambda: cycle(raised("A"), raised("B", resolved_at=time.time()), raised("C")))
    server.wait_for(4, SOON)
    time.sleep(1.5)
    assert sorted(told(server)[2:]) == [("/", "firing", ["C"]), ("/", "resolved", ["B"])]


def test_what_the_evaluator_has_forgotten_meanwhile_is_ended(part: Part, server: WebhookServer) -> None:
    """It resolved before the kill, and the agent was down for longer than resolved alerts are kept."""
    restarted(part, server, lambda: cycle(raised("A")))
    posts = server.wait_for(3, SOON)
    body = posts[2].json()
    assert (body["status"], body["alerts"][0]["labels"]["alertname"]) == ("resolved", "B")
    assert body["alerts"][0]["annotations"] == {"summary": "B"}
    time.sleep(1.5)
    assert len(server.posts) == 3


def test_a_full_disk_keeps_nobody_quiet(part: Part, server: WebhookServer) -> None:
    notification = part.begin(route={"receiver": "team", **QUICK}, receivers=[hook(server)])
    failures = "rabbitwatch_notification_log_failures_total"
    assert part.metric(failures) == 0.0
    limit_pages(part.database, to="page_count")
    many = [raised(f"A{n}", text=os.urandom(3000).hex()) for n in range(20)]
    notification.take(cycle(*many))
    server.wait_for(20, SOON)
    until(lambda: (part.metric(failures) or 0.0) > 0, "the trouble is counted", SOON)
    notification.take(cycle(*many))
    time.sleep(1.5)
    assert len(server.posts) == 20, "told twice because it could not be stored"
    limit_pages(part.database, to="1000000")
    notification.take(cycle(*many, raised("B")))
    server.wait_for(21, SOON)
    until(lambda: len(SqliteDeliveries(part.database).entries()) == 21, "all is stored again", SOON)


def limit_pages(database: Database, to: str) -> None:
    """Let the file grow no further than this, as on a full disk."""
    with database.transaction() as connection:
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {count if to == 'page_count' else to}")


def test_alertmanagers_are_handed_every_alert(part: Part, server: WebhookServer) -> None:
    notification = part.begin(alertmanagers=[{"url": server.url}])
    notification.take(cycle(raised("A"), raised("B", resolved_at=time.time())))
    (post,) = server.wait_for(1, SOON)
    assert post.path == "/api/v2/alerts"
    assert sorted(alert["labels"]["alertname"] for alert in post.json()) == ["A", "B"]
    sent = "rabbitwatch_alertmanager_alerts_sent_total"
    until(lambda: part.metric(sent, alertmanager=server.url) == 2.0, "it is counted", SOON)
    part.reload(alertmanagers=[])
    assert part.metric(sent, alertmanager=server.url) is None


def test_ended_silences_are_kept_for_the_configured_time(part: Part) -> None:
    notification = part.begin(notify={"retention": "1d"})
    now = time.time()
    draft = SilenceDraft(
        matchers=parse_matchers("a=b"), starts_at=now, ends_at=now + 60, created_by="ann", comment="import"
    )
    ended = notification.silences.expire(notification.silences.set(draft).id)
    notification.tidy()
    assert notification.silences.all() == [ended]
    part.reload(notify={"retention": "1ms"})
    time.sleep(0.01)
    notification.tidy()
    assert notification.silences.all() == []


def test_what_is_old_is_forgotten(tmp_path: Path, server: WebhookServer) -> None:
    at = time.time()
    configured = loaded(tmp_path, route={"receiver": "team", **QUICK}, receivers=[hook(server)])
    database = Database.open(tmp_path)
    notification = Notification(configured, OwnMetrics(), database, now=lambda: at)
    notification.begin(configured)
    notification.take(cycle(raised("A")))
    until(lambda: len(notification.log.entries()) == 1, "it is written down", SOON)
    notification.tidy()
    assert len(notification.log.entries()) == 1
    at += configured.config.notify.retention + 60
    notification.tidy()
    assert len(notification.log.entries()) == 1, "what still fires would be told as new"
    notification.take(cycle())
    until(lambda: notification.log.entries()[0].resolved, "its end is told", SOON)
    at += configured.config.notify.retention + 60
    until(lambda: not notification.book.groups(), "its group is gone", SOON)
    notification.tidy()
    assert notification.log.entries() == []
    notification.stop()
    database.close()


def test_what_is_said_about_an_alert_is_told_at_once_and_after_a_restart_not_again(
    part: Part, server: WebhookServer
) -> None:
    sections: dict[str, Any] = {
        "route": {"receiver": "team", **QUICK, "group_interval": "1h"},
        "receivers": [hook(server)],
    }
    notification = part.begin(**sections)
    notification.take(cycle(raised("A")))
    server.wait_for(1, SOON)
    until(lambda: bool(notification.log.entries()), "it is noted", SOON)
    (status,) = notification.book.alerts()
    said = Remark(id="1", at=time.time(), text="would sync 2 queues:\norders, mails", loud=True)
    notification.remarks.post(status.alert.fingerprint, said)
    notification.remarks.post(status.alert.fingerprint, Remark(id="2", at=time.time(), text="40 %", loud=False))
    told_of = server.wait_for(2, SOON)[-1].json()["alerts"]
    assert [each["annotations"] for each in told_of] == [{"summary": "A", "action": said.text}]
    (status,) = notification.book.alerts()
    assert status.alert.annotations["action"] == said.text
    noted = notification.log.entries
    until(lambda: any(entry.reason is Reason.REMARKED for entry in noted()), "that is noted, too", SOON)
    part.end()
    part.begin(**sections).take(cycle(raised("A")))
    time.sleep(1.0)
    assert len(server.posts) == 2
