"""Gets a lease, keeps it, and answers whether it is held, from one thread that alone touches whatever decides.

Each kind of lease is a Grip: it takes, confirms and releases, and never has to think of threads. A question (`held`)
is put to the thread and answered by a turn that began after it; what memory holds is never an answer, because memory is
wrong after a stop of the process or a cut of the network. Everything that fails, hangs or cannot be told is "not held".

No lease can recall a request: an agent that stops in the very moment between the answer and its request sends it when
it goes on, whoever holds the lease by then. The requests are made for that: the broker ignores a policy that is equal
and a synchronisation that is under way.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

WITHIN_SECONDS = 3.0
"""How long a question waits for its answer."""

STANDBY_SECONDS = 2.0
"""How often somebody else's lease is looked at."""

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Between tries that fail; the last one from then on. A wrong password must not fill the broker's log."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with a lease. why: "" when it is held, else why not, in one line without secrets. elsewhere:
    all is well, only somebody else holds it."""

    why: str = ""
    elsewhere: bool = False


class Grip(Protocol):
    """One way to hold a lease. All but `wake` is called by one thread only."""

    @property
    def name(self) -> str:
        """Of the lease, for logs, such as `queue rabbitwatch.actions of cluster orders`."""
        ...

    @property
    def every(self) -> float:
        """Seconds between two confirmations, when nobody asks."""
        ...

    def take(self) -> Standing:
        """Try once to get it."""
        ...

    def confirm(self) -> Standing:
        """Ask whoever decides whether a lease that was taken is still held; if it is not, it has been let go of."""
        ...

    def rest(self, seconds: float) -> None:
        """Wait, and do meanwhile what must be done. Ends early when woken, or when the lease was surely lost."""
        ...

    def wake(self) -> None:
        """End a rest; from any thread."""
        ...

    def release(self) -> None:
        """Let go of it at once, and of everything held for it. Never raises; harmless when there is nothing."""
        ...


class Keeper:
    """A ports.Lease over one grip. Safe to use from any thread.

    clock: monotonic seconds. jitter: a number from 0 to 1, so that agents do not try in step.
    """

    def __init__(
        self,
        grip: Grip,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._grip = grip
        self._clock = clock
        self._jitter = jitter
        self._turned = threading.Condition()
        self._asked = 1  # the first turn answers everybody who asks before its end
        self._answered = 0
        self._standing = Standing(f"{grip.name} has not been asked for yet")
        self._failures = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """Of the lease, for people."""
        return self._grip.name

    @property
    def last(self) -> str:
        """What the last turn found, as `held` says it: for pages and metrics, never for a decision."""
        return self._standing.why

    def begin(self) -> None:
        """Try to get it, and go on trying, in the background; a second call does nothing."""
        with self._turned:
            if self._thread is not None or self._closed:
                return
            self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def held(self) -> str:
        """ "" when this agent holds it right now; see ports.Lease. Takes WITHIN_SECONDS at most, about."""
        began = self._clock()
        with self._turned:
            if self._thread is None or self._closed or (self._standing.why and self._answered):
                return self._standing.why
            if self._answered:
                self._asked += 1
            mine = self._asked
        self._grip.wake()
        with self._turned:
            self._turned.wait_for(lambda: self._answered >= mine or self._closed, WITHIN_SECONDS)
            late = self._clock() - began > 2 * WITHIN_SECONDS  # the process was stopped, and the answer is old
            if not self._closed and (self._answered < mine or late):
                return f"{self.name}: whoever decides gave no answer within {WITHIN_SECONDS:g} s"
            return self._standing.why

    def close(self) -> None:
        """Let go, and wait for it a moment. What hangs is left behind; it ends with the process at the latest."""
        with self._turned:
            self._closed = True
            self._standing = Standing("this agent is stopping")
            self._turned.notify_all()
        self._grip.wake()
        if self._thread is not None:
            self._thread.join(WITHIN_SECONDS)

    def _run(self) -> None:
        while not self._closed:
            self._turn()
            self._grip.rest(self._pause())
        self._grip.release()

    def _turn(self) -> None:
        with self._turned:
            answering = self._asked
        standing = self._look()
        with self._turned:
            self._answered = answering
            if not self._closed:
                before, self._standing = self._standing, standing
                self._tell(before)
            self._turned.notify_all()
        self._failures = 0 if not standing.why or standing.elsewhere else self._failures + 1

    def _look(self) -> Standing:
        try:
            return self._grip.take() if self._standing.why else self._grip.confirm()
        except Exception:  # noqa: BLE001 - the act border: whatever this is, without a lease nobody acts
            _log.exception("the lease could not be looked at because of a bug in rabbitwatch", lease=self.name)
            self._grip.release()
            return Standing(f"{self.name}: could not be looked at because of a bug in rabbitwatch, see the log")

    def _pause(self) -> float:
        if not self._standing.why:
            return self._grip.every
        if self._standing.elsewhere:
            return STANDBY_SECONDS * (0.75 + self._jitter() / 2)
        return _PAUSES[min(self._failures, len(_PAUSES)) - 1] * (0.75 + self._jitter() / 2)

    def _tell(self, before: Standing) -> None:
        """Log when the lease is got, lost, or out of reach for another reason than before."""
        now = self._standing
        if now.why == before.why:
            return
        if not now.why:
            _log.info("this agent holds the lease: it may act", lease=self.name)
        elif not before.why:
            _log.warning("this agent has lost the lease: it does not act any more", lease=self.name, why=now.why)
        elif now.elsewhere:
            _log.info("another agent holds the lease: this one does not act", lease=self.name, why=now.why)
        else:
            _log.warning("this agent cannot get the lease: it does not act", lease=self.name, why=now.why)
