"""The shipped rules in a real Prometheus: loaded unchanged, and their expressions give what they give here."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.prometheus.compare import difference, empty
from tests.prometheus.hour import BEGIN, END, OWN_PAST_MS, POLLS, Poll
from tests.prometheus.incidents import INTERVAL
from tests.prometheus.server import PROMETHEUS, Prometheus, prometheus
from tests.unit.web.prometheus.served import Client

from rabbitwatch.alerting.rulefile.history import history
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.alerting.rulefile.model import Rule
from rabbitwatch.assets import shipped
from rabbitwatch.errors import Place
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.window import Window
from rabbitwatch.web.prometheus.encoding import result

Evaluated = dict[Place, dict[str, Any]]

FILES = sorted(shipped("rules").glob("*.yml"))
RULES = load(FILES)

_OFF_GRID = 7.321
"""Seconds from a poll to an evaluation: no range begins at a sample then (docs/promql.md says why that matters)."""
_EVERY = 6
_LONG_AFTER = POLLS + 4 * _EVERY
"""The number of a poll that does not come any more: an evaluation when all series are older than the lookback."""
_NEVER = {"RabbitwatchOneObserverBlind": "there is one observer"}
"""Rules for which the hour has nothing to find, and why."""

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian package prometheus)"),
]


def ids(rule: Rule) -> str:
    return rule.name


@pytest.mark.parametrize("rule", RULES.rules(), ids=ids)
def test_over_the_hour(rule: Rule, original: Prometheus, agent: Client) -> None:
    steps = {"start": str(BEGIN + _OFF_GRID), "end": str(END), "step": "60"}
    asked = {"query": rule.expr.text, **steps}
    theirs = original.ask("/query_range", asked)
    assert theirs["status"] == "success", theirs
    assert not difference(rule.expr.text, theirs, agent.ask("/query_range", asked).json())


@pytest.fixture(scope="module")
def evaluated(hour: list[Poll]) -> Evaluated:
    """By rule: what the window answered while the polls came in, keeping only what the rules ask for."""
    window, engine = Window(), Engine()
    window.retain(history(RULES))
    found: Evaluated = {}

    def evaluate(number: int) -> None:
        at_ms = round((BEGIN + number * INTERVAL + _OFF_GRID) * 1000)
        for rule in RULES.rules():
            data = result(engine.instant(rule.expr, at_ms, window.snapshot()).value, at_ms)
            series = found.setdefault(rule.place, {})
            for row in data["result"]:
                one = series.setdefault(str(row["metric"]), {"metric": row["metric"], "values": []})
                one["values"].append(row["value"])

    due = {(BEGIN + number * INTERVAL) * 1000 + OWN_PAST_MS: number for number in range(0, POLLS, _EVERY)}
    for poll in hour:
        window.ingest(poll.at_ms, poll.blocks, poll.scope)
        if not poll.scope and poll.at_ms in due:
            evaluate(due[poll.at_ms])
    evaluate(_LONG_AFTER)
    return {place: {"resultType": "matrix", "result": list(series.values())} for place, series in found.items()}


@pytest.mark.parametrize("rule", RULES.rules(), ids=ids)
def test_as_polls_come_in(rule: Rule, original: Prometheus, evaluated: Evaluated) -> None:
    begin, step = BEGIN + _OFF_GRID, _EVERY * INTERVAL
    end = BEGIN + _LONG_AFTER * INTERVAL + _OFF_GRID
    query = rule.expr.text
    theirs = original.ask("/query_range", {"query": query, "start": str(begin), "end": str(end), "step": str(step)})
    evaluations = {round(begin + number * step, 3) for number in range(POLLS // _EVERY)} | {round(end, 3)}
    for series in theirs["data"]["result"]:
        series["values"] = [value for value in series["values"] if value[0] in evaluations]
    theirs["data"]["result"] = [series for series in theirs["data"]["result"] if series["values"]]
    assert not difference(query, theirs, {"status": "success", "data": evaluated[rule.place]})
    assert not empty(theirs) or rule.name in _NEVER, "nothing in the hour makes this rule speak: add an incident"


def test_promtool_takes_the_files(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(f"rule_files: [{shipped('rules') / '*.yml'}]\n", encoding="utf-8")
    command = [str(shutil.which("promtool")), "check", "config", str(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {config}" in done.stdout


def test_prometheus_evaluates_the_files_without_an_error(tmp_path: Path) -> None:
    settings = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(file) for file in FILES]}
    with prometheus(tmp_path, settings) as server:
        for _ in range(100):
            groups = server.get("/rules")["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            if all(rule["health"] != "unknown" for rule in rules):
                break
            time.sleep(0.1)
    assert [rule["name"] for rule in rules] == [rule.name for rule in RULES.rules()]
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
