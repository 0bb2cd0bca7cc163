"""Agents as processes of their own, that can be killed and started again, with rules that need no broker."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import requests
import yaml
from tests.support.servers import free_port
from tests.support.waiting import until

STARTS_WITHIN_S = 90.0
NOWHERE: dict[str, Any] = {
    "name": "nowhere",
    "nodes": [{"url": "http://127.0.0.1:9"}],
    "discover": False,
    "diagnostics": [],
}
"""A cluster that nobody answers for: the rules of a test are about constants."""


class AgentProcess:
    """`rabbitwatch run` in a folder of its own, on a port that stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the configuration; what is not given is quick, local and about no cluster."""
        quick = {
            "clusters": [NOWHERE],
            "poll": {"interval": "1s", "timeout": "500ms"},
            "web": {"listen": f"127.0.0.1:{self.port}"},
            "rules": {"files": ["rules.yml"], "evaluation_interval": "1s"},
            "storage": {"path": "data"},
        }
        path = self.folder / "rabbitwatch.yml"
        path.write_text(yaml.safe_dump(quick | dict(settings)), encoding="utf-8")

    def fire(self, *names: str, **labels: str) -> None:
        """The rules from now on: these alerts fire, each with these labels. Loaded again where the agent runs."""
        rules = [{"alert": name, "expr": "vector(1)", "labels": {"severity": "critical"} | labels} for name in names]
        groups = {"groups": [{"name": "test", "interval": "1s", "rules": rules}]}
        (self.folder / "rules.yml").write_text(yaml.safe_dump(groups), encoding="utf-8")
        if self._process is not None:
            assert requests.post(f"{self.url}/-/reload", timeout=30).status_code == requests.codes.ok, self.log()

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "rabbitwatch", "run", "--config", "rabbitwatch.yml"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        until(self._ready, "the agent answers", STARTS_WITHIN_S, self.log)

    def kill(self) -> None:
        """SIGKILL, as a machine that dies."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def log(self) -> str:
        """Everything that it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it has ended with {self._process.returncode}:\n{self.log()}"
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/-/healthy", timeout=5).status_code == requests.codes.ok
        return False


@contextlib.contextmanager
def agents(folder: Path, count: int) -> Iterator[list[AgentProcess]]:
    """So many, not started; whatever happens, they are ended."""
    with contextlib.ExitStack() as ending:
        yield [ending.enter_context(AgentProcess(folder / f"agent{number}")) for number in range(count)]
