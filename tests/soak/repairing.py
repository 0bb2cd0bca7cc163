"""The agent of the soak: a real process that repairs by itself, quickly, and may be killed at any moment."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
import yaml
from tests.cluster.conftest import Lab
from tests.soak.audited import Budget
from tests.soak.losses import Repair
from tests.soak.world import DECLARED, POLICY, World
from tests.support.agents import AgentProcess

from rabbitwatch.actions.ports import Entry
from rabbitwatch.actions.record import entry_of

BUDGET = Budget(cooldown=20.0, max_per_hour=250, fight_times=12, fight_within=600.0)
ACTOR = "actor"
_DEAD_SECONDS = 2.0
_END_SECONDS = 120.0

_LAGS = "max by (cluster, vhost, queue) (rabbitwatch_queue_mirrors - rabbitwatch_queue_mirrors_synchronised) > 0"
RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "soak",
            "interval": "2s",
            "rules": [
                {"alert": "Drift", "expr": "max by (cluster, vhost, policy, kind) (rabbitwatch_policy_drift) == 1"},
                {"alert": "Lags", "expr": _LAGS, "for": "3s"},
            ],
        }
    ]
}
"""The shipped alerts wait for minutes; a soak has seconds."""


def settings(lab: Lab) -> dict[str, Any]:
    """The agent's configuration for this cluster. The guards' limits fit the soak's small queues and short peace; every
    guard stays on."""
    cluster = yaml.safe_load(lab.run("config", "--no-diagnostics", "--no-cookie-files").stdout)["clusters"][0]
    declared = {"vhost": "/", "name": POLICY, **{key.replace("-", "_"): value for key, value in DECLARED.items()}}
    limits = {"cooldown": f"{BUDGET.cooldown:g}s", "max_per_hour": BUDGET.max_per_hour, "mode": "auto"}
    return {
        "clusters": [{**cluster, "policies": [declared]}],
        "poll": {"interval": "3s", "timeout": "2500ms"},
        "rules": {"files": ["rules.yml"], "evaluation_interval": "2s"},
        "actions": {
            "username": ACTOR,
            "password": lab.admin_password,
            "timeout": "5s",
            "bindings": [
                {"matchers": ['alertname="Drift"'], "action": "apply_policy", **limits},
                {"matchers": ['alertname="Lags"'], "action": "sync_queue", **limits},
            ],
            "guards": {
                "uptime": {"at_least": "10s"},
                "size": {"limit": "1MiB"},
                "rate": {"limit": 50},
                "fight": {"times": BUDGET.fight_times, "within": f"{BUDGET.fight_within:g}s"},
            },
            "verify": {"interval": "1s", "stall": "60s", "timeout": "300s"},
        },
    }


class Repairing:
    """The agent of one cluster. deaths: when it was killed and when it answered again."""

    def __init__(self, world: World, folder: Path) -> None:
        self.process = AgentProcess(folder)
        self.deaths: list[tuple[float, float]] = []
        self._lock = threading.Lock()
        self._lab = world.lab
        self._world = world

    def start(self) -> None:
        """Make the user that acts, and start."""
        rights = dict.fromkeys(("configure", "write", "read"), ".*")
        self._world.ask("PUT", f"users/{ACTOR}", {"password": self._lab.admin_password, "tags": "administrator"})
        self._world.ask("PUT", f"permissions/%2F/{ACTOR}", rights)
        self.process.configure(settings(self._lab))
        (self.process.folder / "rules.yml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
        self.process.start()

    def die(self, after: float, ending: threading.Event) -> None:
        """After so many seconds, SIGKILL; soon started again. An end of the run comes first."""
        if ending.wait(after):
            return
        with self._lock:
            killed = time.time()
            self.process.kill()
            time.sleep(_DEAD_SECONDS)
            self.process.start()
            self.deaths.append((killed, time.time()))

    def settle(self) -> None:
        """Wait until no step is open, for as long as one may be."""
        end = time.monotonic() + _END_SECONDS
        while self._open() and time.monotonic() < end:
            time.sleep(0.5)

    def pause(self) -> None:
        """`rabbitwatch actions pause`: from now on nothing is requested."""
        self._command("actions", "pause")

    def entries(self) -> list[Entry]:
        """The audit, read from its file."""
        path = self.process.folder / "data" / "audit.jsonl"
        with contextlib.suppress(FileNotFoundError):
            return [entry_of(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return []

    def verify(self) -> str:
        """What `rabbitwatch audit --verify` finds wrong; "" when the chain is whole."""
        done = self._command("audit", "--verify")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _open(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return bool(open_deeds(self.entries()))
        return True

    def _command(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "RABBITWATCH_URL": self.process.url}
        argv = [sys.executable, "-m", "rabbitwatch", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=env)


def open_deeds(entries: Sequence[Entry]) -> set[str]:
    """The steps that were requested and whose end is not on record."""
    deeds: set[str] = set()
    for entry in entries:
        if entry.event == "requested":
            deeds.add(entry.deed)
        elif entry.event == "ended":
            deeds.discard(entry.deed)
    return deeds


def repairs(entries: Sequence[Entry], now: float) -> list[Repair]:
    """Every requested step with its end; `now` where that is not on record."""
    ends = {entry.deed: entry for entry in entries if entry.event == "ended"}
    found = []
    for entry in entries:
        if entry.event != "requested" or entry.step is None:
            continue
        end = ends.get(entry.deed)
        queue = entry.step.object if entry.step.action == "sync_queue" else ""
        outcome = end.outcome if end else "open"
        what = f"line {entry.number}: {entry.step.action} {entry.step.object}, {outcome}"
        found.append(Repair(queue, entry.at, end.at if end else now, what))
    return found
