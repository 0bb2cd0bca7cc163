"""What all receivers share: a lane of its own for each, tries until it works, and pauses.

    submit -> waits its turn -> a try -> SENT | FAILED for good -> done
                    ^            | any other failure
                    +-- a pause -+

An integration is one `*_configs` entry of one receiver. It has a thread of its own, so that a dead one delays nobody
else; within it, a notice that has failed steps aside for those of other groups. trial.py is one try.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable

import structlog

from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Commenting, Doubting, Memory, Sender
from rabbitwatch.notify.receivers.comments import Comment, Comments
from rabbitwatch.notify.receivers.guard import Guard, Running, Spawn, daemon
from rabbitwatch.notify.receivers.pace import LONGEST_HOLD_S, RateLimit, pause
from rabbitwatch.notify.receivers.trial import NoTally, Tally, Trial
from rabbitwatch.notify.receivers.waiting import Done, Ending, Job, Outcome, Waiting

__all__ = ["Done", "Ending", "Integration", "NoTally", "Outcome", "Tally"]

_log = structlog.get_logger(__name__)


class Integration:
    """One receiver's entry that notices are handed to. Safe to use from any thread; only `once` waits for the network.

    key: `receiver/kind[index]`. timeout: of one try. send_resolved: whether it is to hear that alerts have ended.
    secrets: what no reason may hold. now: monotonic seconds. chance: a number between 0 and 1. spawn: begins its
    thread, with the first notice.
    """

    def __init__(
        self,
        key: str,
        sender: Sender,
        *,
        timeout: float = 10.0,
        send_resolved: bool = True,
        max_per_minute: int = 60,
        secrets: Iterable[str] = (),
        tally: Tally | None = None,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        spawn: Spawn = daemon,
    ) -> None:
        self.key = key
        self.send_resolved = send_resolved
        self._sender = sender
        self._tally = tally or NoTally()
        self._trial = Trial(key, timeout=timeout, secrets=secrets, tally=self._tally, now=now)
        self._guard = self._trial.guard()
        self._now = now
        self._chance = chance
        self._spawn = spawn
        self._rate = RateLimit(max_per_minute)
        self._held_until = float("-inf")
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._comments = Comments()
        self._flying: Job | None = None
        self._ended: list[tuple[Job, Outcome]] = []
        self._bell = threading.Event()
        self._closed = False
        self._thread: Running | None = None

    def __repr__(self) -> str:
        return f"Integration({self.key!r})"

    @property
    def waiting(self) -> int:
        """How many notices are under way or wait."""
        with self._lock:
            return len(self._waiting) + (self._flying is not None)

    def submit(self, notice: Notice, *, memory: Memory, attempt: str, done: Done) -> None:
        """Have it sent as soon as may be, and tried again until it is sent, has failed for good, or is replaced or
        withdrawn.

        A notice about the same group that still waits is replaced, its turn and its pause are inherited. One that is
        under way goes on: when it arrives, this one continues with what that has returned, and is not sent at all if
        both tell the same alerts. memory, attempt: see Sender.send.
        """
        job = Job(notice=notice, memory=memory, attempt=attempt, done=done, due=self._now())
        with self._lock:
            if self._closed:
                self._end(job, Ending.STOPPED)
            elif (replaced := self._waiting.put(job)) is not None:
                self._end(replaced, Ending.REPLACED)
            self._ring()
        if self._closed:
            self._tell()

    def withdraw(self, group_key: str) -> None:
        """Try no more to tell about this group; what is under way may still arrive, and is then SENT."""
        with self._lock:
            if (job := self._waiting.take(group_key)) is not None:
                self._end(job, Ending.WITHDRAWN)
            if self._flying is not None and self._flying.group == group_key:
                self._flying.withdrawn = True
            self._ring()

    def doubt(self, group_key: str, attempt: str, since: float) -> None:
        """A kill ended this attempt, which began at `since` seconds of the epoch; see ports.Doubting."""
        if isinstance(self._sender, Doubting):
            self._sender.doubt(group_key, attempt, since)

    def comment(self, group_key: str, text: str, memory: Callable[[], Memory]) -> None:
        """Have this said in the group's thread, where the receiver has threads, when no notice is due: once, or never
        where it does not arrive or a newer one takes its place."""
        if not isinstance(self._sender, Commenting):
            return
        with self._lock:
            if not self._closed:
                self._comments.put(Comment(group_key, text, memory))
                self._ring()

    def once(self, notice: Notice, attempt: str = "") -> Outcome:
        """Try once, now, past the queue and the rate limit, with no memory: for `notify test`."""
        job = Job(notice=notice, memory={}, attempt=attempt, done=lambda _: None, due=0.0)
        memory, failure = self._try(job, self._trial.guard())
        return job.ended(Ending.SENT if failure is None else Ending.FAILED, memory)

    def close(self, patience: float = 0.0) -> None:
        """End what waits as STOPPED, and let what is under way come to its end for that many seconds."""
        with self._lock:
            self._closed = True
            self._comments.clear()
            while (job := self._waiting.first()) is not None:
                self._end(job, Ending.STOPPED)
                self._waiting.take(job.group)
            thread = self._thread
            self._bell.set()
        self._tell()
        if thread is not None:
            thread.join(patience)
        self._sender.close()

    def step(self) -> float | None:
        """Do what is due now, one try at most; seconds until something will be, None when nothing waits.

        What the integration's own thread does again and again.
        """
        self._tell()
        with self._lock:
            now = self._now()
            free = max(self._held_until, self._rate.free_at())
            job = self._waiting.first()
            ready = job is not None and max(job.due, free) <= now
            comment = self._comments.take(now) if not ready and free <= now else None
            if not ready and comment is None:
                return self._pause(job, free, now)
            self._rate.took(now)
            if job is not None and ready:
                self._flying = self._waiting.take(job.group)
        if comment is not None:
            self._say(comment)
        elif job is not None:
            self._send(job)
        return 0.0

    def _pause(self, job: Job | None, free: float, now: float) -> float | None:
        """With the lock held: seconds until a notice or a comment may be tried."""
        times = [at for at in (job.due if job is not None else None, self._comments.next_at()) if at is not None]
        return max(min(times), free) - now if times else None

    def _send(self, job: Job) -> None:
        memory, failure = self._try(job, self._guard)
        self._trial.report(failure)
        with self._lock:
            self._flying = None
            if failure is None:
                self._arrived(job, memory)
            else:
                self._missed(job, failure)
        self._tell()

    def _say(self, comment: Comment) -> None:
        sender = self._sender
        if isinstance(sender, Commenting) and (memory := comment.memory()):
            failure = self._trial.once(lambda: sender.comment(memory, comment.text), self._guard)
            if failure is not None:
                with self._lock:
                    self._hold(failure, self._now())
                _log.info("a comment in a thread did not arrive", integration=self.key, why=failure.reason)

    def _hold(self, failure: DeliveryError, now: float) -> None:
        if failure.retry_after is not None:
            self._held_until = max(self._held_until, now + min(failure.retry_after, LONGEST_HOLD_S))

    def _try(self, job: Job, guard: Guard) -> tuple[Memory, DeliveryError | None]:
        return self._trial.of(job, lambda: self._sender.send(job.notice, job.memory, job.attempt), guard)

    def _arrived(self, job: Job, memory: Memory) -> None:
        self._end(job, Ending.SENT, memory)
        follower = self._waiting.get(job.group)
        if follower is None:
            return
        if follower.told == job.told:
            self._waiting.take(job.group)
            self._end(follower, Ending.REPLACED)
        else:
            follower.memory = memory

    def _missed(self, job: Job, failure: DeliveryError) -> None:
        now = self._now()
        job.failures += 1
        self._hold(failure, now)
        job.due = now + pause(job.failures, self._chance)
        if failure.permanent:
            self._end(job, Ending.FAILED)
        elif job.withdrawn:
            self._end(job, Ending.WITHDRAWN)
        elif self._closed:
            self._end(job, Ending.STOPPED)
        elif (follower := self._waiting.take(job.group)) is not None:
            self._end(job, Ending.REPLACED)
            follower.due, follower.failures = job.due, job.failures
            self._waiting.put(follower)
        else:
            self._waiting.put(job)

    def _end(self, job: Job, ending: Ending, memory: Memory | None = None) -> None:
        """With the lock held; `done` is called later, without it."""
        self._ended.append((job, job.ended(ending, memory)))

    def _tell(self) -> None:
        with self._lock:
            ended, self._ended = self._ended, []
        for job, outcome in ended:
            self._tally.ended(self.key, outcome)
            try:
                job.done(outcome)
            except Exception:  # noqa: BLE001 - the deliver border: the lane goes on for the other groups
                _log.exception("what became of a notice could not be noted", integration=self.key)

    def _ring(self) -> None:
        """With the lock held: wake the thread, or begin it."""
        self._bell.set()
        if self._thread is None and not self._closed:
            self._thread = self._spawn(self._run, f"notify {self.key}")

    def _run(self) -> None:
        while True:
            self._bell.clear()
            wait = self.step()
            with self._lock:
                over = self._closed and not self._ended
            if over:
                return
            if wait is None or wait > 0:
                self._bell.wait(wait)
