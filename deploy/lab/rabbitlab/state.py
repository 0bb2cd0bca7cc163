"""The state file: what the lab made, written before or as each thing is made.

A crash at any instant must leave a file from which `lab down` ends everything. Two things make that so: the lab's id
(names of all network things start with it) and its mark (in the environment of all processes) are on disk before the
first thing exists, and every later fact is saved as soon as it is known.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rabbitlab.errors import LabError
from rabbitlab.order import Order
from rabbitlab.processes import Process

FORMAT = 1
_OURS = ("lab.json", "lab.json.new", "hosts", "hosts.observer", "nodes", "logs", "proxy")
"""What the lab writes into the state folder; `down` removes these and nothing else."""


@dataclass(frozen=True)
class Ports:
    """Where a node listens. inner: the broker's own management port where the lab's relay holds the outer one."""

    amqp: int = 5672
    management: int = 15672
    inner: int = 15672
    metrics: int = 15692
    distribution: int = 25672


@dataclass(frozen=True)
class Node:
    """One broker. name: what the lab's commands call it; node: its Erlang name; kind: disc or ram, as ordered."""

    name: str
    node: str
    address: str
    kind: str
    ports: Ports
    namespace: str | None = None

    @property
    def url(self) -> str:
        """The management API, as the observer reaches it."""
        return f"http://{self.address}:{self.ports.management}"


@dataclass
class Lab:
    """Everything about one lab. `processes`: by role, such as rabbit1/broker; `cuts`: [from, to, one-way?] links;
    `answers`: node name -> seconds of delay or the word hang."""

    id: str
    mark: str
    boot: str
    order: Order
    phase: str = "starting"
    owner: Process | None = None
    root: str | None = None
    subnet: str | None = None
    epmd_port: int = 4369
    proxy_address: str | None = None
    cookie: str = ""
    users: dict[str, str] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    processes: dict[str, Process] = field(default_factory=dict)
    cuts: list[tuple[str, str, bool]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    restore: dict[str, str] = field(default_factory=dict)

    def node(self, name: str) -> Node:
        """The node by short or full name. Raises LabError that lists the names there are."""
        for node in self.nodes:
            if name in (node.name, node.node):
                return node
        raise LabError(f"no node {name!r}: the nodes are {', '.join(node.name for node in self.nodes)}")


class Store:
    """The state folder of one lab. Default `.lab/` at the top of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.file = self.folder / "lab.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def home(self, node: Node | str) -> Path:
        """The folder of one node: its configuration, its data and its HOME."""
        return self.folder / "nodes" / (node if isinstance(node, str) else node.name)

    @contextlib.contextmanager
    def locked(self, seconds: float = 60.0) -> Iterator[None]:
        """One command at a time changes a lab. Raises LabError when another holds it for longer."""
        deadline = time.monotonic() + seconds
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "lock").open("w") as handle:
                if self._lock(handle):
                    yield
                    return
            if time.monotonic() > deadline:
                raise LabError(f"another lab command has held {self.folder} for {seconds:g} s")
            time.sleep(0.1)

    def _lock(self, handle: TextIO) -> bool:
        """Whether we hold the lock file that stands in the folder: `down` may have removed the one that we opened."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.fstat(handle.fileno()).st_ino == (self.folder / "lock").stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            return False

    def find(self) -> Lab | None:
        """The lab of this folder, or None. Raises LabError for a file that this lab cannot read."""
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            raw = json.loads(text)
            if raw["format"] != FORMAT:
                raise LabError(f"{self.file} is of another version of the lab: end it with that one")
            lab = _lab(raw)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise LabError(f"{self.file} is damaged ({error!r}): end its processes by hand and remove it") from None
        if lab.boot != boot_id():
            lab.processes, lab.owner = {}, None  # the machine has been restarted: these pids are others' now
        return lab

    def load(self) -> Lab:
        """The lab that is up here. Raises LabError when there is none."""
        lab = self.find()
        if lab is None:
            raise LabError(f"no lab is up in {self.folder}: start one with `lab up`")
        return lab

    def save(self, lab: Lab) -> None:
        """Write the state whole or not at all; only the owner may read it, for it holds passwords."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.folder / "lab.json.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump({"format": FORMAT, **dataclasses.asdict(lab)}, handle, indent=1)
            handle.flush()
            os.fsync(handle.fileno())
        new.replace(self.file)

    def record(self, lab: Lab, role: str, process: Process) -> None:
        """Note a process the moment it exists."""
        lab.processes[role] = process
        self.save(lab)

    def forget(self, lab: Lab, role: str) -> None:
        """Note that a process has been ended."""
        if lab.processes.pop(role, None) is not None:
            self.save(lab)

    def clear(self, keep_logs: bool = False) -> None:
        """Remove what the lab wrote here, and the folder where nothing else is in it."""
        for name in _OURS:
            if name == "logs" and keep_logs:
                continue
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        (self.folder / "lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def new_lab(order: Order, owner: Process | None) -> Lab:
    """A lab that has a name and nothing else yet."""
    return Lab(id=f"rl{secrets.token_hex(3)}", mark=secrets.token_hex(16), boot=boot_id(), order=order, owner=owner)


def boot_id() -> str:
    """Changes with every boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _lab(raw: dict[str, Any]) -> Lab:
    raw = {key: value for key, value in raw.items() if key != "format"}
    order: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.pop("order").items()
    }
    owner = raw.pop("owner")
    nodes = [Node(**{**node, "ports": Ports(**node["ports"])}) for node in raw.pop("nodes")]
    processes = {role: Process(**process) for role, process in raw.pop("processes").items()}
    cuts = [(cut[0], cut[1], cut[2]) for cut in raw.pop("cuts")]
    return Lab(
        **raw,
        order=Order(**order),
        owner=Process(**owner) if owner else None,
        nodes=nodes,
        processes=processes,
        cuts=cuts,
    )
