"""What docker-compose.yml starts, run for real: a client through nginx, and an alert on its whole way round."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pika
import pytest
import requests
from pika.exceptions import AMQPError
from tests.cluster.api import Api
from tests.cluster.rules.common import MENDED
from tests.cluster.site.common import Site, set_up
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

WITHIN = 180.0
"""Seconds for an alert: a scrape, an evaluation and Alertmanager's group_wait make over a minute."""
QUEUE = "site"


@pytest.fixture
def api(site: Site) -> Iterator[Api]:
    """As the administrator; the queue is gone after the test."""
    api = Api(site.lab.url("rabbit1"), "admin", site.lab.admin_password)
    yield api
    if any(queue["name"] == QUEUE for queue in api.call("GET", "queues")):
        api.delete("queues", "/", QUEUE)


def _connect(site: Site) -> pika.BlockingConnection:
    login = pika.PlainCredentials("app", site.secrets["app_password"])
    address = pika.ConnectionParameters("127.0.0.1", site.amqp_port, credentials=login, socket_timeout=20)
    return pika.BlockingConnection(address)


def _round_trip(site: Site, body: bytes) -> bytes | None:
    """Publish, and read it back, as the user `app`; None where the connection breaks or nothing comes."""
    try:
        connection = _connect(site)
    except (AMQPError, OSError):
        return None
    try:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", QUEUE, body, pika.BasicProperties(delivery_mode=2), mandatory=True)
        got: bytes | None = channel.basic_get(QUEUE, auto_ack=True)[2]
    except (AMQPError, OSError):
        return None
    finally:
        if connection.is_open:
            connection.close()
    return got


def test_the_setup_has_made_users_and_the_policy_and_can_run_again(site: Site, api: Api) -> None:
    set_up(site.lab, site.folder)
    users = {user["name"]: set(user["tags"]) for user in api.call("GET", "users")}
    assert users == {
        "admin": {"administrator"},
        "monitor": {"monitoring"},
        "repair": {"administrator", "policymaker"},
        "app": set(),
    }
    policy = api.call("GET", "policies", "/", "ha-all")
    assert (policy["definition"], policy["apply-to"]) == ({"ha-mode": "all"}, "queues")
    rights = {each["user"]: each for each in api.call("GET", "permissions") if each["vhost"] == "/"}
    assert (rights["monitor"]["configure"], rights["monitor"]["write"], rights["monitor"]["read"]) == ("^$", "^$", ".*")
    assert rights["repair"]["configure"] == r"^rabbitwatch\.actions$"


def test_the_agent_sees_the_site_and_acts_on_nothing(site: Site) -> None:
    (cluster,) = site.ask(site.agent.url, "/api/v1/clusters")["data"]
    assert cluster["name"] == "compose"
    drift = site.ask(site.agent.url, "/api/v1/query", query="sum(rabbitwatch_policy_drift)")["data"]["result"]
    assert [row["value"][1] for row in drift] == ["0"], "the policy that setup.sh makes is the one that is declared"
    assert "password-of-this-test" not in site.agent.log()


def test_a_client_goes_through_nginx_also_when_a_node_is_stopped(site: Site, api: Api) -> None:
    assert _round_trip(site, b"first") == b"first"
    site.lab.run("stop", "rabbit2")
    try:
        until(lambda: _round_trip(site, b"second") == b"second", "a client gets through without rabbit2", MENDED)
        assert [_round_trip(site, b"%d" % n) for n in range(6)] == [b"%d" % n for n in range(6)]
    finally:
        site.lab.run("start", "rabbit2")


def test_prometheus_scrapes_the_agent_and_has_all_rules(site: Site) -> None:
    def scraped() -> bool:
        targets = site.ask(site.prometheus, "/api/v1/targets")["data"]["activeTargets"]
        return [target["health"] for target in targets] == ["up"]

    until(scraped, "Prometheus has scraped the agent", WITHIN)
    theirs = site.ask(site.prometheus, "/api/v1/rules")["data"]["groups"]
    ours = site.ask(site.agent.url, "/api/v1/rules")["data"]["groups"]
    assert {group["name"]: len(group["rules"]) for group in theirs} == {g["name"]: len(g["rules"]) for g in ours}

    def evaluated() -> bool:
        groups = site.ask(site.prometheus, "/api/v1/rules")["data"]["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    until(evaluated, "Prometheus evaluates every rule without an error", WITHIN)


def test_an_alert_goes_from_prometheus_over_alertmanager_to_the_agent(site: Site) -> None:
    def at_alertmanager() -> bool:
        found = site.ask(site.alertmanager, "/api/v2/alerts")
        return {"RabbitwatchHeartbeat"} <= {alert["labels"]["alertname"] for alert in found}

    until(at_alertmanager, "Alertmanager has the heartbeat", WITHIN)
    sent, failed = (f"alertmanager_notifications_{name}" for name in ("total", "failed_total"))
    until(lambda: site.figure(site.alertmanager, sent) > 0, "Alertmanager has told somebody", WITHIN)
    time.sleep(1)
    assert site.figure(site.alertmanager, failed) == 0, (site.folder / "alertmanager.log").read_text()[-2000:]
    assert site.figure(site.agent.url, "rabbitwatch_action_webhook_refusals_total") == 0


def test_who_has_not_the_token_is_refused_at_the_webhook(site: Site) -> None:
    url = f"{site.agent.url}/api/v1/webhook/alertmanager"
    body = {"version": "4", "status": "firing", "receiver": "x", "alerts": []}
    wrong = requests.post(url, json=body, headers={"authorization": "Bearer wrong"}, timeout=30)
    assert wrong.status_code == 401
    right = {"authorization": f"Bearer {site.secrets['webhook_token']}"}
    assert requests.post(url, json=body, headers=right, timeout=30).status_code == 200
