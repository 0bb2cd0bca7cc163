"""From the cut of a link to the message at the receiver: `python -m tests.bench cuts`.

One real cluster of three nodes (from the lab, net_ticktime 10) is watched by two at the same time: by rabbitwatch with
its shipped rules and its own webhook, and by Prometheus and Alertmanager (Debian's) over the brokers' metrics plugin
with the partition rule that is in common use for it. Both look every 5 s and group with the same waits. Each cut is
mended before the next. What counts is when the first firing message of a partition's alert has arrived; beside it
stands when the agent's own API has shown the alert, before its `for`. The shipped rules lose their `keep_firing_for`
here, which would make the next cut a part of the last.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from tests.prometheus.server import PROMETHEUS, prometheus
from tests.support.alertmanager import ALERTMANAGER, alertmanager
from tests.support.servers import free_port
from tests.support.webhookserver import WebhookServer

TOP = Path(__file__).resolve().parents[2]
LAB = TOP / "deploy/lab/lab"
INTERVAL = "5s"
OURS = frozenset({"RabbitMQClusterSplit"})
"""The alert that names the split; others that fire with it may come earlier and are not counted."""
THEIRS = frozenset({"RabbitmqNodeNotDistributed"})
PEER_RULE: dict[str, Any] = {
    "groups": [
        {
            "name": "the rule in common use for the broker's plugin",
            "interval": INTERVAL,
            "rules": [
                {
                    "alert": "RabbitmqNodeNotDistributed",
                    "expr": "erlang_vm_dist_node_state < 3",
                    "for": "0m",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "Distribution link state is not 'up'"},
                }
            ],
        }
    ]
}
_PATIENCE_S = 120.0
_CALM_S = 12.0


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def first(server: WebhookServer, path: str, names: frozenset[str], since: float) -> float | None:
    """Seconds after `since` at which the first message that fires one of these has come."""
    for post in list(server.posts):
        alerts = post.json()["alerts"] if post.path == path and post.at > since else []
        if any(alert["status"] == "firing" and alert["labels"].get("alertname") in names for alert in alerts):
            return post.at - since
    return None


def _routing(wait: str, hook: str) -> dict[str, Any]:
    """The same for both: Alertmanager's own words."""
    return {
        "route": {"receiver": "bench", "group_by": ["alertname"], "group_wait": wait, "group_interval": "10s"},
        "receivers": [{"name": "bench", "webhook_configs": [{"url": hook}]}],
    }


@contextlib.contextmanager
def ours(config: str, folder: Path, wait: str, hook: str) -> Iterator[str]:
    """A running rabbitwatch; yields its address."""
    port = free_port()
    settings = yaml.safe_load(config)
    settings["poll"] = {"interval": INTERVAL, "timeout": "4s"}
    settings["web"] = {"listen": f"127.0.0.1:{port}"}
    settings["rules"] = {"files": [str(file) for file in _hasty(folder)], "evaluation_interval": INTERVAL}
    settings |= _routing(wait, hook)
    path = folder / "rabbitwatch.yml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    path.chmod(0o600)
    with (folder / "rabbitwatch.log").open("wb") as log:
        command = [sys.executable, "-m", "rabbitwatch", "run", "--config", str(path)]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _hasty(folder: Path) -> list[Path]:
    """Copies of the shipped rules that let an alert go at once."""
    copies = []
    for file in sorted((TOP / "rules").glob("*.yml")):
        text = yaml.safe_load(file.read_text(encoding="utf-8"))
        for rule in (rule for group in text["groups"] for rule in group["rules"]):
            rule.pop("keep_firing_for", None)
        copies.append(folder / file.name)
        copies[-1].write_text(yaml.safe_dump(text, width=10_000), encoding="utf-8")
    return copies


@contextlib.contextmanager
def theirs(plugins: Sequence[str], folder: Path, wait: str, hook: str) -> Iterator[str]:
    """A running Prometheus with an Alertmanager; yields Prometheus' address."""
    rules = folder / "peer.yml"
    rules.write_text(yaml.safe_dump(PEER_RULE), encoding="utf-8")
    targets = [url.partition("://")[2] for url in plugins]
    with alertmanager(folder / "alertmanager", _routing(wait, hook)) as behind:
        settings = {
            "global": {"scrape_interval": INTERVAL, "scrape_timeout": "4s", "evaluation_interval": INTERVAL},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "rabbitmq", "static_configs": [{"targets": targets}]}],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [behind.url.partition("://")[2]]}]}],
            },
        }
        with prometheus(folder, settings) as server:
            yield server.url


