"""A requested step, followed until its end is seen: the broker answers at once and tells nothing.

Nothing is ever cancelled or sent again here: a cancelled synchronisation leaves its mirror empty. A node that is lost
on the way, a split or an alarm ends nothing either; it is said, and looking goes on.

Time is the wall clock, because what was requested before a restart is followed after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rabbitwatch.actions.ports import Action, Looker
from rabbitwatch.cluster.findings import findings
from rabbitwatch.config.actions import VerifyConfig
from rabbitwatch.model.action import Look, Outcome, Progress, Step, Target
from rabbitwatch.model.cluster import ClusterState, Severity

QUIET = 60.0
"""Seconds between two tellings of which only the figures differ: a synchronisation of hours is looked at every 5 s."""

_TROUBLES = frozenset(
    {"blind", "split", "one_way", "partition", "missing", "not_running", "silent", "memory_alarm", "disk_alarm"}
)
_SAID = 3

Tell = Callable[[Progress], None]
Wait = Callable[[float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How it ended. outcome: DONE, STALLED or TIMED_OUT; REQUESTED when following was stopped, and the step is open
    still. progress: the last one, its text with what is wrong with the cluster; None only when stopped before a look.
    took: seconds since the request."""

    outcome: Outcome
    progress: Progress | None
    took: float


def target_of(step: Step) -> Target:
    """What must be looked at to tell how far a step is: its one queue in detail, or nothing but the policies."""
    kind = step.path.strip("/").removeprefix("api/").partition("/")[0]
    if kind == "queues":
        return Target(step.cluster, vhost=step.vhost, queue=step.object)
    return Target(step.cluster, vhost=step.vhost, policy=step.object)


class Follow:
    """Run it once, in a thread of its own.

    requested: when the request was sent, unix seconds, as the audit has it. tell: called with every change, and at most
    once in QUIET seconds where only figures change; never with the last progress, which `run` returns. wait: sleeps so
    many seconds, or less when it is to stop, and says whether it is: threading.Event.wait. now: unix seconds.
    """

    def __init__(
        self,
        action: Action,
        step: Step,
        looker: Looker,
        config: VerifyConfig,
        *,
        requested: float,
        tell: Tell,
        wait: Wait,
        now: Callable[[], float],
    ) -> None:
        self._action = action
        self._step = step
        self._looker = looker
        self._config = config
        self._requested = requested
        self._tell = tell
        self._wait = wait
        self._now = now
        self._stall = _Stall(config.stall, now())
        self._told: tuple[Progress, str] | None = None
        self._told_at = 0.0

    def run(self) -> Followed:
        """Look every `interval`, the first time at once, until the step is done, stalls or is out of time. After a
        restart later than that there is one look all the same: perhaps it is done."""
        while True:
            look = self._looker.look(target_of(self._step))
            if self._wait(0.0):  # what a look gives that was broken off by the same stop says nothing
                return Followed(outcome=Outcome.REQUESTED, progress=None, took=self._took())
            progress, trouble = self._progress(look)
            outcome = self._outcome(progress)
            if outcome is not None:
                return Followed(outcome=outcome, progress=_with(progress, trouble), took=self._took())
            self._tell_change(progress, trouble)
            if self._wait(self._pause()):
                return Followed(outcome=Outcome.REQUESTED, progress=_with(progress, trouble), took=self._took())

    def _progress(self, look: Look) -> tuple[Progress, str]:
        return self._action.progress(self._step, look), troubles(look.state)

    def _outcome(self, progress: Progress) -> Outcome | None:
        now = self._now()
        stalled = self._stall.note(progress, now)
        if progress.done:
            return Outcome.DONE
        if now - self._requested >= self._config.timeout:
            return Outcome.TIMED_OUT
        return Outcome.STALLED if stalled else None

    def _tell_change(self, progress: Progress, trouble: str) -> None:
        now = self._now()
        if self._told is not None:
            before, trouble_before = self._told
            same = before.done == progress.done and trouble_before == trouble
            if same and (before.text == progress.text or now - self._told_at < QUIET):
                return
        self._told, self._told_at = (progress, trouble), now
        self._tell(_with(progress, trouble))

    def _pause(self) -> float:
        """The interval, or less where the time-out comes first."""
        left = self._requested + self._config.timeout - self._now()
        return min(self._config.interval, max(left, 0.0))

    def _took(self) -> float:
        return max(self._now() - self._requested, 0.0)


class _Stall:
    """Tells when a measure has not grown for `patience` seconds. Time in which nobody could tell does not count."""

    def __init__(self, patience: float, now: float) -> None:
        self._patience = patience
        self._best: float | None = None
        self._idle = 0.0
        self._last = now

    def note(self, progress: Progress, now: float) -> bool:
        passed, self._last = max(now - self._last, 0.0), now
        if progress.done is None:
            return False
        if progress.measure is not None and (self._best is None or progress.measure > self._best):
            self._best, self._idle = progress.measure, 0.0
            return False
        self._idle += passed
        return self._idle >= self._patience


def troubles(state: ClusterState) -> str:
    """What is wrong with the cluster that a repair may suffer from, in one line; "" when nothing is."""
    found = [f.sentence for f in findings(state) if f.kind in _TROUBLES and f.severity is not Severity.NOTE]
    rest = f" (and {len(found) - _SAID} more)" if len(found) > _SAID else ""
    return "; ".join(found[:_SAID]) + rest


def _with(progress: Progress, trouble: str) -> Progress:
    return replace(progress, text=f"{progress.text}; meanwhile {trouble}") if trouble else progress
