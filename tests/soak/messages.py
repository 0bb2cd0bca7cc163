"""Messages with known ids: published with confirms at the same moments to both clusters, read, and counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rabbitlab.amqp import AmqpError, Connection

Dial = Callable[[], Connection]
"""Opens a connection to the node that publishers use now."""

CONFIRM_SECONDS = 8.0
_RETRY_SECONDS = 1.0
_QUIET_SECONDS, _DONE_SECONDS = 3.0, 0.3
"""A queue that says nothing for so long is read to its end, or cannot be read; the second once all that was expected
has come."""


@dataclass
class Ledger:
    """What one cluster was given: by id, when it confirmed it. doubtful: sent, and nobody knows whether it arrived."""

    confirmed: dict[str, float] = field(default_factory=dict)
    doubtful: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, message: str, *, confirmed: bool) -> None:
        with self._lock:
            (self.confirmed if confirmed else self.doubtful)[message] = time.time()

    def confirmed_of(self, prefix: str) -> dict[str, float]:
        """The confirmed messages whose ids begin so, as of now."""
        with self._lock:
            return {message: at for message, at in self.confirmed.items() if message.startswith(prefix)}


def prefix(round_number: int, queue: str) -> str:
    """How ids of a queue's messages begin."""
    return f"{round_number}/{queue}/"


def body(message: str, size: int) -> bytes:
    return f"{message} ".encode().ljust(size, b".")


def fill(connection: Connection, queue: str, begin: str, count: int, size: int, ledger: Ledger) -> None:
    """So many messages at once. Raises AmqpError."""
    for number in range(count):
        connection.publish(queue, body(f"{begin}fill{number}", size))
    connection.wait_confirmed()
    for number in range(count):
        ledger.note(f"{begin}fill{number}", confirmed=True)


class Publisher:
    """One message at a time into one queue, each at its own moment: number n at `start + n * pace`.

    A moment that passes while the broker blocks or is silent is left out, and no id is ever sent twice, so the same id
    is the same moment in both clusters.
    """

    def __init__(self, dial: Dial, queue: str, begin: str, ledger: Ledger, *, start: float, pace: float) -> None:
        self._dial, self._queue, self._begin, self._ledger = dial, queue, begin, ledger
        self._start, self._pace = start, pace
        self._next = 0
        self._ending = threading.Event()
        self._moved = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def move(self) -> None:
        """Dial anew before the next message."""
        self._moved.set()

    def end(self) -> None:
        self._ending.set()
        self._thread.join(CONFIRM_SECONDS * 4)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._moved.clear()
            try:
                with self._dial() as connection:
                    connection.patience(CONFIRM_SECONDS)
                    connection.confirm()
                    self._publish(connection)
            except AmqpError:
                self._ending.wait(_RETRY_SECONDS)

    def _publish(self, connection: Connection) -> None:
        while not self._moved.is_set():
            self._next = max(self._next, int((time.time() - self._start) / self._pace) + 1)
            ended = self._ending.wait(max(0.0, self._start + self._next * self._pace - time.time()))
            if ended or self._moved.is_set():
                return
            message, confirmed = f"{self._begin}{self._next}", False
            self._next += 1
            try:
                connection.publish(self._queue, body(message, 1000))
                connection.wait_confirmed()
                confirmed = True
            finally:
                self._ledger.note(message, confirmed=confirmed)


def read(connection: Connection, queue: str, expected: int, *, keep: bool) -> list[str]:
    """The ids of all messages of a queue, in order. expected: how many the broker last told. keep: they go back to
    where they were when the connection closes; else they are acknowledged. Raises AmqpError."""
    found: list[str] = []
    connection.consume(queue, 0)
    while True:
        connection.patience(_QUIET_SECONDS if len(found) < expected else _DONE_SECONDS)
        delivery = connection.receive()
        if delivery is None:
            return found
        found.append(delivery.body.split(b" ", 1)[0].decode())
        if not keep:
            connection.acknowledge(delivery.tag)
