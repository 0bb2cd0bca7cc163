"""Alerts collected by route and by the labels in group_by, and when each group is due: Alertmanager's dispatch.go.

A group is due group_wait after its first alert came, or at once where that alert has fired for longer already; then
every group_interval, and at once when something is said about an alert that it holds (notify/remarks.py). An alert that
has ended stays until it was told; a group that holds none is gone.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rabbitwatch.model.notice import OutAlert, is_remark, news
from rabbitwatch.notify.routing import Route, Routing

Owes = Callable[[str, str, str], bool]
"""Whether somebody waits to hear that an alert is over, because it was told, or is being told, as firing: by receiver,
group key and fingerprint."""

_Id = tuple[str, str]


@dataclass(slots=True, eq=False)
class Group:
    """One group. next_at: when it is looked at again. held: when it became due, while a stage holds it back.
    flushed_at: when it last went down the line; None: not yet. Times are seconds since the epoch."""

    route: Route
    key: str
    labels: Mapping[str, str]
    next_at: float
    held: float | None = None
    flushed_at: float | None = None
    alerts: dict[str, OutAlert] = field(default_factory=dict)
    turn: int = -1

    @property
    def id(self) -> _Id:
        """Routes with equal matchers have equal keys, and may have the same receiver."""
        return self.route.path, self.key

    def listed(self) -> tuple[OutAlert, ...]:
        """What it holds: firing ones first, then by name and labels."""
        return tuple(sorted(self.alerts.values(), key=_order))


class Groups:
    """All groups of one routing. One thread at a time."""

    def __init__(self, routing: Routing, owes: Owes) -> None:
        self._routing = routing
        self._owes = owes
        self._groups: dict[_Id, Group] = {}
        self._by_receiver: dict[tuple[str, str], dict[str, Group]] = {}
        self._heap: list[tuple[float, int, Group]] = []
        self._turns = itertools.count()
        self._ends: dict[str, tuple[tuple[Route, str], ...]] = {}
        self.known: Mapping[str, OutAlert] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def next_at(self) -> float | None:
        """When the next group is due; None where there is no group."""
        self._skip_stale()
        return self._heap[0][0] if self._heap else None

    def update(self, alerts: Iterable[OutAlert], now: float) -> None:
        """Take in all alerts that there are. One that is not among them any more, and has fired until now, is over."""
        current = {alert.fingerprint: alert for alert in alerts}
        gone = [a for fingerprint, a in self.known.items() if fingerprint not in current and not a.resolved]
        for alert in (*current.values(), *(replace(alert, ends_at=now, updated_at=now) for alert in gone)):
            for route, key in self._end(alert):
                self._put(route, key, alert, now)
        self.known = current
        held = {fingerprint for group in self for fingerprint in group.alerts}
        self._ends = {name: ends for name, ends in self._ends.items() if name in current or name in held}

    def take_over(self, before: Groups, now: float) -> None:
        """Hold what another routing's groups held. A group that is the same, for the same receiver, keeps its time."""
        kept = {(group.route.receiver, group.key): group for group in before}
        self.update([*before.known.values(), *_owed(before)], now)
        self.known = before.known
        for group in self:
            if (old := kept.get((group.route.receiver, group.key))) is not None and old.flushed_at is not None:
                group.flushed_at = old.flushed_at
                self._schedule(group, min(old.next_at, now + group.route.group_interval))

    def due(self, now: float) -> Group | None:
        """The group that has been due for longest; None where none is. Say next when it is due `again`."""
        self._skip_stale()
        return heapq.heappop(self._heap)[2] if self._heap and self._heap[0][0] <= now else None

    def again(self, group: Group, now: float) -> None:
        """Look at it again after its interval, whatever comes of it now."""
        self._schedule(group, now + group.route.group_interval)

    def hold(self, group: Group, due: float, until: float) -> None:
        """It became due, and a stage wants to look at it again later."""
        group.held = due
        self._schedule(group, until)

    def flushed(self, group: Group, due: float, now: float) -> None:
        """It went down the line; its next time counts from when it was due."""
        group.held, group.flushed_at = None, now
        at = due + group.route.group_interval
        self._schedule(group, at if at > now else now + group.route.group_interval)
        self._let_go(group)

    def settle(self, receiver: str, key: str) -> None:
        """Something was told, or will not be, about this receiver's group: let go of what nobody waits for."""
        for group in self._of(receiver, key):
            if group.flushed_at is not None:
                self._let_go(group)

    def hurry(self, receiver: str, key: str, now: float) -> None:
        """This receiver's group is due at once, unless a stage looks at it again anyway."""
        for group in self._of(receiver, key):
            self._hurry(group, now)

    def holding(self, fingerprint: str) -> list[Group]:
        """The groups that hold this alert."""
        ends = self._ends.get(fingerprint, ())
        groups = [self._groups.get((route.path, key)) for route, key in ends]
        return [group for group in groups if group is not None and fingerprint in group.alerts]

    def shift(self, seconds: float) -> None:
        """The clock was set: what was due in so long is due in so long."""
        for group in self:
            group.held = None if group.held is None else group.held + seconds
            self._schedule(group, group.next_at + seconds)

    def ends(self, alert: OutAlert) -> Sequence[Route]:
        """The routes by which an alert is told."""
        return [route for route, _ in self._end(alert)]

    def _end(self, alert: OutAlert) -> tuple[tuple[Route, str], ...]:
        known = self._ends.get(alert.fingerprint)
        if known is None:
            routes = self._routing.routes_for(alert.labels)
            known = tuple((route, route.group_key(route.group_labels(alert.labels))) for route in routes)
            self._ends[alert.fingerprint] = known
        return known

    def _put(self, route: Route, key: str, alert: OutAlert, now: float) -> None:
        group = self._groups.get((route.path, key))
        held = group is not None and alert.fingerprint in group.alerts
        if alert.resolved and not held and not self._owes(route.receiver, key, alert.fingerprint):
            return
        if group is None:
            group = Group(route, key, route.group_labels(alert.labels), now + route.group_wait)
            self._groups[group.id] = group
            self._by_receiver.setdefault((route.receiver, key), {})[route.path] = group
            self._schedule(group, group.next_at)
        before = group.alerts.get(alert.fingerprint)
        group.alerts[alert.fingerprint] = alert
        if group.flushed_at is not None and _remarked(alert, before):
            self._hurry(group, now)
        if group.flushed_at is None and group.held is None and alert.starts_at + route.group_wait < now < group.next_at:
            self._schedule(group, now)

    def _let_go(self, group: Group) -> None:
        receiver, key = group.route.receiver, group.key
        for fingerprint, alert in list(group.alerts.items()):
            if alert.resolved and not self._owes(receiver, key, fingerprint):
                del group.alerts[fingerprint]
        if not group.alerts:
            self._groups.pop(group.id, None)
            if (known := self._by_receiver.get((receiver, key))) is not None:
                known.pop(group.route.path, None)
                if not known:
                    del self._by_receiver[receiver, key]
            group.turn = -1

    def _of(self, receiver: str, key: str) -> list[Group]:
        """Routes with equal matchers may have the same receiver."""
        return list(self._by_receiver.get((receiver, key), {}).values())

    def _hurry(self, group: Group, now: float) -> None:
        if group.held is None and group.next_at > now:
            self._schedule(group, now)

    def _schedule(self, group: Group, at: float) -> None:
        group.next_at, group.turn = at, next(self._turns)
        heapq.heappush(self._heap, (at, group.turn, group))

    def _skip_stale(self) -> None:
        while self._heap and self._heap[0][1] != self._heap[0][2].turn:
            heapq.heappop(self._heap)


def _owed(groups: Groups) -> list[OutAlert]:
    """The ended alerts that only the groups remember."""
    held = {fingerprint: alert for group in groups for fingerprint, alert in group.alerts.items() if alert.resolved}
    return [alert for fingerprint, alert in held.items() if fingerprint not in groups.known]


def _remarked(alert: OutAlert, before: OutAlert | None) -> bool:
    """Whether something was said about it that the group does not hold yet."""
    if not alert.remarks:
        return False
    (said, _), (held, _) = news([alert]), news([before] if before is not None else [])
    return any(map(is_remark, said - held))


def _order(alert: OutAlert) -> tuple[bool, str, tuple[tuple[str, str], ...]]:
    return alert.resolved, alert.name, tuple(alert.labels.items())
