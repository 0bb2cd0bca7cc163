"""One of the two clusters: its queues, who is asked and published to, what it looks like, and when it is whole."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import requests
from rabbitlab.amqp import AmqpError, Connection
from tests.cluster.conftest import Lab
from tests.soak.messages import Ledger, Publisher, fill, prefix, read
from tests.soak.places import Places, place_of
from tests.soak.schedule import NODES

POLICY = "soak"
DECLARED: dict[str, Any] = {
    "pattern": r"^soak\.",
    "definition": {"ha-mode": "all", "ha-sync-mode": "manual"},
    "apply-to": "queues",
    "priority": 1,
}
LARGE = "soak.large"
QUEUES = (*(f"soak.{number}" for number in range(1, 8)), LARGE)
FILL, SIZE, LARGE_SIZE = 60, 1000, 60_000
"""Messages in each queue from the beginning of a round, and their bytes; LARGE is beyond the agent's size limit."""
PACE = 3.0
"""Seconds between two messages of one queue."""
WHOLE_SECONDS = 300.0
_ASK_SECONDS, _TRIES = 5.0, 3


class SoakError(Exception):
    """The run cannot go on; the reason is one line."""


class World:
    """A cluster by its name (`with the agent` or `without`), its lab and its ledger. ending: nobody waits any more."""

    def __init__(self, name: str, lab: Lab, ending: threading.Event) -> None:
        self.name = name
        self.lab = lab
        self._ending = ending
        self.ledger = Ledger()
        self.home = NODES[0]
        self._publishers: list[Publisher] = []

    def ask(self, method: str, path: str, body: object = None, seconds: float = 30.0) -> Any:
        """The management API of the home node, as administrator. Raises SoakError."""
        url = f"{self.lab.url(self.home)}/api/{path}"
        try:
            answer = requests.request(
                method, url, json=body, auth=("admin", self.lab.admin_password), timeout=(_ASK_SECONDS, seconds)
            )
            answer.raise_for_status()
        except requests.RequestException as error:
            raise SoakError(f"{self.name}: {method} {path} on {self.home}: {error}") from None
        return answer.json() if answer.content else None

    def restore_policy(self) -> None:
        """What the agent is told to keep."""
        self.ask("PUT", f"policies/%2F/{POLICY}", DECLARED)

    def dial(self, node: str | None = None) -> Connection:
        """AMQP to a node, else to the home node. Raises AmqpError."""
        told = self.lab.node(node or self.home)
        return Connection((told["address"], told["amqp_port"]), "admin", self.lab.admin_password, wait=_ASK_SECONDS)

    def prepare(self, round_number: int, start: float) -> None:
        """New queues, led by the nodes in turn, mirrored, filled, in step; publishers begin at `start`."""
        for queue in self.queues():
            self.ask("DELETE", f"queues/%2F/{queue}")
        self.restore_policy()
        for turn, queue in enumerate(QUEUES):
            with self.dial(NODES[turn % len(NODES)]) as connection:
                connection.declare(queue)
        self.until(self._in_step, "all mirrors of empty queues are in step")
        for queue in QUEUES:
            with self.dial() as connection:
                connection.confirm()
                size = LARGE_SIZE if queue == LARGE else SIZE
                fill(connection, queue, prefix(round_number, queue), FILL, size, self.ledger)
        begins = [(queue, start + PACE * turn / len(QUEUES)) for turn, queue in enumerate(QUEUES)]
        self._publishers = [
            Publisher(self.dial, queue, prefix(round_number, queue), self.ledger, start=at, pace=PACE)
            for queue, at in begins
        ]
        for publisher in self._publishers:
            publisher.begin()

    def move(self, node: str) -> None:
        """Publishers and questions go to this node from now on."""
        self.home = node
        for publisher in self._publishers:
            publisher.move()

    def hush(self) -> None:
        """End the publishers."""
        for publisher in self._publishers:
            publisher.end()
        self._publishers = []

    def queues(self, seconds: float = 30.0) -> Places:
        """Every queue of ours. Raises SoakError, also while a queue synchronises.

        Mirrors from the store, since the list with totals tells old ones of queues that are idle (measured, 3.10.8).
        """
        counted = self.ask("GET", "queues/%2F?disable_stats=true&enable_queue_totals=true", seconds=seconds)
        messages = {row["name"]: row.get("messages") for row in counted}
        stored = self.ask("GET", "queues/%2F?disable_stats=true", seconds=seconds)
        return {row["name"]: place_of(row, messages.get(row["name"])) for row in stored if row["name"] in QUEUES}

    def places(self) -> Places:
        """The same, {} when it is not told in time. Asked more than once: a broker may be late after a fault."""
        for _ in range(_TRIES):
            with contextlib.suppress(SoakError):
                return self.queues(_ASK_SECONDS)
        return {}

    def _in_step(self) -> bool:
        """Every queue has two mirrors, in step."""
        found = self.queues()
        return len(found) == len(QUEUES) and all(len(it.synchronised) == len(NODES) - 1 for it in found.values())

    def whole(self) -> bool:
        """Every node says that all run and that there is no partition, and every queue has a leader."""
        for node in NODES:
            url = f"{self.lab.url(node)}/api/nodes?columns=name,running,partitions"
            answer = requests.get(url, auth=("admin", self.lab.admin_password), timeout=_ASK_SECONDS)
            answer.raise_for_status()
            rows = answer.json()
            if len(rows) != len(NODES) or not all(row["running"] and row.get("partitions") == [] for row in rows):
                return False
        return all(place.leader is not None and place.state != "down" for place in self.queues().values())

    def until(self, true: Callable[[], bool], what: str, within: float = WHOLE_SECONDS) -> None:
        """Ask until it is so. Raises SoakError, also when the run ends."""
        end = time.monotonic() + within
        while True:
            with contextlib.suppress(SoakError, requests.RequestException):
                if true():
                    return
            if time.monotonic() > end:
                raise SoakError(f"{self.name}: not within {within:.0f} s: {what}")
            if self._ending.wait(0.5):
                raise SoakError("the run was ended")

    def read(self, *, keep: bool) -> dict[str, list[str] | None]:
        """The ids in every queue (see messages.read), None where one cannot be read now."""
        places = self.places()
        with ThreadPoolExecutor(max_workers=len(QUEUES)) as pool:
            read = partial(self._read, places, keep=keep)
            return dict(zip(QUEUES, pool.map(read, QUEUES), strict=True))

    def _read(self, places: Places, queue: str, *, keep: bool) -> list[str] | None:
        expected = (places[queue].messages if queue in places else None) or 0
        try:
            with self.dial() as connection:
                return read(connection, queue, expected, keep=keep)
        except AmqpError:
            return None

    def drain(self) -> dict[str, list[str]]:
        """Everything in all queues, until the broker says that they are empty. Raises SoakError."""
        found: dict[str, list[str]] = {queue: [] for queue in QUEUES}

        def empty() -> bool:
            for queue, ids in self.read(keep=False).items():
                found[queue] += ids or []
            return all(place.messages == 0 for place in self.queues().values())

        self.until(empty, "the queues are drained")
        return found
