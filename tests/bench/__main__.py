"""What watching 10,000 classic queues costs: `make bench`, or `python -m tests.bench --help`.

Other benches have a word of their own, `python -m tests.bench rules` (what evaluating rules costs), `notices` (what
5,000 alerts at once cost), `cuts` (from the cut of a link to the message) and `pages` (what the pages cost); see the
modules of these names.

One real broker (from the lab) holds the queues. The agent polls it; then the broker's own per-object page, or another
exporter (--peer-url, --peer-pid), is scraped at the same pace, so that every figure has its peer in the same run.
CPU is user and system time from /proc, with the idle broker's own use subtracted.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from tests.bench import cuts, notices, pages, rules
from tests.bench.procs import cpu_seconds, resident_bytes

TOP = Path(__file__).resolve().parents[2]
LAB = TOP / "deploy/lab/lab"
LISTEN = "127.0.0.1:19419"
_IMPORT_LIMIT = 900


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker under test: its management address, an administrator, the pid of its Erlang VM."""

    url: str
    admin: str
    password: str
    pid: int
    plugin_url: str

    def put_queues(self, count: int) -> None:
        """Declare the queues by one import of definitions."""
        queues = [
            {"name": f"bench.{n:05d}", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
            for n in range(count)
        ]
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=_IMPORT_LIMIT)
        login = b64encode(f"{self.admin}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        connection.request("POST", "/api/definitions", json.dumps({"queues": queues}), headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.status not in {200, 201, 204}:
            raise SystemExit(f"bench: the import of {count} queues failed: {answer.status} {text[:200]}")


def _lab(state: Path, *arguments: str) -> str:
    command = [str(LAB), "--state", str(state), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def broker(version: str) -> Iterator[tuple[Broker, str]]:
    """A broker of the lab, and the agent's configuration for it."""
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-bench-") as folder:
        state = Path(folder)
        try:
            _lab(state, "up", "--nodes", "1", "--version", version)
            told = json.loads(_lab(state, "status", "--json"))
            node = told["nodes"][0]
            yield (
                Broker(node["url"], "admin", told["users"]["admin"], node["pid"], node["plugin_url"]),
                _lab(state, "config"),
            )
        finally:
            subprocess.run([str(LAB), "--state", str(state), "down"], check=False)


@contextmanager
def agent(config: str, interval: int, limit: int) -> Iterator[int]:
    """A running agent; yields its pid."""
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-bench-") as folder:
        path = Path(folder, "agent.yml")
        settings = yaml.safe_load(config)
        cluster = settings["clusters"][0]
        cluster["diagnostics"] = []
        cluster["queues"] = {"limit": limit}
        for node in cluster["nodes"]:
            node.pop("diagnostics", None)
        settings["poll"] = {
            "interval": f"{interval}s",
            "timeout": f"{interval - 1}s",
        }
        settings["web"] = {"listen": LISTEN}
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "rabbitwatch", "run", "--config", str(path)], stdout=out, stderr=out, cwd=folder
            )
            try:
                _until_ready(process, log)
                yield process.pid
            finally:
                process.terminate()
                process.wait()


def _until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        try:
            if fetch(f"http://{LISTEN}/-/ready").status == http.client.OK:
                return
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.3)
    raise SystemExit(f"bench: the agent did not become ready:\n{log.read_text(errors='replace')[-2000:]}")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One HTTP answer: seconds until its last byte, bytes on the wire, bytes after decompression."""

    status: int
    seconds: float
    wire: int
    size: int


def fetch(url: str, *, compressed: bool = False) -> Fetched:
    """One GET over a new connection."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    begin = time.perf_counter()
    connection.request("GET", target, headers={"Accept-Encoding": "gzip"} if compressed else {})
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - begin
    wire = len(body)
    if answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    connection.close()
    return Fetched(answer.status, seconds, wire, len(body))


@dataclass(frozen=True, slots=True)
class Cost:
    """Per poll or scrape: CPU seconds of the broker and of the watcher; what a scrape takes and weighs."""

    name: str
    broker_cpu: float
    own_cpu: float
    scrape: float
    size: int
    resident: int


