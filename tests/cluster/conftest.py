"""Real clusters for tests, started by deploy/lab/lab and always ended again.

`lab_factory` starts a cluster of any shape, `shared_lab` is one of three nodes for all tests that leave it as they
found it. State folders lie under .cache/labs, named after the test run, so that the next run ends what a killed one
left.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.cluster.observer import POLL, observing
from tests.cluster.pager import MINUTE, Pager

TOP = Path(__file__).resolve().parents[2]
LAUNCHER = TOP / "deploy/lab/lab"
CACHE = Path(os.environ.get("LAB_CACHE") or TOP / ".cache")
LABS = TOP / ".cache/labs"
SHARED = ("--nodes", "3", "--ram", "rabbit3", "--net-ticktime", "10")
UP_SECONDS = 600.0
"""The first cluster of another RabbitMQ version builds a root folder, which takes over a minute."""

LabFactory = Callable[..., "Lab"]


class Lab:
    """One lab, by its executable."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def run(self, *words: str, check: bool = True, seconds: float = 300.0) -> subprocess.CompletedProcess[str]:
        """One command. With `check`, a failure fails the test with what the command said."""
        argv = [str(LAUNCHER), "--state", str(self.state), "--cache", str(CACHE), *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"lab {' '.join(words)}: exit code {done.returncode}\n{done.stderr}{done.stdout}")
        return done

    def up(self, *words: str) -> Lab:
        """Start the cluster; takes the words of `lab up`. Skips the test where this machine cannot."""
        reason = impossible(words)
        if reason:
            pytest.skip(reason)
        self.run("up", *words, seconds=UP_SECONDS)
        return self

    def down(self) -> None:
        """End everything; more than once is fine."""
        self.run("down")

    def status(self) -> dict[str, Any]:
        """`lab status --json`, asked now."""
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def config_text(self) -> str:
        """The configuration of an agent for this cluster."""
        return self.run("config").stdout

    @cached_property
    def _facts(self) -> dict[str, Any]:
        return self.status()

    def node(self, name: str) -> dict[str, Any]:
        """What does not change about a node: address, amqp_port, url, node, cookie_file …; for the rest see status."""
        return next(node for node in self._facts["nodes"] if node["name"] == name)

    def url(self, name: str) -> str:
        """The management API of a node."""
        return str(self.node(name)["url"])

    @property
    def urls(self) -> list[str]:
        """The management API of every node, in order."""
        return [node["url"] for node in self._facts["nodes"]]

    @property
    def admin_password(self) -> str:
        """Of the user admin, an administrator."""
        return str(self._facts["users"]["admin"])

    @property
    def monitor_password(self) -> str:
        """Of the user monitor, with the tag monitoring."""
        return str(self._facts["users"]["monitor"])


def impossible(words: tuple[str, ...]) -> str | None:
    """Why this machine cannot start such a cluster, None when it can."""
    loopback = "loopback" in words
    if not loopback and os.geteuid() != 0:
        return "needs root for network namespaces"
    if not Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists():
        return "rabbitmq-server is not installed: apt-get install rabbitmq-server"
    other = "--version" in words and words[words.index("--version") + 1] != "3.10"
    if other and shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        return "debootstrap is not installed: apt-get install debootstrap"
    return None


@contextmanager
def fresh_folders() -> Iterator[Callable[[], Path]]:
    """A fresh state folder with every call; first ends the labs of runs that are dead, at last those in these."""
    own = LABS / str(os.getpid())
    for run in LABS.glob("*/"):
        if run == own or not Path("/proc", run.name).exists():
            _end(run)
    count = iter(range(1, 1000))
    try:
        yield lambda: own / str(next(count))
    finally:
        _end(own)


@pytest.fixture(scope="session")
def lab_folders() -> Iterator[Callable[[], Path]]:
    """See fresh_folders."""
    with fresh_folders() as folders:
        yield folders


def _end(run: Path) -> None:
    for state in sorted(run.glob("*/")):
        Lab(state).down()
    shutil.rmtree(run, ignore_errors=True)


@contextmanager
def labs(lab_folders: Callable[[], Path]) -> Iterator[LabFactory]:
    """Starts clusters, and ends them at the end of the context."""
    started: list[Lab] = []

    def start(*words: str) -> Lab:
        lab = Lab(lab_folders())
        started.append(lab)
        return lab.up(*words)

    try:
        yield start
    finally:
        for lab in started:
            lab.down()


@pytest.fixture(scope="module")
def lab_factory(lab_folders: Callable[[], Path]) -> Iterator[LabFactory]:
    """Starts a cluster as `lab up` with these words; it is ended with the module, whatever happens."""
    with labs(lab_folders) as start:
        yield start


@pytest.fixture(scope="session")
def shared_lab(lab_folders: Callable[[], Path]) -> Iterator[Lab]:
    """Two disc nodes and a ram node of 3.10, net_ticktime 10, for tests that restore whatever they change."""
    with labs(lab_folders) as start:
        yield start(*SHARED)


class Paging(Protocol):
    """Makes a pager of a cluster: of `lab config`, or of `text` instead; the rest as for `observing` and `Pager`."""

    def __call__(
        self,
        lab: Lab,
        *,
        diagnostics: bool = False,
        extra: str = "",
        text: str | None = None,
        poll: str = POLL,
        step: float = MINUTE,
    ) -> AbstractContextManager[Pager]: ...


@pytest.fixture
def paging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Paging]:
    """The test's pagers. Every alert that its mark `fires` names must have fired in one of them."""
    fired: set[str] = set()

    @contextmanager
    def start(
        lab: Lab,
        *,
        diagnostics: bool = False,
        extra: str = "",
        text: str | None = None,
        poll: str = POLL,
        step: float = MINUTE,
    ) -> Iterator[Pager]:
        config = text or lab.config_text()
        with observing(config, tmp_path, diagnostics=diagnostics, extra=extra, poll=poll) as observer:
            pager = Pager(observer, step)
            yield pager
            fired.update(pager.fired)

    yield start
    marks = {name for mark in request.node.iter_markers("fires") for name in mark.args}
    assert marks <= fired, f"the test says that these fire, and they did not: {sorted(marks - fired)}"
