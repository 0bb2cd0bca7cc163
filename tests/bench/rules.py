"""What evaluating rules costs: sixty over 10,000 queues, 400,000 samples: `python -m tests.bench rules`.

The agent's evaluator runs them on its window, with alerts and templates. Then a Prometheus (Debian's) gets the same
samples and the same rule file. CPU is of this process and, from /proc, of Prometheus, whose own use without rules is
subtracted. The yardstick is a loop of plain Python: it tells how busy, or how slow, the machine was meanwhile.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.procs import cpu_seconds, resident_bytes
from tests.bench.rule_load import Load, rule_file
from tests.prometheus.feed import Writer
from tests.prometheus.hour import Poll
from tests.prometheus.server import PROMETHEUS, Prometheus, prometheus

from rabbitwatch.alerting.evaluate.context import Context
from rabbitwatch.alerting.evaluate.evaluator import Evaluator
from rabbitwatch.alerting.rulefile.history import history
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.alerting.rulefile.model import RuleSet
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.window import Window

INTERVAL = 15
HISTORY = 62
"""Polls before the first evaluation, of the families whose history the rules ask for: a little over 15 minutes."""
AHEAD = 4
"""Polls of all families that Prometheus is given beyond now, so that its ranges are full while it is measured."""
STEADY = 5
_GOAL_S = 1.0
_YARDSTICK_AT_BEST = 0.31
_CLUSTER = "orders"
_CHURN = [("a queue appears", 1), ("the poll after", 1), ("it goes", 0), ("the poll after", 0)]
_SETTLE_S = 10
_EVALUATIONS = 2
_FED_WITHIN_S = 180
"""The last evaluation is about 70 s after that, and 250 s - 60 s (AHEAD) is within the lookback of 5 minutes."""


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def yardstick() -> float:
    """CPU seconds of three million additions."""
    begin, total = time.process_time(), 0
    for number in range(3_000_000):
        total += number
    return time.process_time() - begin


@dataclass(frozen=True, slots=True)
class Cost:
    """One evaluation of all rules: CPU seconds and seconds by the clock; the yardstick beside it, 0 where none was."""

    name: str
    cpu: float
    wall: float
    yardstick: float = 0.0


class Agent:
    """The agent's window and evaluator, fed by hand."""

    def __init__(self, rules: RuleSet) -> None:
        self.window = Window(interval_ms=INTERVAL * 1000)
        self.window.retain(history(rules))
        self._evaluator = Evaluator(Context(engine=Engine(), storage=self.window, appender=self.window))
        self._evaluator.load(rules)

    def take(self, poll: Poll) -> None:
        """One poll into the window."""
        self.window.ingest(poll.at_ms, poll.blocks, poll.scope)

    def evaluate(self, name: str, at_ms: int) -> Cost:
        """All rules, just after that poll."""
        stick = yardstick()
        cpu, wall = time.process_time(), time.perf_counter()
        cycle = self._evaluator.evaluate(at_ms / 1000 + 0.5)
        cost = Cost(name, time.process_time() - cpu, time.perf_counter() - wall, stick)
        assert cycle.groups
        assert not cycle.failures, cycle.failures
        return cost


def timeline(source: Load, until_s: int, ranged: Sequence[str], ahead: int) -> Iterator[Poll]:
    """The past of some families, then all families, up to `ahead` polls after that time."""
    for number in range(-HISTORY, ahead + 1):
        only = ranged if number < -1 else ()
        yield Poll((until_s + number * INTERVAL) * 1000, _CLUSTER, tuple(source.poll(number, only)))


