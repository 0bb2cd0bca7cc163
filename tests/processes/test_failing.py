"""A receiver that is dead: others are told of theirs in time, and that it is dead; what it never heard is given up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
import yaml
from tests.support.agents import AgentProcess, agents
from tests.support.servers import free_port
from tests.support.waiting import until
from tests.support.webhookserver import WebhookServer

SOON = 40.0


def rules(agent: AgentProcess, *firing: str) -> None:
    """These alerts fire, and the shipped alert about receivers does so sooner than usual."""
    failing = {
        "alert": "RabbitwatchNotificationFailing",
        "expr": "rabbitwatch_notification_failing_seconds > 2",
    }
    made = [failing, *({"alert": name, "expr": "vector(1)", "labels": {"to": "dead"}} for name in firing)]
    text = yaml.safe_dump({"groups": [{"name": "test", "interval": "1s", "rules": made}]})
    (agent.folder / "rules.yml").write_text(text, encoding="utf-8")


def told(server: WebhookServer) -> list[tuple[str, str, str]]:
    """Status, name and receiver that each message is about."""
    alerts = [alert for post in server.posts for alert in post.json()["alerts"]]
    return [(a["status"], a["labels"]["alertname"], a["labels"].get("receiver", "")) for a in alerts]


def attempts(agent: AgentProcess) -> Sequence[dict[str, Any]]:
    answer = requests.get(f"{agent.url}/api/v1/notices", timeout=10).json()
    found: Sequence[dict[str, Any]] = answer["data"]["attempts"]
    return found


def test_a_dead_receiver_is_told_of_by_another_and_its_notice_given_up(tmp_path: Path) -> None:
    with WebhookServer() as server, agents(tmp_path, 1) as (agent,):
        dead = {"name": "dead", "webhook_configs": [{"url": f"http://127.0.0.1:{free_port()}/"}]}
        agent.configure(
            {
                "route": {
                    "receiver": "dead",
                    "group_by": ["alertname"],
                    "group_wait": "0s",
                    "group_interval": "1s",
                },
                "receivers": [dead, {"name": "alive", "webhook_configs": [{"url": server.url}]}],
            }
        )
        rules(agent, "A")
        agent.start()
        until(lambda: bool(server.posts), "another receiver hears that this one fails", SOON, agent.log)
        assert set(told(server)) == {("firing", "RabbitwatchNotificationFailing", "dead")}
        assert [each["result"] for each in attempts(agent) if each["integration"] == "dead/webhook[0]"][-1] == "sending"
        rules(agent)
        assert requests.post(f"{agent.url}/-/reload", timeout=30).status_code == requests.codes.ok
        until(lambda: "given up" in [each["result"] for each in attempts(agent)], "it is given up", SOON, agent.log)
        (lost,) = [each for each in attempts(agent) if each["result"] == "given up"]
        assert lost["integration"] == "dead/webhook[0]"
        assert "refuse" in lost["why"]
        assert lost["tries"] > 0
        count = 'rabbitwatch_notifications_failed_total{integration="webhook[0]",receiver="dead"} 1.0'
        until(lambda: count in requests.get(f"{agent.url}/metrics", timeout=10).text, "it is counted", SOON, agent.log)
        assert "a notice was given up" in agent.log()
