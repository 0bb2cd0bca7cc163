"""PagerDuty's events: what opens and ends an incident, within its limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from tests.support.notices import NOW, alert, notice
from tests.support.webhookserver import Reply, WebhookServer

from rabbitwatch.config.receivers import PagerdutyConfig, ReceiverConfig
from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.receivers import pagerduty
from rabbitwatch.notify.receivers.base import Ending
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools

KEY = "r0ut1ngkeyr0ut1ngkeyr0ut1ngkey12"
PATH = "/v2/enqueue"


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as running:
        running.answer(PATH, Reply(202, b'{"status":"success"}'))
        yield running


def config(server: WebhookServer, **more: Any) -> PagerdutyConfig:
    return PagerdutyConfig(routing_key=SecretStr(KEY), url=server.url + PATH, **more)


def sent(server: WebhookServer, told: Notice, **more: Any) -> dict[str, Any]:
    pagerduty.make(config(server, **more), Tools(now=lambda: NOW)).send(told, {}, "id")
    event: dict[str, Any] = server.posts[-1].json()
    return event


def test_what_fires_opens_an_incident(server: WebhookServer) -> None:
    event = sent(server, notice(alert(queue="orders.created", node="rabbit@a"), alert(ended=True)))
    assert event["routing_key"] == KEY
    assert event["event_action"] == "trigger"
    assert (event["client"], event["client_url"]) == ("rabbitwatch", "http://agent:9419")
    payload = event["payload"]
    assert payload["summary"].startswith("[FIRING:1] QueueDeep orders")
    assert payload["severity"] == "warning"
    assert payload["source"] == "orders"
    assert payload["timestamp"] == "2023-11-14T22:09:20Z"
    assert (payload["class"], payload["group"]) == ("QueueDeep", "orders")
    details = payload["custom_details"]
    assert (details["num_firing"], details["num_resolved"]) == (1, 1)
    assert [each["status"] for each in details["alerts"]] == ["firing", "resolved"]
    assert details["alerts"][0]["labels"]["queue"] == "orders.created"


def test_an_incident_links_to_the_runbook_of_what_fires(server: WebhookServer) -> None:
    told = replace(alert(), annotations={"runbook": "docs/runbooks/RabbitMQQueueDeep.md"})
    links = [{"href": "http://agent:9419/runbooks/RabbitMQQueueDeep", "text": "What to do"}]
    assert sent(server, notice(told, told))["links"] == links
    assert "links" not in sent(server, notice(replace(told, annotations={})))


def test_what_is_over_ends_the_same_incident(server: WebhookServer) -> None:
    opened = sent(server, notice())
    ended = sent(server, notice(alert(ended=True)))
    assert ended == {"routing_key": KEY, "dedup_key": opened["dedup_key"], "event_action": "resolve"}
    other = sent(server, notice(group="other"))
    assert other["dedup_key"] != opened["dedup_key"]
    assert len(opened["dedup_key"]) == 64


@pytest.mark.parametrize(
    ("label", "severity"),
    [("critical", "critical"), ("warning", "warning"), ("info", "info"), ("error", "error"), ("none", "info")],
)
def test_severities_become_pagerdutys(server: WebhookServer, label: str, severity: str) -> None:
    assert sent(server, notice(alert(severity=label)))["payload"]["severity"] == severity


def test_a_severity_that_pagerduty_does_not_know_is_not_sent(server: WebhookServer) -> None:
    assert sent(server, notice(), severity="Catastrophic")["payload"]["severity"] == "error"
    assert sent(server, notice(), severity="CRITICAL")["payload"]["severity"] == "critical"


def test_a_summary_is_one_line_of_1024_characters_at_most(server: WebhookServer) -> None:
    summary = sent(server, notice(), description="x\n" + "y" * 5000)["payload"]["summary"]
    assert len(summary) == 1024
    assert summary.endswith("…")
    assert summary.isprintable()


def test_an_event_is_cut_to_512_kb_and_says_so(server: WebhookServer) -> None:
    sent(server, notice(*[alert(queue="q" * 200 + str(number)) for number in range(5000)]))
    body = server.posts[-1].body
    assert 100_000 < len(body) <= 512_000
    details = server.posts[-1].json()["payload"]["custom_details"]
    assert details["num_firing"] == 5000
    assert details["truncated"] == f"and {5000 - len(details['alerts'])} more alerts that do not fit in"


def test_one_alert_that_is_too_large_by_itself_is_told_without_it(server: WebhookServer) -> None:
    sent(server, notice(alert(queue="q" * 600_000)))
    assert len(server.posts[-1].body) < 512_000
    assert server.posts[-1].json()["event_action"] == "trigger"


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (403, True), (429, False), (500, False), (503, False)])
def test_what_is_refused_for_good_and_what_is_not(server: WebhookServer, status: int, permanent: bool) -> None:
    server.answer(PATH, Reply(status, b'{"status":"invalid event","errors":["..."]}', {"Retry-After": "7"}))
    with pytest.raises(DeliveryError, match=f"answered with status {status}") as caught:
        sent(server, notice())
    assert caught.value.permanent is permanent
    assert caught.value.retry_after == (None if permanent else 7)


def test_the_routing_key_is_in_no_reason(server: WebhookServer) -> None:
    server.answer(PATH, Reply(400, f"invalid routing key {KEY}".encode()))
    made = integrations([ReceiverConfig(name="team", pagerduty_configs=(config(server),))], Tools())
    outcome = made["team"][0].once(notice())
    assert outcome.ending is Ending.FAILED
    assert outcome.why == f"{server.url} answered with status 400: invalid routing key <secret>"
