#!/usr/bin/env python3
"""Record what real brokers answer, as files under tests/contract/recorded/<version>/<state>/.

    python tests/contract/record.py 3.10 [4.0 4.3 …]

For each version it starts a lab cluster of three nodes, makes queues of every kind with awkward names, policies, a
second vhost and messages, and stores the answers to every question that rabbitwatch asks, from every node. On 3.10 it
records the cluster also while rabbit3 is cut off, after the link is healed, and while a node is down. Needs root, for
network namespaces. Paths of the recording machine become those of a packaged broker; a cookie's hash is never stored.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from rabbitwatch.clients.plugin import CONSUMERS_PATH, METRICS_PATH
from rabbitwatch.sources.calls import QUEUES_PATH

HERE = Path(__file__).resolve().parent
LAB = HERE.parent.parent / "deploy" / "lab" / "lab"
HOME = "/var/lib/rabbitmq"

AWKWARD = (
    "plain",
    'quotes "and" \\backslashes\\',
    "two\nlines",
    "<script>alert(1)</script>",
    "rabbit 🐇 ünd größer",
    "x" * 255,
)
API = {
    "overview.json": "/api/overview",
    "nodes.json": "/api/nodes",
    "queues.json": QUEUES_PATH,
    "policies.json": "/api/policies",
    "operator_policies.json": "/api/operator-policies",
    "vhosts.json": "/api/vhosts",
}
PLUGIN = {"metrics.txt": METRICS_PATH, "consumers.txt": CONSUMERS_PATH}
COMMANDS = (
    "cluster_status",
    "erlang_cookie_sources",
    "check_running",
    "check_local_alarms",
    "check_port_connectivity",
    "check_virtual_hosts",
    "check_if_node_is_quorum_critical",
    "check_if_node_is_mirror_sync_critical",
)
UNREACHABLE = ("erlang_cookie_hash", "check_running")
MIRRORS = {"ha-mode": "all", "ha-sync-mode": "manual"}


@dataclass(frozen=True)
class Cluster:
    """A running lab. users: name -> password; urls and plugins: node (rabbit1) -> address."""

    state: Path
    users: dict[str, str]
    urls: dict[str, str]
    plugins: dict[str, str]

    def get(self, url: str, user: str = "monitor") -> bytes:
        response = requests.get(url, auth=(user, self.users[user]), timeout=60)
        response.raise_for_status()
        return response.content

    def call(self, method: str, path: str, body: Any) -> None:
        """As the admin, on rabbit1."""
        url = f"{self.urls['rabbit1']}/api/{path}"
        response = requests.request(method, url, json=body, auth=("admin", self.users["admin"]), timeout=60)
        response.raise_for_status()

    def lab(self, *arguments: str) -> str:
        return lab(self.state, *arguments).stdout


def lab(state: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LAB, "--state", state, *arguments], check=check, capture_output=True, text=True)


@contextmanager
def cluster(version: str, running: Path | None) -> Iterator[Cluster]:
    """A new lab that is ended afterwards, or the running one in that state folder, which stays."""
    if running is not None:
        yield described(running)
        return
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        state = Path(folder) / "lab"
        ram = ("--ram", "rabbit3") if version == "3.10" else ()
        try:
            lab(state, "up", "--version", version, "--nodes", "3", "--net-ticktime", "8", *ram)
            yield described(state)
        finally:
            lab(state, "down", check=False)


def described(state: Path) -> Cluster:
    status = json.loads(lab(state, "status", "--json").stdout)
    nodes = status["nodes"]
    return Cluster(
        state,
        status["users"],
        {node["name"]: node["url"] for node in nodes},
        {node["name"]: node["plugin_url"] for node in nodes},
    )


def furnish(broker: Cluster, version: str) -> None:
    """Queues, policies and messages; the same on every version, but for what a version no longer knows."""
    broker.call("PUT", "vhosts/second", {})
    for user, rights in (("admin", ".*"), ("monitor", "^$")):
        body = dict.fromkeys(("configure", "write", "read"), rights)
        broker.call("PUT", f"permissions/second/{user}", body)
    for number, name in enumerate(AWKWARD):
        queue(broker, "/", name, "classic", f"rabbit@rabbit{number % 3 + 1}")
    for vhost in ("/", "second"):
        queue(broker, vhost, "orders", "quorum")
        queue(broker, vhost, "log", "stream")
        queue(broker, vhost, "master.in", "classic", "rabbit@rabbit2")
        publish(broker, vhost, "master.in", 5)
    publish(broker, "/", "orders", 3)
    if version == "3.10":
        policy = {"pattern": "^master\\.", "apply-to": "queues", "priority": 1, "definition": MIRRORS}
        broker.call("PUT", "policies/%2F/ha-all", policy)
        broker.call("PUT", "policies/second/ha-all", policy)
    broker.call("PUT", "policies/%2F/limit", {"pattern": "^plain$", "definition": {"max-length": 1000}})
    limit = {"pattern": ".*", "apply-to": "queues", "priority": 0, "definition": {"expires": 86400000}}
    broker.call("PUT", "operator-policies/second/expiry", limit)
    time.sleep(8)


def queue(broker: Cluster, vhost: str, name: str, kind: str, node: str | None = None) -> None:
    body = {"durable": True, "arguments": {"x-queue-type": kind}}
    place = {"node": node} if node else {}
    broker.call("PUT", f"queues/{quote(vhost, safe='')}/{quote(name, safe='')}", body | place)


def publish(broker: Cluster, vhost: str, name: str, count: int) -> None:
    message = {
        "properties": {"delivery_mode": 2},
        "routing_key": name,
        "payload": "hello",
        "payload_encoding": "string",
    }
    for _ in range(count):
        broker.call("POST", f"exchanges/{quote(vhost, safe='')}/amq.default/publish", message)


def record(broker: Cluster, folder: Path, *, nodes: tuple[str, ...], commands: bool = False) -> None:
    """Every answer of these nodes into `folder`/<node>/."""
    for name in nodes:
        for file, path in API.items():
            store(broker, folder / name / file, broker.get(broker.urls[name] + path))
        for file, path in PLUGIN.items():
            store(broker, folder / name / file, broker.get(broker.plugins[name] + path))
    if commands:
        for command in COMMANDS:
            store_command(broker, folder / nodes[0], command, nodes[0], f"rabbit@{nodes[0]}")
        for command in UNREACHABLE:
            store_command(broker, folder / "unreachable", command, nodes[0], "rabbit@nowhere")


def store_command(broker: Cluster, folder: Path, command: str, beside: str, node: str) -> None:
    arguments = ("exec", beside, "--", "rabbitmq-diagnostics", "--node", node, "--formatter", "json", command)
    done = lab(broker.state, *arguments, check=False)
    lines = [line for line in done.stderr.splitlines(keepends=True) if "cookie hash" not in line]
    told = {"status": done.returncode, "stdout": done.stdout, "stderr": "".join(lines)}
    store(broker, folder / f"{command}.command.json", json.dumps(told, indent=1).encode() + b"\n")


def store(broker: Cluster, file: Path, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    here = str(broker.state)
    file.write_bytes(body.replace(here.encode(), HOME.encode()))


def wait_for(broker: Cluster, node: str, condition: Callable[[list[Any]], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition(json.loads(broker.get(broker.urls[node] + "/api/nodes"))):
                return
        except requests.RequestException:
            pass
        time.sleep(1)
    raise SystemExit(f"{node} did not come to see what was waited for within {seconds:g} s")


def record_faults(broker: Cluster, folder: Path) -> None:
    """The split while the link is cut, after it is healed, and a node that is down."""
    broker.lab("partition", "rabbit3")
    for node in ("rabbit1", "rabbit3"):
        wait_for(broker, node, lambda nodes: any(not entry.get("running") for entry in nodes))
    time.sleep(5)
    record(broker, folder / "split", nodes=("rabbit1", "rabbit3"))
    broker.lab("heal")
    wait_for(broker, "rabbit1", lambda nodes: sum(bool(entry.get("partitions")) for entry in nodes) == len(nodes))
    record(broker, folder / "healed", nodes=("rabbit1", "rabbit3"))
    for node in ("rabbit3", "rabbit2"):
        broker.lab("stop", node)
        broker.lab("start", node)
    broker.lab("kill", "rabbit2")
    wait_for(broker, "rabbit1", lambda nodes: sum(bool(entry.get("running")) for entry in nodes) < len(nodes))
    record(broker, folder / "down", nodes=("rabbit1",))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="+", choices=("3.10", "4.0", "4.3"))
    parser.add_argument("--running", type=Path, metavar="STATE", help="use the lab of that state folder, and keep it")
    arguments = parser.parse_args()
    for version in arguments.versions:
        folder = HERE / "recorded" / version
        with cluster(version, arguments.running) as broker:
            furnish(broker, version)
            record(broker, folder / "healthy", nodes=("rabbit1", "rabbit2", "rabbit3"), commands=True)
            if version == "3.10":
                record_faults(broker, folder)
        print(f"{version}: {sum(1 for _ in folder.rglob('*.*'))} files under {folder.relative_to(HERE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