def of_the_agent(queues: int, rules: RuleSet) -> tuple[list[Cost], list[str]]:
    """The costs of each case, and the families whose history was kept."""
    agent, now_s = Agent(rules), int(time.time())
    source = Load(queues)
    probe = Window()
    probe.retain(history(rules))
    ranged = [block.family.name for block in source.poll(0) if probe.span_of(block.family.name)]
    for poll in timeline(source, now_s, ranged, 0):
        agent.take(poll)
    costs = [agent.evaluate("first", now_s * 1000)]
    say(f"the window: {agent.window.stats()}")
    cases = [("steady", 0)] * STEADY + _CHURN
    for number, (name, new) in enumerate(cases, 1):
        at_ms = (now_s + number * INTERVAL) * 1000
        agent.take(Poll(at_ms, _CLUSTER, tuple(source.poll(number, new=new))))
        costs.append(agent.evaluate(name, at_ms))
    steady = [cost for cost in costs if cost.name == "steady"]
    middle = sorted(steady, key=lambda cost: cost.cpu)[len(steady) // 2]
    say(f"steady, each: {', '.join(f'{cost.cpu:.3f}' for cost in steady)} CPU s")
    return [costs[0], middle, *costs[1 + STEADY :]], ranged


def of_prometheus(queues: int, ranged: Sequence[str], text: str) -> tuple[Cost, int]:
    """The cost of an evaluation there, and its resident memory."""
    with tempfile.TemporaryDirectory(prefix="rabbitwatch-bench-") as name:
        folder = Path(name)
        rules = folder / "rules.yml"
        rules.write_text(text, encoding="utf-8")
        settings: dict[str, Any] = {"global": {"evaluation_interval": f"{INTERVAL}s"}}
        with prometheus(folder, settings) as server:
            writer, began = Writer(), time.time()
            for number, poll in enumerate(timeline(Load(queues), int(began), ranged, AHEAD)):
                writer.take(poll)
                if number % 8 == 0 or not number < HISTORY - 8:
                    writer.flush(server)
            writer.flush(server)
            _check_fed(time.time() - began)
            say("Prometheus has the samples; its idle use")
            time.sleep(_SETTLE_S)
            idle = _spent(server, _SETTLE_S)
            server.reload(settings | {"rule_files": [str(rules)]})
            time.sleep(2 * INTERVAL)
            durations, spent = [], 0.0
            for _ in range(_EVALUATIONS):
                spent += _spent(server, INTERVAL) * INTERVAL
                durations.append(_duration(server))
            say(f"Prometheus, each: {', '.join(f'{each:.3f}' for each in durations)} s; idle {idle:.3f} CPU s a second")
            cpu = spent / _EVALUATIONS - idle * INTERVAL
            return Cost("Prometheus, steady", cpu, statistics.median(durations)), resident_bytes(server.pid)


def _check_fed(seconds: float) -> None:
    """On a busy machine the samples are old before Prometheus is measured: it finds few of them, and seems quick."""
    if seconds > _FED_WITHIN_S:
        raise SystemExit(
            f"bench: feeding Prometheus took {seconds:.0f} s, more than {_FED_WITHIN_S} s: its samples are too old by "
            "now to be compared with. Try again on a quieter machine, or with fewer --queues"
        )


def _spent(server: Prometheus, seconds: float) -> float:
    """CPU seconds a second over so long."""
    begin, before = time.monotonic(), cpu_seconds(server.pid)
    time.sleep(seconds)
    return (cpu_seconds(server.pid) - before) / (time.monotonic() - begin)


def _duration(server: Prometheus) -> float:
    for line in server.page().splitlines():
        if line.startswith("prometheus_rule_group_last_duration_seconds"):
            return float(line.rpartition(" ")[2])
    raise SystemExit("bench: Prometheus tells no duration of its rule group")


def table(costs: Sequence[Cost], base: Cost) -> None:
    print("| evaluation of 60 rules             | CPU s         | clock s       | yardstick | CPU s at best |")
    print("|---|---|---|---|---|")
    for cost in costs:
        pairs = ((cost.cpu, base.cpu), (cost.wall, base.wall))
        ratios = [f"{mine:6.3f} {mine / of:5.2f}x" if of > 0 else f"{mine:6.3f}      -" for mine, of in pairs]
        scaled = f"{cost.cpu * _YARDSTICK_AT_BEST / cost.yardstick:6.3f}" if cost.yardstick else "-"
        stick = f"{cost.yardstick:.2f}" if cost.yardstick else "-"
        print(f"| {cost.name:34} | {ratios[0]:13} | {ratios[1]:13} | {stick:9} | {scaled:13} |")


def main(arguments: Sequence[str]) -> int:
    """Print the table; a stop from outside ends Prometheus too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m tests.bench rules", description=__doc__)
    parser.add_argument("--queues", type=int, default=10_000)
    options = parser.parse_args(arguments)
    text = rule_file()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.yml")
        path.write_text(text, encoding="utf-8")
        rules = load([path])
    say(f"{len(rules.rules())} rules, {options.queues} queues")
    costs, ranged = of_the_agent(options.queues, rules)
    costs = [Cost(f"rabbitwatch, {cost.name}", cost.cpu, cost.wall, cost.yardstick) for cost in costs]
    if PROMETHEUS is None:
        say("prometheus is not installed: no comparison")
        table(costs, costs[1])
        return 0
    try:
        theirs, resident = of_prometheus(options.queues, ranged, text)
    except SystemExit:
        table(costs, costs[1])
        raise
    table([*costs, theirs], theirs)
    print(f"Prometheus' resident memory: {resident / 1e6:.0f} MB. The goal is {_GOAL_S:g} CPU s, steady.")
    return 0
