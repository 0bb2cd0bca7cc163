"""The same as test_restart, with a real process, SIGKILL and the real database."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

AGENT = """
import sys
from pathlib import Path

from rabbitwatch.alerting.evaluate.context import Context
from rabbitwatch.alerting.evaluate.evaluator import Evaluator
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.storage import MemoryStorage
from rabbitwatch.storage.alerts import SqliteAlertStore
from rabbitwatch.storage.database import Database

folder, cycle = Path(sys.argv[1]), int(sys.argv[2])
storage = MemoryStorage()
store = SqliteAlertStore(Database.open(folder / "data"))
evaluator = Evaluator(Context(engine=Engine(), storage=storage, appender=storage, store=store))
evaluator.load(load([folder / "rules.yml"]))
while True:
    now = 15.0 * cycle
    for node in range(20):
        storage.append(LabelSet.of({"__name__": "up", "node": str(node)}), round(now * 1000), 0.0)
    for raised in evaluator.evaluate(now).alerts:
        alert = raised.alert
        print(cycle, alert.name, alert.labels.get("node"), alert.state.value, alert.fired_at, sep=",")
    print(cycle, "done", sep=",", flush=True)
    cycle += 1
"""
RULES = """
groups:
- name: g
  rules:
  - {alert: Soon, expr: up == 0}
  - {alert: Later, expr: up == 0, for: 5m}
- name: h
  rules:
  - {alert: Other, expr: up == 0, for: 1m}
"""


def run_and_kill(folder: Path, cycle: int, cycles: int) -> list[list[str]]:
    """What the agent announced from this cycle on, until SIGKILL hit it somewhere after so many cycles."""
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(folder), str(cycle)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip().split(","))
        if lines[-1][1] == "done" and int(lines[-1][0]) >= cycle + cycles - 1:
            break
    process.kill()
    # what it managed to say between the last line read and its end was said, too, but for a line that is cut
    lines += [line.strip().split(",") for line in process.stdout.read().splitlines(keepends=True) if line[-1] == "\n"]
    process.wait()
    process.stdout.close()
    return lines


def test_kills_at_random_moments_lose_nothing_that_was_announced(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    rng = random.Random(7)
    announced: list[list[str]] = []
    cycle = 0
    for _ in range(5):
        announced += run_and_kill(tmp_path, cycle, rng.randint(4, 9))
        cycle = max(int(line[0]) for line in announced) + 1
    fired = {(line[1], line[2], line[4]) for line in announced if line[1] != "done" and line[3] == "firing"}
    assert {(name, at) for name, _, at in fired} == {("Soon", "0.0"), ("Other", "60.0"), ("Later", "300.0")}
    assert len(fired) == 3 * 20, "each alert fired once, at one time"
    first: dict[tuple[str, str], int] = {}
    for number, name, *rest in announced:
        if name != "done" and rest[1] == "firing":
            first.setdefault((name, rest[0]), int(number))
    back = [
        line
        for line in announced
        if line[1] != "done" and line[3] == "pending" and int(line[0]) > first.get((line[1], line[2]), int(line[0]))
    ]
    assert back == []
