"""Traffic: queues that are filled once, and a background process that keeps messages moving.

The background process is `python -m rabbitlab.traffic STATE_FOLDER PLAN_FILE`. Users and addresses come from the
state file, so no password stands in a process list. It outlives nodes: a connection that breaks is made anew, with
the next node in turn.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rabbitlab.amqp import AmqpError, Connection
from rabbitlab.errors import LabError
from rabbitlab.management import Api, RefusedError, permit, segment
from rabbitlab.places import helper_environment
from rabbitlab.processes import alive, end, spawn
from rabbitlab.state import Lab, Store

_BATCH = 500
_PAUSE = 1.0
_MOST_PREFETCH = 65535
_LONGEST_NAME = 255
"""Limits of AMQP 0-9-1: a short integer, and a short string."""


@dataclass(frozen=True)
class Load:
    """What `lab load` was asked for. nodes: short names; queue N is declared on the N-th of them in turn, which
    makes it the leader's. rate: messages a second over all queues; consumers: over all queues; hold: consumers take
    `prefetch` messages each and acknowledge none; exclusive: further queues that belong to the traffic's connection."""

    prefix: str = "master."
    queues: int = 3
    messages: int = 0
    size: int = 100
    kind: str = "classic"
    vhost: str = "/"
    nodes: tuple[str, ...] = ()
    consumers: int = 0
    rate: float = 0.0
    hold: bool = False
    prefetch: int = 10
    exclusive: int = 0
    proxy: bool = False

    @property
    def steady(self) -> bool:
        """Whether something has to go on after the queues are filled."""
        return bool(self.consumers or self.rate or self.exclusive)

    def names(self) -> list[str]:
        """The queues of this load."""
        return [f"{self.prefix}{number}" for number in range(1, self.queues + 1)]


def check(load: Load) -> Load:
    """The load. Raises LabError that names every wish that cannot be met."""
    last = f"exclusive.{load.exclusive}" if load.exclusive else f"{load.queues}"
    longest = len(f"{load.prefix}{last}".encode())
    wrong = [
        f"--{name} {getattr(load, name):g}: 0 or more"
        for name in ("queues", "messages", "size", "consumers", "rate", "exclusive")
        if getattr(load, name) < 0
    ]
    if not 0 < load.prefetch <= _MOST_PREFETCH:
        wrong.append(f"--prefetch {load.prefetch}: from 1 to {_MOST_PREFETCH}")
    if longest > _LONGEST_NAME:
        wrong.append(f"--prefix: the queues' names would be {longest} bytes long; {_LONGEST_NAME} is the most")
    if not load.queues and (load.consumers or load.rate or load.messages):
        wrong.append("--queues 0: consumers and messages need a queue")
    if wrong:
        raise LabError("; ".join(wrong))
    return load


def fill(lab: Lab, load: Load) -> None:
    """Declare the queues and publish `messages` into each; returns when the broker has confirmed every one."""
    if load.vhost != "/":
        _make_vhost(lab, load.vhost)
    names, nodes = load.names(), _homes(lab, load)
    for turn in range(len(nodes)):
        own = names[turn :: len(nodes)]
        if own:
            with connect(lab, load, turn) as connection:
                connection.confirm()
                for name in own:
                    connection.declare(name, {"x-queue-type": load.kind} if load.kind != "classic" else {})
                    _publish(connection, name, load)


def _publish(connection: Connection, name: str, load: Load) -> None:
    for first in range(0, load.messages, _BATCH):
        for number in range(first, min(first + _BATCH, load.messages)):
            connection.publish(name, _body(number, load.size))
        connection.wait_confirmed()


def _body(number: int, size: int) -> bytes:
    return f"{number} ".encode().ljust(size, b".")[: max(size, 1)]


def _make_vhost(lab: Lab, vhost: str) -> None:
    api = Api(lab, lab.nodes[0], timeout=30.0)
    try:
        api.call("PUT", f"vhosts/{segment(vhost)}", {})
    except RefusedError as error:
        raise LabError(f"--vhost {vhost}: {error}") from None
    permit(api, vhost)


