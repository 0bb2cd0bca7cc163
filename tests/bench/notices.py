"""What 5,000 alerts cost that fire at once: `python -m tests.bench notices`.

The agent's part for notices runs in a process of its own, with the real database, and tells a webhook that this process
serves. A case fails the bench when an alert is lost, a group gets more than one message, or a minute holds more of them
than `max_per_minute`. CPU and memory are the agent's, from /proc; the yardstick is plain Python, as in rules.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.procs import cpu_seconds, resident_bytes
from tests.bench.rules import yardstick
from tests.support.webhookserver import Post, WebhookServer

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle, Raised
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import Config
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.notification import Notification
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.storage.database import Database

_MINUTE = 60.0
_STEADY = 4
"""Evaluations after all was told, to see what one costs that brings nothing new."""


@dataclass(frozen=True, slots=True)
class Case:
    """So many alerts in so many groups, told at so many a minute at most."""

    name: str
    alerts: int
    groups: int
    max_per_minute: int


CASES = (
    Case("50 groups, 60 a minute (the default)", 5000, 50, 60),
    Case("one group", 5000, 1, 60),
    Case("each alert alone, no limit", 5000, 5000, 100_000),
    Case("1,200 groups, 600 a minute", 5000, 1200, 600),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one case. seconds: until the last message. cpu: of telling; steady: of one evaluation that brings nothing new.
    before, after: resident bytes. fullest: messages in the fullest minute."""

    case: Case
    messages: int
    told: int
    most: int
    fullest: int
    seconds: float
    cpu: float
    steady: float
    before: int
    after: int

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        return [
            what
            for what, wrong in (
                (f"{self.case.alerts - self.told} alerts were lost", self.told != self.case.alerts),
                (f"a group got {self.most} messages", self.most != 1),
                (f"{self.fullest} messages in a minute", self.fullest > self.case.max_per_minute),
            )
            if wrong
        ]


def alerts(case: Case) -> list[Raised]:
    """They look like those of the shipped rules about queues."""
    return [
        Raised("queues", "rabbitwatch_queue_messages > 10000", _alert(number, case.groups))
        for number in range(case.alerts)
    ]


def _alert(number: int, groups: int) -> Alert:
    queue, vhost = f"bench.{number:05d}", f"vhost{number % groups:04d}"
    labels = {"alertname": "QueueDeep", "cluster": "orders", "vhost": vhost, "queue": queue, "severity": "warning"}
    return Alert(
        labels=LabelSet.of(labels),
        annotations={
            "summary": f"{queue} in {vhost} of orders holds 12,345 messages",
            "description": "More than 10,000 messages wait in this queue, and nobody takes them as fast as they come.",
            "runbook": "docs/runbooks/RabbitMQQueueDeep.md",
        },
        state=AlertState.FIRING,
        value=12345.0,
        active_at=time.time() - 120,
        fired_at=time.time() - 60,
    )


class Agent:
    """The agent's part for notices, in this process."""

    def __init__(self, case: Case, url: str, folder: Path) -> None:
        config = Config.model_validate(
            {
                "storage": {"path": folder},
                "route": {"receiver": "hook", "group_by": ["cluster", "vhost"]},
                "receivers": [
                    {"name": "hook", "webhook_configs": [{"url": url, "max_per_minute": case.max_per_minute}]}
                ],
            }
        )
        loaded = Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())
        self.notification = Notification(loaded, OwnMetrics(), Database.open(folder))
        self.notification.begin(loaded)
        self.raised = alerts(case)

    def evaluated(self) -> None:
        """One evaluation, in which all alerts fire."""
        self.notification.take(Cycle(time.time(), ["queues"], [], self.raised))

    def serve(self) -> None:
        """Evaluate whenever a line comes in, and answer it when that is done."""
        print("ready", flush=True)
        for _ in sys.stdin:
            self.evaluated()
            print("evaluated", flush=True)
        self.notification.stop()


@contextmanager
def agent(case: Case, url: str) -> Iterator[subprocess.Popen[str]]:
    """Such an agent in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench", "notices", "--agent", json.dumps([asdict(case), url, folder])]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            _line(process)
            yield process
        finally:
            process.kill()
            process.wait()


def _line(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if not process.stdout.readline():
        raise SystemExit("bench: the agent ended")


def _evaluate(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    _line(process)


def measured(case: Case) -> Outcome:
    """One case from its beginning to its last message."""
    posts: list[Post] = []
    with WebhookServer() as server, agent(case, server.url) as process:
        before, cpu, began = resident_bytes(process.pid), cpu_seconds(process.pid), time.monotonic()
        _evaluate(process)
        minutes = (case.groups - 1) // case.max_per_minute
        posts = server.wait_for(case.groups, _MINUTE * (minutes + 5))
        seconds = posts[-1].at - began
        time.sleep(2)  # what comes too much would come now
        telling = cpu_seconds(process.pid) - cpu
        steady = cpu_seconds(process.pid)
        for _ in range(_STEADY):
            _evaluate(process)
            time.sleep(1)
        steady = (cpu_seconds(process.pid) - steady) / _STEADY
        after = resident_bytes(process.pid)
        posts = list(server.posts)
    keys = Counter(post.json()["groupKey"] for post in posts)
    told = {alert["labels"]["queue"] for post in posts for alert in post.json()["alerts"]}
    return Outcome(
        case=case,
        messages=len(posts),
        told=len(told),
        most=max(keys.values()),
        fullest=_fullest([post.at for post in posts]),
        seconds=seconds,
        cpu=telling,
        steady=steady,
        before=before,
        after=after,
    )


def _fullest(times: Sequence[float]) -> int:
    """Of all minutes, the messages in the one that holds most."""
    times = sorted(times)
    first, most = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= _MINUTE - 0.5:  # the way to the server takes its time too
            first += 1
        most = max(most, last - first + 1)
    return most


def table(outcomes: Sequence[Outcome]) -> None:
    """For docs/performance.md."""
    print("| 5,000 alerts at once | messages | seconds | in the fullest minute | CPU s | CPU s a later evaluation | "
          "resident MB before, after |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for each in outcomes:
        print(
            f"| {each.case.name} | {each.messages:,} | {each.seconds:.1f} | {each.fullest:,} | {each.cpu:.2f} "
            f"| {each.steady:.2f} | {each.before / 1e6:.0f}, {each.after / 1e6:.0f} |"
        )


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when anything was lost, doubled or too fast."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench notices", description=__doc__)
    parser.add_argument("--agent", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.agent:
        case, url, folder = json.loads(options.agent)
        Agent(Case(**case), url, Path(folder)).serve()
        return 0
    print(f"bench: the yardstick takes {yardstick():.2f} CPU s here", file=sys.stderr, flush=True)
    outcomes: list[Outcome] = []
    for each in CASES:
        print(f"bench: {each.name}", file=sys.stderr, flush=True)
        outcomes.append(measured(each))
    table(outcomes)
    faults = [f"{each.case.name}: {fault}" for each in outcomes for fault in each.faults]
    for fault in faults:
        print(f"bench: {fault}", file=sys.stderr)
    return 1 if faults else 0
