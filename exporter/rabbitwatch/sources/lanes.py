"""Calls side by side, each with its own deadline: whoever waits gives up in time whatever the call does.

concurrent.futures joins its threads when the interpreter ends, so one hanging call would delay the end of the agent;
these threads are daemons and nobody joins them. A lane is a name, usually (node, source). While the call of an earlier
cycle is still under way in a lane, no second one is sent after it: a broker that hangs is not made to hang twice, and
the threads are never more than the lanes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import structlog

from rabbitwatch.clients.payload import Payload
from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.observation import Heard, Missed

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Ticket(Generic[T]):
    """One call that was sent: `part` is what came of it."""

    def __init__(self, deadline: float, within: float, at: float) -> None:
        self.deadline = deadline
        self.asked_at = at
        self._within = within
        self._outcome: Heard[T] | Missed | None = None

    @property
    def answered(self) -> bool:
        """The call has come to its end, well or badly."""
        return self._outcome is not None

    def settled(self, now: float) -> bool:
        """Nothing more is to be waited for. now: of the monotonic clock, as `deadline`."""
        return self.answered or now >= self.deadline

    def part(self) -> Heard[T] | Missed:
        """The answer, or, when there is none yet, the timeout that waiting any longer would be."""
        return self._outcome or Missed(
            CallFailure.TIMEOUT, f"no answer within {self._within:.3g} s", self.asked_at + self._within, self._within
        )

    def close(self, outcome: Heard[T] | Missed) -> None:
        """Set once, by the lane."""
        self._outcome = outcome


class Lanes:
    """All calls of one cluster. clock: unix seconds, for stamps only; deadlines use the monotonic clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._finished = 0
        self._busy: dict[Hashable, Ticket[Any]] = {}
        self._closed = False

    def ask(self, lane: Hashable, call: Callable[[], Payload[T]], *, within: float, name: str) -> Ticket[T]:
        """Send the call on its way, unless its lane is still busy: then the ticket holds that as a timeout."""
        at = self._clock()
        ticket: Ticket[T] = Ticket(time.monotonic() + within, within, at)
        with self._changed:
            earlier = self._busy.get(lane)
            if earlier is not None or self._closed:
                ticket.close(Missed(CallFailure.TIMEOUT, _still_waiting(earlier), at, 0.0))
                return ticket
            self._busy[lane] = ticket
        thread = threading.Thread(target=self._run, args=(lane, call, ticket), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._settle(lane, ticket, Missed(CallFailure.ERROR, f"no thread for this call: {error}", at, 0.0))
        return ticket

    def busy(self, lane: Hashable) -> bool:
        """A call of this lane is under way."""
        with self._changed:
            return lane in self._busy

    @property
    def finished(self) -> int:
        """How many calls have come to their end so far: what `wait` compares with."""
        with self._changed:
            return self._finished

    def wait(self, finished: int, until: float) -> None:
        """Until more than `finished` calls are done, the monotonic clock reads `until`, or the lanes are closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._finished > finished or self._closed, max(0.0, until - time.monotonic())
            )

    @property
    def closed(self) -> bool:
        """`close` was called: no call is sent any more."""
        with self._changed:
            return self._closed

    def close(self) -> None:
        """Send nothing more and wake whoever waits. Calls under way are left to their daemon threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self, lane: Hashable, call: Callable[[], Payload[T]], ticket: Ticket[T]) -> None:
        self._settle(lane, ticket, measured(call, self._clock))

    def _settle(self, lane: Hashable, ticket: Ticket[T], outcome: Heard[T] | Missed) -> None:
        with self._changed:
            ticket.close(outcome)
            self._busy.pop(lane, None)
            self._finished += 1
            self._changed.notify_all()


def measured(call: Callable[[], Payload[T]], clock: Callable[[], float]) -> Heard[T] | Missed:
    """What a call gives, with when and how long, and never an exception. clock: unix seconds."""
    began = time.monotonic()
    try:
        payload = call()
    except CallError as error:
        return Missed(error.kind, error.reason, clock(), time.monotonic() - began)
    except Exception as error:  # noqa: BLE001  the border of a poll: a fault in one call is one missed part, and no more
        _log.exception("a call failed in a way that nobody foresaw", call=threading.current_thread().name)
        reason = f"unforeseen {type(error).__name__}: {readable(str(error), 160)}"
        return Missed(CallFailure.ERROR, reason, clock(), time.monotonic() - began)
    return Heard(payload.value, clock(), time.monotonic() - began, payload.flaws)


def _still_waiting(earlier: Ticket[Any] | None) -> str:
    if earlier is None:
        return "not asked: the agent ends"
    since = time.strftime("%H:%M:%S", time.localtime(earlier.asked_at))
    return f"still waiting for the answer to the call of {since}"