def _lab(state: Path, *words: str) -> str:
    command = [str(LAB), "--state", str(state), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _calm(agent: str, peer: str) -> None:
    """Wait until neither of the two says that anything is cut, and both have said so for a while."""
    end, since = time.monotonic() + 4 * _PATIENCE_S, None
    while time.monotonic() < end:
        if _firing(agent) & OURS or _firing(peer) & THEIRS or not _whole(agent):
            since = None
        else:
            since = since or time.monotonic()
            if time.monotonic() - since > _CALM_S:
                return
        time.sleep(1)
    raise SystemExit("bench: the cluster did not become whole again")


def _firing(url: str) -> set[str]:
    found = requests.get(f"{url}/api/v1/alerts", timeout=30).json()["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in found}


def _whole(agent: str) -> bool:
    """Whether the last look has found all nodes in one component."""
    query = {"query": "rabbitwatch_cluster_components == 1 and rabbitwatch_cluster_nodes_up == 3"}
    return bool(requests.get(f"{agent}/api/v1/query", params=query, timeout=30).json()["data"]["result"])


@dataclass(frozen=True, slots=True)
class Cut:
    """Seconds from the cut until the agent's API showed the alert, and until each message; None: not in time."""

    shown: float | None
    mine: float | None
    other: float | None


def _cut(state: Path, number: int, agent: str, peer: str, hook: WebhookServer) -> Cut:
    _calm(agent, peer)
    node = f"rabbit{number % 3 + 1}"
    began = time.monotonic()
    shown: float | None = None
    _lab(state, "partition", node)
    while time.monotonic() - began < _PATIENCE_S:
        if shown is None and _firing(agent) & OURS:
            shown = time.monotonic() - began
        mine, other = first(hook, "/ours", OURS, began), first(hook, "/theirs", THEIRS, began)
        if mine is not None and other is not None:
            break
        time.sleep(0.2)
    say(f"cut {number + 1} of {node}: rabbitwatch {_shown(mine)} (shown {_shown(shown)}), the peer {_shown(other)}")
    _lab(state, "heal", "--rejoin")
    return Cut(shown, mine, other)


def _shown(seconds: float | None) -> str:
    return f"not within {_PATIENCE_S:.0f} s" if seconds is None else f"{seconds:.1f} s"


def _row(name: str, found: Sequence[float | None]) -> str:
    told = sorted(each for each in found if each is not None)
    if not told:
        return f"| {name} | 0 of {len(found)} | - | - | - |"
    p95 = told[min(len(told) - 1, round(0.95 * len(told) + 0.5) - 1)]
    return f"| {name} | {len(told)} of {len(found)} | {statistics.median(told):.1f} | {p95:.1f} | {told[-1]:.1f} |"


def main(arguments: Sequence[str]) -> int:
    """Print the table; a stop from outside ends everything that was started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m tests.bench cuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--group-wait", default="1s", help="of both; the default of both programs is 30s")
    options = parser.parse_args(arguments)
    if PROMETHEUS is None or ALERTMANAGER is None:
        raise SystemExit("bench: needs prometheus and prometheus-alertmanager: apt-get install them")
    found: list[Cut] = []
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-bench-") as name, WebhookServer() as hook:
        folder = Path(name)
        state = folder / "lab"
        try:
            _lab(state, "up", "--nodes", "3", "--net-ticktime", "10")
            nodes = json.loads(_lab(state, "status", "--json"))["nodes"]
            config = _lab(state, "config", "--no-diagnostics")
            with (
                ours(config, folder, options.group_wait, f"{hook.url}/ours") as agent,
                theirs(
                    [node["plugin_url"] for node in nodes], folder, options.group_wait, f"{hook.url}/theirs"
                ) as peer,
            ):
                time.sleep(15)
                found.extend(_cut(state, number, agent, peer, hook) for number in range(options.cuts))
        finally:
            subprocess.run([str(LAB), "--state", str(state), "down"], check=False)
    shape = f"{options.cuts} cuts, group_wait {options.group_wait}, a look every {INTERVAL}"
    print(f"| {shape} | told | p50 s | p95 s | max s |")
    print("|---|---|---|---|---|")
    print(_row("rabbitwatch, the alert is pending in its API", [cut.shown for cut in found]))
    print(_row("rabbitwatch, shipped rules (for: 30s)", [cut.mine for cut in found]))
    print(
        _row(
            "Prometheus + plugin + Alertmanager, erlang_vm_dist_node_state < 3 (for: 0m)", [cut.other for cut in found]
        )
    )
    return 0
