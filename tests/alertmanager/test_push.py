"""Alerts pushed to Debian's Alertmanager, and the webhook that it posts beside ours: the same, name by name."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import requests
from tests.support.alertmanager import ALERTMANAGER, AMTOOL, Alertmanager, alertmanager
from tests.support.notices import alert
from tests.support.waiting import until
from tests.support.webhookserver import WebhookServer

from rabbitwatch.config.notices import AlertmanagerConfig
from rabbitwatch.model.notice import Notice, OutAlert, Reason, fingerprint
from rabbitwatch.notify.push import Push
from rabbitwatch.notify.receivers.payload import payload

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(
        ALERTMANAGER is None or AMTOOL is None, reason="alertmanager is not installed (Debian: prometheus-alertmanager)"
    ),
]


@pytest.fixture(scope="module")
def hook() -> Iterator[WebhookServer]:
    with WebhookServer() as running:
        yield running


@pytest.fixture(scope="module")
def server(hook: WebhookServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    whole = {"name": "team", "webhook_configs": [{"url": f"{hook.url}/whole"}]}
    cut = {"name": "cut", "webhook_configs": [{"url": f"{hook.url}/cut", "max_alerts": 1}]}
    route = {
        "receiver": "team",
        "group_by": ["cluster"],
        "group_wait": "1s",
        "group_interval": "1s",
        "repeat_interval": "1h",
        "routes": [{"matchers": ['cluster="cut"'], "receiver": "cut"}],
    }
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), {"route": route, "receivers": [whole, cut]}) as running:
        yield running


@pytest.fixture
def push(server: Alertmanager) -> Iterator[Push]:
    made = Push([AlertmanagerConfig(url=server.url)], interval=15)
    yield made
    made.close(10)


def listed(server: Alertmanager, cluster: str) -> list[dict[str, Any]]:
    """What amtool shows of a cluster's alerts."""
    command = [str(AMTOOL), f"--alertmanager.url={server.url}", "-o", "json", "alert", "query", f'cluster="{cluster}"']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def posted(hook: WebhookServer, path: str, cluster: str, status: str, count: int = 1) -> dict[str, Any]:
    """The newest notice with that many alerts or more left out."""

    def find() -> dict[str, Any] | None:
        for post in reversed(list(hook.posts)):
            document: dict[str, Any] = post.json()
            whole = len(document["alerts"]) + document["truncatedAlerts"] >= count
            if post.path == path and document["groupLabels"] == {"cluster": cluster} and document["status"] == status:
                return document if whole else None
        return None

    found: dict[str, Any] = until(find)
    return found


def now_alert(cluster: str, **labels: str) -> OutAlert:
    return alert(at=round(time.time(), 3), cluster=cluster, **labels)


def test_an_alert_appears_with_its_fingerprint_and_an_end_in_four_minutes(server: Alertmanager, push: Push) -> None:
    one = now_alert("appears", queue="q\n\"'\\ö")
    push.take([one])
    [found] = until(lambda: listed(server, "appears"))
    assert found["labels"] == one.labels
    assert found["annotations"] == one.annotations
    assert found["fingerprint"] == one.fingerprint == fingerprint(one.labels)
    assert found["generatorURL"] == one.generator_url
    assert found["status"]["state"] == "active"
    ends = requests.get(f"{server.url}/api/v2/alerts", timeout=10).json()
    [mine] = [each for each in ends if each["fingerprint"] == one.fingerprint]
    assert 230 < _seconds(mine["endsAt"]) - time.time() < 241


def test_two_agents_make_one_alert_and_one_notice(server: Alertmanager, hook: WebhookServer, push: Push) -> None:
    second = Push([AlertmanagerConfig(url=server.url)], interval=15)
    first_seen = now_alert("pair", queue="q")
    later_seen = replace(first_seen, starts_at=first_seen.starts_at + 7, annotations={"summary": "q is deep"})
    push.take([first_seen])
    second.take([later_seen])
    until(lambda: push.figures()[0].sent and second.figures()[0].sent)
    assert len(listed(server, "pair")) == 1
    document = posted(hook, "/whole", "pair", "firing")
    assert len(document["alerts"]) == 1
    ended = replace(first_seen, ends_at=time.time())
    push.take([ended])
    second.take([ended])
    until(lambda: not listed(server, "pair"))
    second.close(10)
    assert posted(hook, "/whole", "pair", "resolved")["alerts"][0]["fingerprint"] == first_seen.fingerprint


