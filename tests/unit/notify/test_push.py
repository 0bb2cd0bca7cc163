"""What Alertmanagers are told and when: the cases of Prometheus' alert_generator acceptance (states, payload, resend),
and what happens when an Alertmanager is ill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr
from tests.support.lanes import Clock, no_thread
from tests.support.notices import NOW, alert
from tests.support.webhookserver import Hang, Raw, Reaction, Reply, Reset, WebhookServer

from rabbitwatch.config.notices import AlertmanagerConfig
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.push import BATCH, PATH, Push
from rabbitwatch.notify.remarks import remarked


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as running:
        yield running


class Hand:
    """A Push that the test moves by hand; `pass_time` moves both clocks. chance 1: every pause at its longest."""

    def __init__(self, *urls: str, interval: float = 15.0, timeout: float = 5.0, **more: Any) -> None:
        self.mono, self.now = Clock(), Clock(NOW)
        configs = [AlertmanagerConfig(url=url, timeout=timeout, **more) for url in urls]
        self.push = Push(configs, interval=interval, now=self.now, clock=self.mono, chance=lambda: 1.0, spawn=no_thread)

    def take(self, *alerts: OutAlert) -> float | None:
        """One evaluation, and everything that is posted because of it; how long until something is tried again."""
        self.push.take(alerts)
        return self.settle()

    def settle(self) -> float | None:
        waits = [self._settle(instance) for instance in self.push.instances]
        return min((wait for wait in waits if wait is not None), default=None)

    def _settle(self, instance: Any) -> float | None:
        while (wait := instance.step()) == 0:
            pass
        return wait  # type: ignore[no-any-return]

    def pass_time(self, seconds: float) -> None:
        self.mono.at += seconds
        self.now.at += seconds


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def told(server: WebhookServer) -> list[dict[str, Any]]:
    return [each for post in server.posts for each in post.json()]


def test_the_payload_of_a_firing_alert(server: WebhookServer) -> None:
    Hand(server.url).take(alert(queue="q"))
    [post] = server.posts
    assert post.path == PATH == "/api/v2/alerts"
    assert post.headers["content-type"] == "application/json"
    assert post.json() == [
        {
            "labels": {"alertname": "QueueDeep", "cluster": "orders", "queue": "q", "severity": "warning"},
            "annotations": {"summary": "q is deep"},
            "startsAt": "2023-11-14T22:09:20Z",
            "endsAt": "2023-11-14T22:17:20Z",
            "generatorURL": "http://agent:9419/graph?g0.expr=up&g0.tab=1",
        }
    ]


@pytest.mark.parametrize(("interval", "valid"), [(15.0, 240.0), (60.0, 240.0), (90.0, 360.0)])
def test_while_it_fires_its_end_is_four_times_the_longer_of_interval_and_resend_after_the_sending(
    server: WebhookServer, interval: float, valid: float
) -> None:
    hand = Hand(server.url, interval=interval)
    hand.take(alert())
    assert seconds(told(server)[0]["endsAt"]) == NOW + valid


def test_it_is_sent_again_once_a_minute_and_not_at_every_evaluation(server: WebhookServer) -> None:
    hand = Hand(server.url)
    sent_at = []
    for _ in range(21):
        before = len(server.posts)
        hand.take(alert())
        sent_at += [hand.now.at - NOW] * (len(server.posts) - before)
        hand.pass_time(15)
    assert sent_at == [0, 60, 120, 180, 240, 300]
    assert [seconds(each["endsAt"]) - NOW for each in told(server)] == [at + 240 for at in sent_at]
    assert {each["startsAt"] for each in told(server)} == {"2023-11-14T22:09:20Z"}


def test_what_is_said_about_it_is_sent_at_once_and_once(server: WebhookServer) -> None:
    hand, about = Hand(server.url), alert()
    said = [Remark(id=each, at=NOW, text=each, loud=True) for each in ("would sync", "would sync\nand restore")]
    for shown in (about, *(remarked(about, each) for each in said)):
        for _ in range(2):
            hand.take(shown)
            hand.pass_time(1)
    assert [each["annotations"].get("action") for each in told(server)] == [
        None,
        "would sync",
        "would sync\nand restore",
    ]
    assert len({str(each["labels"]) for each in told(server)}) == 1


def test_its_end_is_sent_at_once_and_then_for_as_long_as_it_is_known(server: WebhookServer) -> None:
    hand = Hand(server.url)
    hand.take(alert())
    hand.pass_time(15)
    ended = replace(alert(), ends_at=hand.now.at)
    for _ in range(60):
        hand.take(ended)
        hand.pass_time(15)
    hand.take()
    hand.pass_time(60)
    hand.take()
    resolved = told(server)[1:]
    assert {seconds(each["endsAt"]) for each in resolved} == {NOW + 15}
    assert len(resolved) == 15


def test_one_that_fires_again_is_sent_at_once_with_its_new_start(server: WebhookServer) -> None:
    hand = Hand(server.url)
    hand.take(replace(alert(), ends_at=NOW))
    hand.pass_time(15)
    hand.take(replace(alert(), starts_at=NOW + 15))
    first, again = told(server)
    assert seconds(first["endsAt"]) == NOW
    assert (seconds(again["startsAt"]), seconds(again["endsAt"])) == (NOW + 15, NOW + 15 + 240)


def test_one_that_was_gone_is_sent_at_once_when_it_is_back(server: WebhookServer) -> None:
    hand = Hand(server.url)
    for alerts in ([alert()], [], [alert()]):
        hand.take(*alerts)
        hand.pass_time(15)
    assert len(server.posts) == 2


def test_every_alertmanager_is_told(server: WebhookServer) -> None:
    with WebhookServer() as other:
        Hand(server.url, other.url).take(alert())
        assert told(server) == told(other) != []


def test_an_address_with_a_prefix_keeps_it(server: WebhookServer) -> None:
    Hand(server.url + "/alertmanager/").take(alert())
    assert server.posts[0].path == "/alertmanager/api/v2/alerts"


def test_two_agents_send_the_same_label_sets(server: WebhookServer) -> None:
    for _ in range(2):
        Hand(server.url).take(alert(queue="q"))
    one, two = told(server)
    assert one == two


def test_many_go_in_batches_and_none_is_lost(server: WebhookServer) -> None:
    alerts = [alert(queue=f"q{number}") for number in range(5000)]
    hand = Hand(server.url)
    hand.take(*alerts)
    assert {len(post.json()) for post in server.posts} == {BATCH, 5000 % BATCH}
    assert sorted(each["labels"]["queue"] for each in told(server)) == sorted(a.labels["queue"] for a in alerts)
    [figures] = hand.push.figures()
    assert (figures.sent, figures.dropped, figures.waiting, figures.posts) == (5000, 0, 0, len(server.posts))


@pytest.mark.parametrize("reaction", [Reply(500), Reply(503), Reply(429), Hang(), Reset(), Raw([b"no http\r\n"])])
def test_what_was_not_taken_is_tried_again_after_a_pause(server: WebhookServer, reaction: Reaction) -> None:
    server.answer(PATH, reaction, reaction, Reply())
    hand = Hand(server.url, timeout=0.3)
    assert hand.take(alert()) == pytest.approx(1)
    hand.pass_time(0.5)
    assert hand.take(alert()) == pytest.approx(0.5)
    hand.pass_time(0.5)
    assert hand.settle() == pytest.approx(2)
    hand.pass_time(2)
    assert hand.settle() is None
    assert len(server.posts) == 3
    [figures] = hand.push.figures()
    assert (figures.sent, figures.errors, figures.dropped, figures.waiting) == (1, 2, 0, 0)
    assert figures.sent_at == hand.now.at


def test_retry_after_is_waited_for(server: WebhookServer) -> None:
    server.answer(PATH, Reply(429, b"", {"Retry-After": "40"}), Reply())
    assert Hand(server.url).take(alert()) == 40


def test_one_that_was_away_is_told_what_is_and_with_an_end_in_the_future(server: WebhookServer) -> None:
    server.answer(PATH, Reply(503))
    hand = Hand(server.url)
    fires, ends = alert(queue="fires"), alert(queue="ends")
    for _ in range(40):
        hand.take(fires, ends)
        hand.pass_time(15)
    server.posts.clear()
    server.answer(PATH, Reply())
    hand.take(fires, replace(ends, ends_at=hand.now.at))
    hand.pass_time(60)
    hand.settle()
    by_queue = {each["labels"]["queue"]: each for each in told(server)}
    assert len(told(server)) == 2
    assert seconds(by_queue["fires"]["endsAt"]) == hand.now.at + 240
    assert seconds(by_queue["ends"]["endsAt"]) == hand.now.at - 60


def test_what_is_gone_before_it_could_be_told_is_counted_as_dropped(server: WebhookServer) -> None:
    server.answer(PATH, Reply(503))
    hand = Hand(server.url)
    hand.take(alert(), alert("Other"))
    hand.take(alert())
    [figures] = hand.push.figures()
    assert (figures.dropped, figures.waiting) == (1, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_counted_and_offered_again_at_the_next_resend_only(server: WebhookServer, status: int) -> None:
    server.answer(PATH, Reply(status, b"bad"))
    hand = Hand(server.url)
    assert hand.take(alert()) is None
    hand.pass_time(45)
    hand.take(alert())
    assert len(server.posts) == 1
    hand.pass_time(15)
    hand.take(alert())
    assert len(server.posts) == 2
    [figures] = hand.push.figures()
    assert (figures.sent, figures.errors, figures.dropped) == (0, 2, 2)


def test_a_dead_alertmanager_delays_no_other(server: WebhookServer) -> None:
    server.answer(PATH, Hang())
    with WebhookServer() as other:
        configs = [AlertmanagerConfig(url=url, timeout=30.0) for url in (server.url, other.url)]
        push = Push(configs, interval=15)
        push.take([alert()])
        other.wait_for(1)
        push.take([replace(alert(), ends_at=NOW)])
        other.wait_for(2)
        assert len(server.posts) <= 1
        push.close()
        assert [figures.waiting for figures in push.figures()] == [0, 0]


def test_nothing_is_sent_after_the_end(server: WebhookServer) -> None:
    hand = Hand(server.url)
    hand.push.close()
    hand.take(alert())
    assert not server.posts


def test_a_hostile_queue_name_is_one_label(server: WebhookServer) -> None:
    name = '"},{"labels":{"alertname":"Forged"}},{"\u2028\x00\n'
    Hand(server.url).take(alert(queue=name))
    assert [each["labels"]["queue"] for each in told(server)] == [name]


def test_who_it_is(server: WebhookServer) -> None:
    Hand(server.url, username="agent", password=SecretStr("pass")).take(alert())
    assert server.posts[0].headers["authorization"] == "Basic YWdlbnQ6cGFzcw=="
