"""What tests of repairs share: an agent that acts, queues whose mirrors lag, a synchronisation that takes its time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika
import requests
import yaml
from tests.cluster.api import Api
from tests.cluster.conftest import Lab
from tests.cluster.rules.common import MENDED, erlang
from tests.support.agents import AgentProcess
from tests.support.waiting import NOTICED, until

from rabbitwatch.actions.ports import Entry
from rabbitwatch.actions.record import entry_of

ACTOR = "actor"
ONE, TWO, THREE = "rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"
MIRRORED = {"ha-mode": "all", "ha-sync-mode": "manual", "ha-sync-batch-size": 10}
"""Small batches, for between two of them the broker heeds its throughput limit."""
DECLARED: dict[str, Any] = {
    "vhost": "/",
    "name": "ha",
    "pattern": "^q",
    "apply_to": "queues",
    "priority": 1,
    "definition": MIRRORED,
}
LAGS, DRIFT = "Lags", "Drift"
_LAG = "max by (cluster, vhost, queue) (rabbitwatch_queue_mirrors - rabbitwatch_queue_mirrors_synchronised) > 0"
_DRIFT = "max by (cluster, vhost, policy, kind) (rabbitwatch_policy_drift) == 1"
RULES = {
    "groups": [{"name": "test", "rules": [{"alert": LAGS, "expr": _LAG}, {"alert": DRIFT, "expr": _DRIFT}]}],
}
"""As the shipped alerts, without their minutes of waiting."""


def binding(alert: str, action: str, mode: str = "auto", **more: Any) -> dict[str, Any]:
    """One that leaves nothing alone for long."""
    matchers = [f'alertname="{alert}"']
    return {"matchers": matchers, "action": action, "mode": mode, "cooldown": "0s", "max_per_hour": 100, **more}


class Repairer(AgentProcess):
    """An agent that acts on a lab's cluster, quickly."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        super().__init__(folder)
        self._lab = lab

    def begin(self, *bindings: dict[str, Any], **settings: Any) -> None:
        """Start it. actions: over the quick ones; other settings: of the configuration's top."""
        cluster = yaml.safe_load(self._lab.run("config", "--no-diagnostics", "--no-cookie-files").stdout)["clusters"][0]
        actions: dict[str, Any] = {
            "username": ACTOR,
            "password": self._lab.admin_password,
            "timeout": "5s",
            "bindings": list(bindings),
            "guards": {"uptime": {"at_least": "1s"}},
            "verify": {"interval": "500ms", "stall": "60s", "timeout": "300s"},
        }
        self.configure(
            {
                "clusters": [{**cluster, "policies": settings.pop("policies", [DECLARED])}],
                "poll": {"interval": "2s", "timeout": "1500ms"},
                "rules": {"files": ["rules.yml", *settings.pop("rules", ())], "evaluation_interval": "1s"},
                "actions": actions | settings.pop("actions", {}),
                **settings,
            }
        )
        (self.folder / "rules.yml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
        self.start()

    def resync(self, queue: str = "", *, apply: bool = False) -> dict[str, Any]:
        """What `rabbitwatch resync` is answered."""
        body = {"cluster": "lab", "queue": queue, "apply": apply, "by": "a test"}
        answer = requests.post(f"{self.url}/api/v1/actions/resync", json=body, timeout=120)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def waiting(self) -> list[dict[str, Any]]:
        """Approvals that can be given."""
        found: list[dict[str, Any]] = self._overview()["approvals"]
        return found

    def approve(self, approval: str) -> requests.Response:
        """As a person does."""
        body = {"granted": True, "by": "a test"}
        return requests.post(f"{self.url}/api/v1/actions/approvals/{approval}", json=body, timeout=30)

    def pause(self) -> None:
        """Likewise."""
        assert requests.post(f"{self.url}/api/v1/actions/pause", json={"by": "a test"}, timeout=30).ok

    def paused(self) -> str:
        """Why nothing may act; "" when something may."""
        found: str = self._overview()["paused"]
        return found

    def leases(self) -> dict[str, str]:
        """By cluster, why it may not act; "" where it may."""
        found: dict[str, str] = self._overview()["leases"]
        return found

    def page(self) -> str:
        """What Prometheus would scrape."""
        return requests.get(f"{self.url}/metrics", timeout=30).text

    def _overview(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/api/v1/actions", timeout=30).json()["data"]
        return found

    def entries(self, *events: str) -> list[Entry]:
        """The audit's lines, of these events alone where any are named."""
        found: list[Entry] = []
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / "data" / "audit.jsonl").read_text(encoding="utf-8")
            found = [entry_of(line) for line in text.splitlines()]
        return [entry for entry in found if not events or entry.event in events]

    def until(self, true: Callable[[], object], what: str, within: float = NOTICED) -> None:
        """Wait; where it takes too long, the agent's log is said as well."""
        until(true, what, within, self.log)

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        answer = requests.get(f"{self.url}/api/v1/alerts", timeout=30).json()
        return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"}


def refusing(plan: dict[str, Any]) -> dict[str, str]:
    """By guard, why it refuses any of the plan's steps."""
    return {each["guard"]: each["refused"] for step in plan["steps"] for each in step["guards"] if each["refused"]}


def whole(lab: Lab) -> None:
    """Wait until every node says that all run, and none is partitioned."""

    def agreed() -> bool:
        for url in lab.urls:
            with contextlib.suppress(requests.RequestException):
                auth = ("admin", lab.admin_password)
                rows = requests.get(f"{url}/api/nodes?columns=name,running,partitions", auth=auth, timeout=5).json()
                if len(rows) == len(lab.urls) and all(row["running"] and not row.get("partitions") for row in rows):
                    continue
            return False
        return True

    until(agreed, "every node says that all is well", MENDED)


def half_lagging(lab: Lab, api: Api, name: str, *, messages: int = 10, size: int = 10) -> None:
    """A queue on the first node with one mirror in step and one that lags, so that a sync needs nobody's approval.
    Where an agent acts already, the second one may be in step when this returns."""
    api.queue(name, node=ONE)
    api.policy(DECLARED["name"], DECLARED["pattern"], {"ha-mode": "nodes", "ha-params": [ONE, TWO]}, priority=1)
    until(lambda: in_step(api, name) == [TWO], "the first mirror is in step")
    publish(lab, name, messages, size)
    until(lambda: api.counts(name).get("messages") == messages, "the messages are there")
    api.policy(DECLARED["name"], DECLARED["pattern"], MIRRORED, priority=1)
    until(lambda: len(detail(api, name).get("slave_nodes", ())) == 2, "the second mirror has joined")
    until(lambda: TWO in in_step(api, name), "the first mirror is in step as before")


def publish(lab: Lab, queue: str, count: int, size: int) -> None:
    """So many persistent messages."""
    node = lab.node("rabbit1")
    login = pika.PlainCredentials("admin", lab.admin_password)
    with pika.BlockingConnection(pika.ConnectionParameters(node["address"], node["amqp_port"], credentials=login)) as c:
        channel = c.channel()
        for _ in range(count):
            channel.basic_publish("", queue, b"m" * size, pika.BasicProperties(delivery_mode=2))


def detail(api: Api, name: str) -> dict[str, Any]:
    """The queue as it tells itself; while it synchronises, this waits."""
    found: dict[str, Any] = api.call("GET", "queues", "/", name)
    return found


def in_step(api: Api, name: str) -> list[str]:
    """The nodes of the mirrors that lag nothing."""
    return sorted(detail(api, name).get("synchronised_slave_nodes", ()))


@contextmanager
def slow_syncs(lab: Lab, bytes_a_second: int) -> Iterator[None]:
    """Synchronisations of queues that the first node leads are this slow meanwhile."""
    knob = "rabbit, mirroring_sync_max_throughput"
    erlang(lab, "rabbit1", f"application:set_env({knob}, {bytes_a_second}).")
    try:
        yield
    finally:
        erlang(lab, "rabbit1", f"application:set_env({knob}, 0).")
