"""A process of its own that holds a lease of a cluster, for tests to kill, stop and continue.

`python -m tests.support.leaseholder` reads one JSON object from its input (settings: of actions; nodes: addresses;
storage; agent), begins, and then answers each further line with what `held` says. Secrets come by that pipe and never
by the command line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from rabbitwatch.actions.lease.keeper import Keeper
from rabbitwatch.actions.lease.table import lease_for
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig

TOP = Path(__file__).resolve().parents[2]


def keeper(settings: dict[str, Any], nodes: Sequence[str], storage: Path, agent: str) -> Keeper:
    """A lease of the cluster `lab` that has not begun. settings: of the section actions."""
    cluster = ClusterConfig.model_validate({"name": "lab", "nodes": [{"url": node} for node in nodes]})
    return lease_for(cluster, ActionsConfig.model_validate(settings), storage, agent)


class Holder:
    """Such a process. Ended by `kill`, whatever state it is in."""

    def __init__(self, settings: dict[str, Any], nodes: Sequence[str], storage: Path, agent: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.leaseholder"],
            cwd=TOP,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say({"settings": settings, "nodes": list(nodes), "storage": str(storage), "agent": agent})

    def held(self) -> str:
        """What the process answers, as soon as it does."""
        self._say({})
        return self._answer()

    def ask(self) -> Callable[[], str]:
        """Put the question and do not wait; the answer is had by calling what is returned."""
        self._say({})
        return self._answer

    def stop(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL; more than once is fine."""
        self._process.kill()
        self._process.wait(30)

    def _say(self, told: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the holder has ended by itself"
        return str(json.loads(line))


def _main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    given = json.loads(sys.stdin.readline())
    lease = keeper(given["settings"], given["nodes"], Path(given["storage"]), given["agent"])
    lease.begin()
    for _ in sys.stdin:
        print(json.dumps(lease.held()), flush=True)


if __name__ == "__main__":
    _main()
