"""Takes in all alerts after each evaluation, and sends each group down the line when it is due.

What comes from other threads is only noted and the dispatcher woken, so that neither a poll nor a receiver ever waits
for the notices.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from typing import Protocol

import structlog

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.groups import Group, Groups
from rabbitwatch.notify.inhibition import Inhibition, Inhibitor
from rabbitwatch.notify.routing import Routing
from rabbitwatch.notify.stages.stage import Flush, Later, Stage

_LONGEST_WAIT_S = 1.0
"""Between two looks at the clock, so that one that is set does not keep groups waiting."""
_CLOCK_WAS_SET_S = 5.0

_log = structlog.get_logger(__name__)


class End(Protocol):
    """The end of the line; see stages/deliver.py."""

    def __call__(self, flush: Flush) -> None:
        """Deliver what the stages have left of it."""
        ...

    def owes(self, receiver: str, group_key: str, fingerprint: str) -> bool:
        """See groups.Owes."""
        ...

    def comment(self, receiver: str, group_key: str, text: str) -> None:
        """Say this in the thread of the receiver's group, where there is one."""
        ...

    def routed(self, groups: AbstractSet[tuple[str, str]]) -> None:
        """After a restart or a reload: these are all groups that there are, each a receiver and a key. What is being
        told of another is told to nobody that a route still leads to: it is not tried any more."""
        ...

    def listen(self, settled: Callable[[str, str, bool], None]) -> None:
        """`settled` is to be told of the receiver and the group's key whenever a notice has ended, on any thread, and
        whether the group has to be told again at once, because nobody tries to any more."""
        ...