def _measured(
    name: str, rounds: int, interval: int, idle: float, pids: tuple[int, int], each: Callable[[], Fetched]
) -> Cost:
    """Watch for `rounds` intervals, scraping once in each."""
    broker_pid, own_pid = pids
    before = cpu_seconds(broker_pid), cpu_seconds(own_pid)
    begin = time.monotonic()
    scrapes = []
    for number in range(rounds):
        scrapes.append(each())
        time.sleep(max(0.0, begin + (number + 1) * interval - time.monotonic()))
    lasted = time.monotonic() - begin
    return Cost(
        name=name,
        broker_cpu=(cpu_seconds(broker_pid) - before[0] - idle * lasted) / rounds,
        own_cpu=(cpu_seconds(own_pid) - before[1]) / rounds,
        scrape=statistics.median(fetched.seconds for fetched in scrapes),
        size=scrapes[-1].size,
        resident=resident_bytes(own_pid),
    )


def _row(cost: Cost, base: Cost) -> str:
    def ratio(value: float, of: float) -> str:
        return f"{value / of:5.2f}x" if of > 0 else "    -"

    return (
        f"| {cost.name:34} | {cost.broker_cpu:7.3f} {ratio(cost.broker_cpu, base.broker_cpu)} "
        f"| {cost.own_cpu:7.3f} | {cost.scrape * 1000:8.1f} {ratio(cost.scrape, base.scrape)} "
        f"| {cost.size / 1e6:6.2f} | {cost.resident / 1e6:7.0f} |"
    )


def _table(costs: list[Cost], base: Cost) -> None:
    print("| watcher                            | broker CPU s /poll | CPU s   | scrape ms        | MB     | RSS MB  |")
    print("|---|---|---|---|---|---|")
    for cost in costs:
        print(_row(cost, base))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=8, help="polls that are averaged")
    parser.add_argument("--interval", type=int, default=5, help="seconds between polls")
    parser.add_argument("--version", default="3.10", help="of RabbitMQ, as the lab takes it")
    parser.add_argument("--peer-url", help="another exporter's page, that watches the same broker (see --wait)")
    parser.add_argument("--peer-pid", type=int, help="its process")
    parser.add_argument("--wait", type=int, default=0, help="seconds to wait, for starting the peer on the broker")
    return parser.parse_args()


def main() -> int:
    options = _arguments()
    with broker(options.version) as (target, config):
        say(f"{options.queues} queues on {target.url} (RabbitMQ {options.version}), {os.cpu_count()} cores")
        target.put_queues(options.queues)
        if options.wait:
            say(f"start the peer now: {target.url}, user {target.admin}, password {target.password}")
            time.sleep(options.wait)
        time.sleep(10)
        before, begin = cpu_seconds(target.pid), time.monotonic()
        time.sleep(20)
        idle = (cpu_seconds(target.pid) - before) / (time.monotonic() - begin)
        say(f"the idle broker uses {idle:.3f} CPU s per second, subtracted below")
        costs = []
        for limit in (2000, options.queues):
            say(f"the agent, {limit} queues with series of their own")
            with agent(config, options.interval, limit) as pid:
                fetch(f"http://{LISTEN}/metrics", compressed=True)
                time.sleep(options.interval)

                def page() -> Fetched:
                    return fetch(f"http://{LISTEN}/metrics", compressed=True)

                name, pids = f"rabbitwatch, limit {limit}", (target.pid, pid)
                costs.append(_measured(name, options.rounds, options.interval, idle, pids, page))
        peer_url = options.peer_url or f"{target.plugin_url}/metrics/per-object"
        peer_pid = options.peer_pid or target.pid
        say(f"the peer, {peer_url}")
        name = "peer" if options.peer_url else "the broker's plugin, per object"
        pids = (target.pid, peer_pid)
        peer = _measured(name, options.rounds, options.interval, idle, pids, lambda: fetch(peer_url, compressed=True))
        if not options.peer_url:
            # the plugin is the broker: its cost is in the first column already
            peer = replace(peer, own_cpu=0.0)
        costs.append(peer)
        _table(costs, peer)
    return 0


OTHERS = {"rules": rules.main, "notices": notices.main, "cuts": cuts.main, "pages": pages.main}

if __name__ == "__main__":
    other = OTHERS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(other(sys.argv[2:]) if other else main())
