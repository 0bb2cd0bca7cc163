"""What waits to be sent by one integration: at most one notice a group, in the order of when each is due."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory


class Ending(StrEnum):
    """How a submitted notice ended. FAILED: trying the same again will not help. REPLACED: a newer notice about the
    group took its place, or the one before it has told the same. WITHDRAWN: nobody wants it told any more. STOPPED:
    the integration was closed before it was sent."""

    SENT = "sent"
    FAILED = "failed"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """tries: how often it was tried; where 0, the receiver has not seen it. memory: of a SENT one. why: the last
    failure, without secrets; empty where there was none."""

    ending: Ending
    tries: int
    memory: Memory = field(default_factory=dict)
    why: str = ""


Done = Callable[[Outcome], None]
"""Called exactly once for each submitted notice, on the integration's thread or within `close`, with no lock held."""


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """A notice on its way. due: when it may be tried, monotonic. failures: in a row, those of notices that it has
    replaced included. tries, why: of this one."""

    notice: Notice
    memory: Memory
    attempt: str
    done: Done
    due: float
    failures: int = 0
    tries: int = 0
    why: str = ""
    withdrawn: bool = False

    @property
    def group(self) -> str:
        return self.notice.group_key

    @property
    def told(self) -> tuple[frozenset[str], frozenset[str]]:
        """See Notice.news."""
        return self.notice.news

    def ended(self, ending: Ending, memory: Memory | None = None) -> Outcome:
        return Outcome(ending=ending, tries=self.tries, memory=memory or {}, why=self.why)


class Waiting:
    """Not safe to use from several threads; its owner has the lock."""

    def __init__(self) -> None:
        self._by_group: dict[str, Job] = {}
        self._heap: list[tuple[float, int, Job]] = []  # what is gone, or due later, is skipped when met
        self._turns = itertools.count()

    def __len__(self) -> int:
        return len(self._by_group)

    def put(self, job: Job) -> Job | None:
        """Let it wait. What is returned waited for this group, and is replaced: its turn and pause are inherited."""
        before = self._by_group.get(job.group)
        if before is not None:
            job.due, job.failures = before.due, before.failures
        self._by_group[job.group] = job
        heapq.heappush(self._heap, (job.due, next(self._turns), job))
        return before

    def get(self, group: str) -> Job | None:
        """What waits for this group."""
        return self._by_group.get(group)

    def take(self, group: str) -> Job | None:
        """What waits for this group, and does so no longer."""
        return self._by_group.pop(group, None)

    def first(self) -> Job | None:
        """What is due before all others."""
        while self._heap:
            due, _, job = self._heap[0]
            if self._by_group.get(job.group) is job and job.due == due:
                return job
            heapq.heappop(self._heap)
        return None
