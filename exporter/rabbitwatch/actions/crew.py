"""All that acts on one cluster: its line, the thread that walks it, where it looks and the lease that it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from rabbitwatch.actions.act import Order
from rabbitwatch.actions.binding import Bound
from rabbitwatch.actions.line import Line
from rabbitwatch.actions.ports import Entry, Hand, Lease, Looker
from rabbitwatch.actions.scene import Scene
from rabbitwatch.actions.worker import Job, Worker
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Cause, Look

RECONSIDER_SECONDS = 60.0
"""How often all is looked at anew while the same alerts fire: a look is a poll of its own."""

PATIENCE_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class ClosableLooker(Looker, Protocol):
    """See look.ClusterLooker."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Makers:
    """How the parts that reach a broker are made. lease: cluster, actions, storage.path, the agent's name. hand: None
    where there is nobody to act as."""

    looker: Callable[[ClusterConfig, PollConfig], ClosableLooker]
    lease: Callable[[ClusterConfig, ActionsConfig, Path, str], Lease]
    hand: Callable[[ClusterConfig, ActionsConfig], Callable[[Look], Hand] | None]


@dataclass(frozen=True, slots=True)
class Footing:
    """What a crew is made for. One of the same footing goes on through a reload, with what it is doing."""

    cluster: ClusterConfig
    poll: PollConfig
    access: tuple[object, ...]

    @classmethod
    def of(cls, cluster: ClusterConfig, poll: PollConfig, actions: ActionsConfig) -> Footing:
        """access: everything by which it acts."""
        return cls(cluster, poll, (actions.username, actions.password, actions.timeout, actions.lease))


class Crew:
    """See above. `take`, `order` and `tend` are called from anywhere and never wait. begin is to be called once.

    after: the crew in whose place it comes, which is stopped; what that is doing ends before this one begins.
    """

    def __init__(
        self, footing: Footing, looker: ClosableLooker, lease: Lease | None, scene: Scene, after: Crew | None = None
    ) -> None:
        self.footing = footing
        self.looker = looker
        self.lease = lease
        self.worker: Worker = Worker(footing.cluster.label, self._run, after.worker if after else None)
        self.line = Line(scene, self.worker.stopping)
        self._after = after
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self._bound: Sequence[Bound] = ()
        self._walked_for: object = set()
        self._walked_at = float("-inf")
        self._unfinished = True
        self._trouble = ""

    @property
    def name(self) -> str:
        """What alerts call the cluster, as far as is known."""
        return self.line.scene.cluster

    def begin(self) -> None:
        """Try to get the lease, follow what a former life has left open, and take over what people have ordered."""
        if self.lease is not None:
            self.lease.begin()
        self.tend()
        after, self._after = self._after, None
        for order in after.leave() if after is not None else ():
            self.order(order)

    def use(self, scene: Scene) -> None:
        """Go on with these settings; what is under way goes on with those it began with."""
        self.line.scene = scene
        with self._lock:
            self._walked_at = float("-inf")

    def take(self, bound: Sequence[Bound]) -> None:
        """These alerts lead here now: walk the line for them, at once when others do than before."""
        with self._lock:
            self._bound = bound
        self.tend()

    def tend(self) -> None:
        """Walk the line where it is time to."""
        now = self.line.scene.now()
        with self._lock:
            asked = {(*each.key, each.alert.blind_since is not None) for each in self._bound}
            late = bool(self._bound) and now - self._walked_at >= RECONSIDER_SECONDS
            if not (self._unfinished or late or asked != self._walked_for):
                return
            self._walked_for, self._walked_at = asked, now
            self._unfinished = False
        self.worker.put("walk", self._walk)

    def order(self, order: Order) -> None:
        """Take this step in its turn, and then look at all anew. Of a crew that has stopped it is refused."""
        with self._lock:
            stopped = self.worker.stopping.is_set()
            if not stopped:
                self._orders[order.deed] = order
        if stopped:
            self._run(partial(self.line.drop, order))
        else:
            self.worker.put(order.deed, lambda: self._take(order))

    def opened(self) -> Sequence[Entry]:
        """Requests whose end is not on record. StorageError."""
        return self.line.opened()

    def leave(self) -> Sequence[Order]:
        """Begin nothing more. What was ordered and not begun, for whoever takes over: it is told once."""
        self.worker.stop()
        with self._lock:
            left, self._orders = list(self._orders.values()), {}
        return left

    def dismiss(self) -> None:
        """End for good: whatever nobody has taken over is refused."""
        for order in self.leave():
            self._run(partial(self.line.drop, order))
        self.stop()

    def stop(self) -> None:
        """End without waiting for a broker; a step under way stays open, for the next life to follow. What was ordered
        and not begun is refused in the next life."""
        self.worker.stop()
        self.looker.close()
        if self.lease is not None:
            self.lease.close()

    def join(self) -> None:
        """Wait a moment for what is under way."""
        self.worker.join(PATIENCE_SECONDS)

    def _walk(self) -> None:
        with self._lock:
            bound = self._bound
        self.line.memory.keep([each.key for each in bound])
        if self.line.walk(bound):
            self.worker.put("walk", self._walk)

    def _take(self, order: Order) -> None:
        with self._lock:
            if self._orders.pop(order.deed, None) is None:
                return
        self.line.take(order)
        self.worker.put("walk", self._walk)

    def _run(self, job: Job) -> None:
        """The border behind which nothing may end the thread."""
        scene = self.line.scene
        try:
            job()
        except StorageError as error:
            scene.counts.audit_failed()
            self._tell(str(error), "nothing is repaired, because it could not be recorded")
        except Exception as error:  # noqa: BLE001 - the act border: logged once, recorded, goes on at the next turn
            scene.counts.error(scene.cluster)
            if self._tell(repr(error), "repairs were broken off because of a bug in rabbitwatch", trace=True):
                self._record_bug(error)
        else:
            self._trouble = ""
            return
        with self._lock:
            self._unfinished = True

    def _record_bug(self, error: Exception) -> None:
        try:
            self.line.scene.audit.record("broken off", Cause(source="agent"), text=f"{self.name}: {error!r}")
        except StorageError:
            self.line.scene.counts.audit_failed()

    def _tell(self, why: str, what: str, *, trace: bool = False) -> bool:
        """True where it is another trouble than the last time: only then it is told, and to be recorded."""
        news = why != self._trouble
        if news:
            (_log.exception if trace else _log.error)(what, cluster=self.name, why=why)
        self._trouble = why
        return news
