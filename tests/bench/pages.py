"""What the pages cost: `python -m tests.bench pages`.

The whole agent runs in a process of its own, over a cluster of 10,000 queues that is made up there (no broker, so that
the figures are the agent's alone), with the shipped rules. This process asks for the status page as often as it can be
made anew, and then lets 50 screens ask for the wall every five seconds, and compares what the agent's cycle takes
meanwhile with what it takes when nobody asks.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.procs import cpu_seconds, resident_bytes
from tests.bench.rules import yardstick
from tests.unit.cluster.build import ABC, HA_ALL, healthy, heard, objects, queue

from rabbitwatch.agent import Agent, Watch
from rabbitwatch.cli.service import Options, Service
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.logs import LogFormat, LogLevel, configure
from rabbitwatch.model.broker import Queue
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.redaction import Redactor

INTERVAL = 5.0
_CHANGING = 7
_WARM = 40.0
_FRESH = 1.05
"""A page is made at most once a second: who asks a little less often always waits for a new one."""
_LIMIT_MS, _LIMIT_BYTES = 150, 300_000


class MadeUp:
    """A poller over three nodes and many queues, of which a seventh changes at each poll."""

    def __init__(self, queues: int) -> None:
        self._random = random.Random(7)
        self._queues = [
            queue(
                f"shop.orders.{n:05}",
                ABC[n % 3],
                [name for name in ABC if name != ABC[n % 3]],
                messages=self._random.randint(0, 400),
                policy="ha",
            )
            for n in range(queues)
        ]
        self.took = 0.0, 0.0

    def poll(self) -> ClusterObservation:
        began, cpu = time.perf_counter(), time.thread_time()
        for place in self._random.sample(range(len(self._queues)), len(self._queues) // _CHANGING):
            self._queues[place] = self._changed(place)
        told = objects(queues=tuple(self._queues), policies=(HA_ALL,))
        made = replace(healthy(replace(told, queues=heard(tuple(self._queues)))), cluster="bench", at=time.time())
        self.took = time.perf_counter() - began, time.thread_time() - cpu
        return made

    def _changed(self, place: int) -> Queue:
        before = self._queues[place]
        depth = max(0, (before.messages or 0) + self._random.randint(-40, 45))
        return queue(
            before.name, str(before.node), before.slave_nodes or (), messages=depth, messages_ready=depth, policy="ha"
        )

    def close(self) -> None:
        """Nothing to let go of."""


def timed(run: Callable[[Agent, Watch], None]) -> Callable[[Agent, Watch], None]:
    """The agent's cycle, which says on standard output what it took by the clock and of its CPU, without the making
    up."""

    def cycle(agent: Agent, watch: Watch) -> None:
        began, cpu = time.perf_counter(), time.thread_time()
        run(agent, watch)
        took, used = time.perf_counter() - began, time.thread_time() - cpu
        made_up = watch.poller.took if isinstance(watch.poller, MadeUp) else (0.0, 0.0)
        line = {"at": time.time(), "took": took - made_up[0], "cpu": used - made_up[1]}
        print(json.dumps(line), flush=True)

    return cycle


def agent(folder: Path, queues: int) -> None:
    """The child: the agent until SIGTERM."""
    Agent.run_cycle = timed(Agent.run_cycle)  # type: ignore[method-assign]

    def poller(_: ClusterConfig, __: PollConfig) -> MadeUp:
        return MadeUp(queues)

    redactor = Redactor()
    configure(LogLevel.ERROR, LogFormat.AUTO, redact=redactor)
    Service(Options(config=folder / "agent.yml", listen=None, web_file=None), redactor, poller).run()


Cycle = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer: seconds until its last byte, bytes on the wire."""

    seconds: float
    size: int


@dataclass
class Running:
    """The child. cycles: when each ended, seconds it took by the clock, CPU seconds of its thread."""

    pid: int
    port: int
    cycles: list[Cycle]

    def since(self, at: float) -> list[Cycle]:
        """The cycles that ended since then."""
        return [cycle for cycle in self.cycles if cycle[0] >= at]


