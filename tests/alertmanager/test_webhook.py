"""Debian's Alertmanager posts to the agent's webhook with a bearer token: what it sends is taken, and read rightly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.support.alertmanager import ALERTMANAGER, Alertmanager, alertmanager
from tests.support.notices import alert
from tests.support.waiting import until
from tests.unit.web.actions.repairs import FakeRepairs
from tests.unit.web.serving import hashed, serving, web_file

from rabbitwatch.config.actions import ActionsWebhookConfig
from rabbitwatch.config.notices import AlertmanagerConfig
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.push import Push
from rabbitwatch.web.actions.webhook import AlertmanagerWebhook
from rabbitwatch.web.middleware import WEBHOOK

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(ALERTMANAGER is None, reason="alertmanager is not installed (Debian: prometheus-alertmanager)"),
]

TOKEN = "the-token-of-actions"


@pytest.fixture(scope="module")
def repairs() -> FakeRepairs:
    return FakeRepairs()


@pytest.fixture(scope="module")
def server(repairs: FakeRepairs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """Sends to a webhook behind passwords that it does not have; one receiver has a wrong token."""
    folder: Path = tmp_path_factory.mktemp("webhook")
    config = ActionsWebhookConfig.model_validate({"token": TOKEN})
    app = Starlette(routes=AlertmanagerWebhook(repairs, lambda: config).routes())
    with serving(app, web_file(folder, f"basic_auth_users: {{ann: '{hashed('x')}'}}\n")) as agent:

        def receiver(name: str, token: str) -> dict[str, Any]:
            http = {"authorization": {"type": "Bearer", "credentials": token}}
            return {
                "name": name,
                "webhook_configs": [{"url": f"http://127.0.0.1:{agent.port}{WEBHOOK}", "http_config": http}],
            }

        route = {
            "receiver": "rabbitwatch",
            "group_by": ["cluster"],
            "group_wait": "1s",
            "group_interval": "1s",
            "repeat_interval": "1h",
            "routes": [{"matchers": ['cluster="forged"'], "receiver": "forged"}],
        }
        settings = {"route": route, "receivers": [receiver("rabbitwatch", TOKEN), receiver("forged", "a guess")]}
        with alertmanager(folder / "alertmanager", settings) as running:
            yield running


@pytest.fixture
def push(server: Alertmanager) -> Iterator[Push]:
    made = Push([AlertmanagerConfig(url=server.url)], interval=15)
    yield made
    made.close(10)


def taken(repairs: FakeRepairs, like: OutAlert) -> list[OutAlert]:
    """All that has come about this alert, in order."""
    handed = [each for name, *rest in repairs.done if name == "take" for each in rest[0]]
    return [each for each in handed if each.fingerprint == like.fingerprint]


def test_alerts_arrive_as_they_fire_and_as_they_end(repairs: FakeRepairs, push: Push) -> None:
    one = alert(at=round(time.time(), 3), cluster="orders", queue="q\n\"'\\\u00f6")
    push.take([one])
    [fires] = until(lambda: taken(repairs, one))
    assert (fires.labels, fires.annotations, fires.ends_at) == (one.labels, one.annotations, None)
    assert fires.starts_at == pytest.approx(one.starts_at, abs=0.001)
    ends_at = round(time.time(), 3)
    push.take([replace(one, ends_at=ends_at)])
    ended = until(lambda: [each for each in taken(repairs, one) if each.resolved])[0]
    assert ended.ends_at == pytest.approx(ends_at, abs=0.001)


def test_a_wrong_token_hands_nothing_over_and_is_on_record_once(repairs: FakeRepairs, push: Push) -> None:
    one = alert(at=round(time.time(), 3), cluster="forged")
    push.take([one])
    until(lambda: [each for each in repairs.done if each[0] == "refused"])
    push.take([replace(one, annotations={"summary": "again"}), alert(at=time.time(), cluster="forged", queue="b")])
    time.sleep(3)
    refused = [each for each in repairs.done if each[0] == "refused"]
    assert [each[1:] for each in refused] == [
        ("127.0.0.1", "refused: the bearer token is not that of actions.webhook.token")
    ]
    assert taken(repairs, one) == []