class Dispatcher:
    """The groups, and the thread on which they go down the line to its end.

    now: seconds since the epoch. `step` is what the thread does again and again; without `start`, the caller does.
    """

    def __init__(self, end: End, now: Callable[[], float]) -> None:
        self._end = end
        self._now = now
        self._stages: Sequence[Stage] = ()
        self._lock = threading.RLock()
        self._groups = Groups(Routing(None), end.owes)
        self._inhibitor = Inhibitor(())
        self._inhibition: Inhibition | None = None
        self._ended: queue.SimpleQueue[tuple[str, str, bool]] = queue.SimpleQueue()
        self._evaluated = False
        self._bell = threading.Event()
        self._mail = threading.Lock()
        self._latest: Sequence[OutAlert] | None = None
        self._comments: dict[str, str] = {}
        self._last = now()
        self._thread: threading.Thread | None = None
        end.listen(self._settled)

    def use(self, routing: Routing, inhibitor: Inhibitor, stages: Sequence[Stage]) -> None:
        """Group, inhibit and tell by these from now on; what is firing is collected anew."""
        with self._lock:
            groups = Groups(routing, self._end.owes)
            groups.take_over(self._groups, self._now())
            self._groups, self._inhibitor, self._stages = groups, inhibitor, stages
            self._inhibition = None
            if self._evaluated:
                self._end.routed(self._routed())
        self._bell.set()

    def start(self) -> None:
        """Begin the thread."""
        self._thread = threading.Thread(target=self._run, name="notify dispatcher", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """End the thread after what it is at."""
        thread, self._thread = self._thread, None
        self._bell.set()
        if thread is not None:
            thread.join(patience)

    def take(self, alerts: Sequence[OutAlert]) -> None:
        """All alerts that there are after an evaluation; the newest list is what counts."""
        with self._mail:
            self._latest = alerts
        self._bell.set()

    def comment(self, fingerprint: str, text: str) -> None:
        """Say this in the threads of the groups that hold this alert, if somebody was told that it fires, and nothing
        keeps it quiet; the newest is what counts."""
        with self._mail:
            self._comments[fingerprint] = text
        self._bell.set()

    @property
    def inhibition(self) -> Inhibition:
        """What the alerts that fire now inhibit."""
        with self._lock:
            if self._inhibition is None:
                self._inhibition = self._inhibitor.over(self._groups.known.values())
            return self._inhibition

    @property
    def known(self) -> AbstractSet[str] | None:
        """The fingerprints of all alerts that there are, or were while somebody still waits to hear of their end; None
        before the first evaluation."""
        with self._lock:
            if not self._evaluated:
                return None
            return self._groups.known.keys() | {each for group in self._groups for each in group.alerts}

    @property
    def groups(self) -> Groups:
        """As they are; read them with the lock that `reading` gives."""
        return self._groups

    @property
    def reading(self) -> threading.RLock:
        """Held while groups change."""
        return self._lock

    def step(self) -> float | None:
        """Take in what is new, then send down the line what is due; when the next group is, None where there is
        none."""
        now = self._now()
        with self._lock:
            self._guarded(lambda: self._take_in(now), "alerts could not be taken in")
        self._say()
        while True:
            with self._lock:  # for one group at a time, so that whoever reads does not wait for all of them
                group = self._groups.due(now)
                if group is None:
                    return self._groups.next_at
                at = group.next_at
                self._groups.again(group, now)  # so that a line that breaks is gone down again
                self._guarded(partial(self._flush, group, at, now), "a group could not be told", group.key)

    def _settled(self, receiver: str, group_key: str, again: bool) -> None:
        self._ended.put((receiver, group_key, again))
        self._bell.set()

    def _routed(self) -> set[tuple[str, str]]:
        return {(group.route.receiver, group.key) for group in self._groups}

    def _take_in(self, now: float) -> None:
        if now < self._last - _CLOCK_WAS_SET_S:
            self._groups.shift(now - self._last)
        self._last = now
        with self._mail:
            latest, self._latest = self._latest, None
        with suppress(queue.Empty):
            while True:
                receiver, key, again = self._ended.get_nowait()
                self._groups.settle(receiver, key)
                if again:
                    self._groups.hurry(receiver, key, now)
        if latest is not None:
            self._groups.update(latest, now)
            self._inhibition = None
            if not self._evaluated:  # the first time since the start: only now is it known which groups there are
                self._evaluated = True
                self._end.routed(self._routed())

    def _flush(self, group: Group, at: float, now: float) -> None:
        due = at if group.held is None else group.held
        flush = Flush(
            route=group.route, group_key=group.key, labels=group.labels, alerts=group.listed(), due=due, now=now
        )
        passed = self._down(flush)
        if isinstance(passed, Later):
            self._groups.hold(group, due, passed.until)
            return
        self._end(passed)
        self._groups.flushed(group, due, now)

    def _down(self, flush: Flush) -> Flush | Later:
        """What the stages leave of it."""
        for stage in self._stages:
            if not flush.alerts:
                break
            passed = stage(flush)
            if isinstance(passed, Later):
                return passed
            flush = passed
        return flush

    def _say(self) -> None:
        """A comment waits for nobody's turn: only the agent that acts has something to say by the way."""
        with self._mail:
            comments, self._comments = self._comments, {}
        now = self._now()
        for fingerprint, text in comments.items():
            with self._lock:
                for group in self._groups.holding(fingerprint):
                    comment = partial(self._comment, group, fingerprint, text, now)
                    self._guarded(comment, "a comment was lost", group.key)

    def _comment(self, group: Group, fingerprint: str, text: str, now: float) -> None:
        alert = group.alerts[fingerprint]
        if alert.resolved or group.flushed_at is None:
            return
        flush = Flush(route=group.route, group_key=group.key, labels=group.labels, alerts=(alert,), due=now, now=now)
        passed = self._down(flush)
        if isinstance(passed, Later) or passed.alerts:
            self._end.comment(group.route.receiver, group.key, text)

    def _guarded(self, work: Callable[[], None], what: str, group: str = "") -> None:
        """The deliver border: what is wrong with one group keeps no other quiet."""
        try:
            work()
        except Exception:  # noqa: BLE001 - the deliver border: logged once a group and interval, and tried again
            _log.exception(f"{what} because of a bug in rabbitwatch", group=group)

    def _run(self) -> None:
        while self._thread is threading.current_thread():
            self._bell.clear()
            next_at = self.step()
            wait = _LONGEST_WAIT_S if next_at is None else next_at - self._now()
            self._bell.wait(min(max(wait, 0.0), _LONGEST_WAIT_S))