def ask(port: int, path: str, tag: str = "") -> tuple[Asked, str]:
    """One GET over a new connection, and the answer's tag."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"} | ({"If-None-Match": tag} if tag else {}))
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - began
    connection.close()
    if answer.status not in (200, 304):
        raise SystemExit(f"bench: {path} answered {answer.status}")
    return Asked(took, len(body)), answer.getheader("etag", "")


@contextmanager
def running(queues: int, port: int) -> Iterator[Running]:
    """The agent in a process of its own, from its first poll on."""
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-bench-") as name:
        folder = Path(name)
        config = {
            "clusters": [{"name": "bench", "nodes": [{"url": "http://a:1"}], "queues": {"limit": queues}}],
            "poll": {"interval": f"{INTERVAL:.0f}s", "timeout": "4s"},
            "web": {"listen": f"127.0.0.1:{port}"},
            "storage": {"path": str(folder / "data")},
        }
        (folder / "agent.yml").write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "tests.bench.pages", "--agent", name, "--queues", str(queues)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
            found = Running(process.pid, port, [])
            reader = threading.Thread(target=_read, args=(process, found.cycles), daemon=True)
            reader.start()
            try:
                _until_polled(process, found, folder / "log")
                yield found
            finally:
                process.terminate()
                process.wait()


def _read(process: subprocess.Popen[str], cycles: list[Cycle]) -> None:
    for line in process.stdout or ():
        if line.startswith('{"at"'):
            told = json.loads(line)
            cycles.append((told["at"], told["took"], told["cpu"]))


def _until_polled(process: subprocess.Popen[str], found: Running, log: Path) -> None:
    for _ in range(240):
        if found.cycles:
            return
        if process.poll() is not None:
            break
        time.sleep(0.25)
    raise SystemExit(f"bench: the agent did not poll:\n{log.read_text(errors='replace')[-2000:]}")


def pages(found: Running, path: str, rounds: int) -> list[Asked]:
    """That page, made anew each time."""
    got = []
    for _ in range(rounds):
        got.append(ask(found.port, path)[0])
        time.sleep(_FRESH)
    return got


def screens(found: Running, count: int, seconds: float) -> list[Asked]:
    """So many walls at once, each asking every five seconds with the tag of what it has; what they waited."""
    end = time.monotonic() + seconds
    got: list[Asked] = []

    def screen(number: int) -> None:
        time.sleep(INTERVAL * number / count)
        tag = ""
        while time.monotonic() < end:
            answer, tag = ask(found.port, "/wall?fragment=1", tag)
            got.append(answer)
            time.sleep(INTERVAL)

    threads = [threading.Thread(target=screen, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def share(values: Sequence[float], part: float) -> float:
    """That quantile, of what was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _row(name: str, got: Sequence[Asked]) -> str:
    seconds = [each.seconds * 1000 for each in got]
    size = max(each.size for each in got)
    return f"| {name} | {len(got)} | {share(seconds, 0.5):.0f} | {share(seconds, 0.95):.0f} | {size / 1000:.1f} |"


def _cycles(name: str, cycles: Sequence[Cycle], cpu: float) -> str:
    took = statistics.median(cycle[1] for cycle in cycles)
    used = [cycle[2] for cycle in cycles]
    return (
        f"| {name} | {len(used)} | {statistics.median(used):.2f} | {share(used, 0.95):.2f} | {took:.2f} | {cpu:.2f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench pages", description=__doc__)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=60, help="requests a page")
    parser.add_argument("--screens", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="that the agent runs without and with the screens")
    parser.add_argument("--port", type=int, default=19429)
    parser.add_argument("--agent", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.agent:
        agent(Path(options.agent), options.queues)
        return 0
    print(f"yardstick: {yardstick():.2f} CPU s (0.31 where nothing else runs)", file=sys.stderr)
    with running(options.queues, options.port) as found:
        time.sleep(_WARM)
        print("| page | requests | p50 ms | p95 ms | kB on the wire |\n|---|---|---|---|---|")
        status = pages(found, "/", options.rounds)
        print(_row("status", status))
        print(_row("status, a search that finds every queue", pages(found, "/?q=shop", options.rounds // 3)))
        print(_row("wall", pages(found, "/wall", options.rounds // 3)), flush=True)
        alone = _watched(found, lambda: time.sleep(options.seconds))
        answers: list[Asked] = []
        beside = _watched(found, lambda: answers.extend(screens(found, options.screens, options.seconds)))
        print(_row(f"wall, to {options.screens} screens", answers))
        print("\n| the agent | cycles | CPU s, p50 | CPU s, p95 | seconds, p50 | all CPU s a second |")
        print("|---|---|---|---|---|---|")
        print(_cycles("nobody asks", *alone))
        print(_cycles(f"{options.screens} screens ask every 5 s", *beside))
        print(f"\nresident: {resident_bytes(found.pid) / 1e6:.0f} MB", file=sys.stderr)
    return _verdict(status)


def _watched(found: Running, meanwhile: Callable[[], None]) -> tuple[list[Cycle], float]:
    """What cycles took, and CPU seconds a second, while that goes on."""
    since, cpu = time.time(), cpu_seconds(found.pid)
    meanwhile()
    return found.since(since), (cpu_seconds(found.pid) - cpu) / (time.time() - since)


def _verdict(status: Sequence[Asked]) -> int:
    high, size = share([each.seconds * 1000 for each in status], 0.5), max(each.size for each in status)
    if high > _LIMIT_MS or size > _LIMIT_BYTES:
        print(f"bench: the status page takes {high:.0f} ms and {size} bytes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