def _homes(lab: Lab, load: Load) -> list[str]:
    return list(load.nodes) or [node.name for node in lab.nodes]


def connect(lab: Lab, load: Load, turn: int) -> Connection:
    """A connection for this load to the turn-th of its nodes, or through the proxy. Raises AmqpError."""
    if load.proxy and lab.proxy_address is not None:
        host, port = lab.proxy_address.rsplit(":", maxsplit=1)
        address = (host, int(port))
    else:
        homes = _homes(lab, load)
        node = lab.node(homes[turn % len(homes)])
        address = (node.address, node.ports.amqp)
    return Connection(address, "admin", lab.users["admin"], load.vhost)


def begin(store: Store, lab: Lab, load: Load) -> str:
    """Start the steady part in the background; returns its role in the state file."""
    number = 1 + max((int(role.split("-")[1]) for role in lab.processes if role.startswith("traffic-")), default=0)
    role = f"traffic-{number}"
    plan = store.folder / "nodes" / f"{role}.json"
    plan.write_text(json.dumps(dataclasses.asdict(load)), encoding="utf-8")
    argv = [sys.executable, "-m", "rabbitlab.traffic", str(store.folder), str(plan)]
    store.record(lab, role, spawn(argv, helper_environment(lab), store.logs / f"{role}.out"))
    return role


def stop(store: Store, lab: Lab) -> int:
    """End all steady traffic; returns how many processes that were."""
    roles = [role for role in lab.processes if role.startswith("traffic-")]
    running = [lab.processes[role] for role in roles if alive(lab.processes[role])]
    end(running, grace=2.0)
    for role in roles:
        store.forget(lab, role)
    return len(running)


def run(lab: Lab, load: Load) -> None:
    """Keep the steady part going for ever."""
    names = load.names()
    jobs: list[Callable[[Connection], None]] = [
        partial(_consume, load=load, name=names[number % len(names)]) for number in range(load.consumers)
    ]
    if load.rate:
        jobs.append(partial(_steadily, load=load, names=names))
    if load.exclusive:
        jobs.append(partial(_exclusively, load=load))
    threads = [
        threading.Thread(target=_for_ever, args=(lab, load, turn, job), daemon=True) for turn, job in enumerate(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _for_ever(lab: Lab, load: Load, turn: int, job: Callable[[Connection], None]) -> None:
    """A job on a connection of its own, again with the next node when it breaks."""
    while True:
        try:
            with connect(lab, load, turn) as connection:
                job(connection)
        except AmqpError as error:
            print(f"{time.strftime('%H:%M:%S')} {error}", flush=True)
        turn += 1
        time.sleep(_PAUSE)


def _steadily(connection: Connection, names: Sequence[str], load: Load) -> None:
    connection.confirm()
    start, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - start) * load.rate) + 1
        for number in range(sent, due):
            connection.publish(names[number % len(names)], _body(number, load.size))
        sent = max(sent, due)
        connection.wait_confirmed()
        time.sleep(min(0.5, max(0.01, 1.0 / load.rate)))


def _consume(connection: Connection, name: str, load: Load) -> None:
    connection.consume(name, load.prefetch)
    connection.patience(1.0)
    while True:
        delivery = connection.receive()
        if delivery is not None and not load.hold:
            connection.acknowledge(delivery.tag)


def _exclusively(connection: Connection, load: Load) -> None:
    for number in range(1, load.exclusive + 1):
        connection.declare(f"{load.prefix}exclusive.{number}", exclusive=True)
    connection.patience(1.0)
    while True:
        connection.receive()


def main(arguments: Sequence[str]) -> None:
    """STATE_FOLDER PLAN_FILE, as in the module's docstring."""
    folder, plan = arguments
    raw = json.loads(Path(plan).read_text(encoding="utf-8"))
    run(Store(Path(folder)).load(), Load(**{**raw, "nodes": tuple(raw["nodes"])}))


if __name__ == "__main__":
    main(sys.argv[1:])