def test_of_a_batch_with_a_bad_alert_the_good_ones_are_taken(server: Alertmanager, push: Push) -> None:
    bad = replace(now_alert("mixed"), labels={"alertname": "Bad", "cluster": "mixed", "no-label-name": "x"})
    push.take([now_alert("mixed", queue="good"), bad])
    found = until(lambda: listed(server, "mixed"))
    assert [each["labels"].get("queue") for each in found] == ["good"]
    [figures] = until(lambda: [each for each in push.figures() if each.errors])
    assert (figures.errors, figures.dropped, figures.waiting) == (1, 2, 0)


def test_five_thousand_arrive(server: Alertmanager, push: Push) -> None:
    push.take([now_alert("many", queue=f"q{number}") for number in range(5000)])
    until(lambda: push.figures()[0].sent == 5000)
    assert len(listed(server, "many")) == 5000


def test_the_webhook_is_alertmanagers_name_by_name(server: Alertmanager, hook: WebhookServer, push: Push) -> None:
    fires, ends = now_alert("same", queue="a"), now_alert("same", queue="b", vhost="/")
    push.take([fires, ends])
    theirs = posted(hook, "/whole", "same", "firing", 2)
    assert ours(theirs, [fires, ends]) == theirs
    ends = replace(ends, ends_at=round(time.time(), 3))
    push.take([fires, ends])
    theirs = until(lambda: _with_resolved(posted(hook, "/whole", "same", "firing", 2)))
    assert ours(theirs, [fires, ends]) == theirs
    fires = replace(fires, ends_at=round(time.time(), 3))
    push.take([fires, ends])
    theirs = posted(hook, "/whole", "same", "resolved")
    assert ours(theirs, [fires]) == theirs


def test_what_is_cut_is_cut_as_alertmanager_cuts(server: Alertmanager, hook: WebhookServer, push: Push) -> None:
    alerts = [now_alert("cut", queue=name) for name in "abc"]
    push.take(alerts)
    theirs = posted(hook, "/cut", "cut", "firing", 3)
    assert theirs["truncatedAlerts"] == 2
    assert ours(theirs, alerts, max_alerts=1) == theirs


def ours(theirs: dict[str, Any], alerts: list[OutAlert], max_alerts: int = 0) -> dict[str, Any]:
    """Our document of the same notice, decoded from its JSON; only the address of the page is theirs, and the order
    of alerts, which is Alertmanager's own."""
    order = [each["fingerprint"] for each in theirs["alerts"]]
    alerts = sorted(alerts, key=lambda each: order.index(each.fingerprint) if each.fingerprint in order else len(order))
    notice = Notice(
        receiver=theirs["receiver"],
        group_key=f'{{}}:{{cluster="{alerts[0].labels["cluster"]}"}}',
        group_labels={"cluster": alerts[0].labels["cluster"]},
        alerts=alerts,
        reason=Reason.FIRST,
        at=time.time(),
        external_url=theirs["externalURL"],
    )
    if theirs["receiver"] == "cut":
        notice = replace(notice, group_key=f'{{}}/{{cluster="cut"}}:{{cluster="{notice.group_labels["cluster"]}"}}')
    document: dict[str, Any] = json.loads(json.dumps(payload(notice, max_alerts)))
    return document


def _with_resolved(document: dict[str, Any]) -> dict[str, Any] | None:
    return document if any(each["status"] == "resolved" for each in document["alerts"]) else None


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_what_a_dead_agent_leaves_behind_ends_by_itself(server: Alertmanager) -> None:
    short = Push([AlertmanagerConfig(url=server.url)], interval=0.5, resend=0.5)
    short.take([now_alert("left behind")])
    until(lambda: listed(server, "left behind"))
    short.close(5)
    until(lambda: not listed(server, "left behind"))
