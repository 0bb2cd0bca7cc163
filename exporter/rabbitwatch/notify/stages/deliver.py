"""The end of the line: hands what is news to each of the receiver's integrations, and notes what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from rabbitwatch.model.notice import Notice, OutAlert, Reason, news
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.ports import Attempt, Entry, Memory
from rabbitwatch.notify.receivers.waiting import Done, Ending, Outcome
from rabbitwatch.notify.stages.dedup import needs_update
from rabbitwatch.notify.stages.record import Record
from rabbitwatch.notify.stages.stage import Flush

_Key = tuple[str, str]
_NO_ROUTE = "the configuration no longer routes it here"


class Hands(Protocol):
    """What is asked of an integration; see receivers.base.Integration."""

    key: str
    send_resolved: bool

    def submit(self, notice: Notice, *, memory: Memory, attempt: str, done: Done) -> None:
        """Have it sent."""
        ...

    def withdraw(self, group_key: str) -> None:
        """Try no more to tell about this group."""
        ...

    def doubt(self, group_key: str, attempt: str, since: float) -> None:
        """Nobody knows whether this attempt has arrived."""
        ...

    def comment(self, group_key: str, text: str, memory: Callable[[], Memory]) -> None:
        """Have this said in the group's thread, where there are threads."""
        ...


@dataclass(slots=True, eq=False)
class _Way:
    """A notice that an integration has, and has not ended. withdrawn: nobody wants it tried any more. over: because
    there is nothing left to tell. no_loss: why that is none though nobody was told. told: another way of the same
    attempt has arrived meanwhile."""

    attempt: Attempt
    flush: Flush
    integration: Hands
    withdrawn: bool = False
    over: bool = False
    no_loss: str = ""
    told: bool = False


class Deliver:
    """Implements dispatch.End. Safe to use from any thread; it waits for the disk, never for a receiver.

    It outlives a reload: what is under way to an integration of the old configuration is not sent a second time by
    that of the new one. idle: told of an integration's key when nothing is left that it should tell.
    """

    def __init__(self, ledger: Ledger, record: Record, idle: Callable[[str], None] = lambda _: None) -> None:
        self._ledger = ledger
        self._record = record
        self._idle = idle
        self._settled: Callable[[str, str, bool], None] = lambda _receiver, _group, _again: None
        self._lock = threading.RLock()
        self._by_receiver: Mapping[str, Sequence[Hands]] = {}
        self._by_key: Mapping[str, Hands] = {}
        self._url = ""
        self._ways: dict[_Key, _Way] = {}
        self._untold: dict[str, set[str]] = {}  # by integration: groups with a way, or one that is to be tried again
        self._doubts: dict[_Key, list[Attempt]] = {}
        for attempt in ledger.in_doubt():
            self._doubts.setdefault((attempt.integration, attempt.group_key), []).append(attempt)
        self._passed_on: set[str] = set()
        ledger.listen(self._adopted)

    def use(self, by_receiver: Mapping[str, Sequence[Hands]], external_url: str) -> None:
        """Hand notices to these from now on."""
        with self._lock:
            self._by_receiver = by_receiver
            self._by_key = {each.key: each for some in by_receiver.values() for each in some}
            self._url = external_url

    def __call__(self, flush: Flush) -> None:
        """Tell each integration of the flush's receiver what is news to it. A flush of which the stages have left
        nothing takes back what still waits to be told."""
        with self._lock:
            for integration in self._by_receiver.get(flush.route.receiver, ()):
                self._tell(integration, flush)

    def comment(self, receiver: str, group_key: str, text: str) -> None:
        """See dispatch.End."""
        with self._lock:
            for integration in self._by_receiver.get(receiver, ()):
                integration.comment(group_key, text, partial(self._memory, integration.key, group_key))

    def routed(self, groups: AbstractSet[_Key]) -> None:
        """See dispatch.End."""
        with self._lock:
            there = {(each.key, group) for receiver, group in groups for each in self._by_receiver.get(receiver, ())}
            for key, way in list(self._ways.items()):
                if key not in there:
                    way.withdrawn, way.over, way.no_loss = True, True, _NO_ROUTE
                    way.integration.withdraw(way.flush.group_key)
            for attempt in self._ledger.unfinished():
                key = (attempt.integration, attempt.group_key)
                if key not in there and key not in self._ways:
                    self._record.given_up(attempt, no_loss=_NO_ROUTE)
                    self._left(key)

    def listen(self, settled: Callable[[str, str, bool], None]) -> None:
        """See dispatch.End."""
        self._settled = settled

    def owes(self, receiver: str, group_key: str, fingerprint: str) -> bool:
        """See groups.Owes."""
        with self._lock:
            return any(
                self._waits(integration.key, group_key, fingerprint)
                for integration in self._by_receiver.get(receiver, ())
            )

    def begin(self, alerts: Iterable[OutAlert]) -> None:
        """All alerts that there are after a restart: an attempt of which none is left has nothing to tell any more."""
        known = {alert.fingerprint for alert in alerts}
        with self._lock:
            for attempt in self._ledger.unfinished():
                key = (attempt.integration, attempt.group_key)
                if not known & (attempt.firing | self._perhaps(key)):
                    self._doubts.pop(key, None)
                    self._record.given_up(attempt)

    def _waits(self, integration: str, group_key: str, fingerprint: str) -> bool:
        told = (self._ledger.entry(integration, group_key), self._ledger.doubtful(integration, group_key))
        known = any(each is not None and fingerprint in each.firing for each in told)
        return known or fingerprint in self._perhaps((integration, group_key))

    def _perhaps(self, key: _Key) -> frozenset[str]:
        """What a kill has left in doubt, until something is confirmed: these may have been heard of as firing."""
        return frozenset().union(*(attempt.firing for attempt in self._doubts.get(key, ())))

    def _tell(self, integration: Hands, flush: Flush) -> None:
        entry = self._ledger.entry(integration.key, flush.group_key)
        way = self._ways.get((integration.key, flush.group_key))
        reason = self._news(integration, flush, entry)
        silent = reason is not None and not integration.send_resolved and reason is Reason.ALL_RESOLVED
        if reason is None or silent:
            self._take_back(integration, flush, way)
            if silent and way is None:
                self._record.over(integration.key, flush)
        elif way is None or way.withdrawn or (way.attempt.firing, way.attempt.resolved) != news(flush.alerts):
            self._submit(integration, flush, reason)

    def _news(self, integration: Hands, flush: Flush, entry: Entry | None) -> Reason | None:
        if not flush.alerts:
            return None
        firing, resolved = news(flush.alerts)
        reason = needs_update(
            entry,
            firing,
            resolved,
            send_resolved=integration.send_resolved,
            repeat_interval=flush.route.repeat_interval,
            now=flush.now,
        )
        doubts = self._doubts.get((integration.key, flush.group_key), ())
        if reason is not None or not doubts or (entry is not None and entry.sent_at >= doubts[-1].began_at):
            return reason
        # what the receiver may have heard last is not what is written down: say how things are
        if firing:
            return Reason.NEW if doubts[-1].reason is Reason.ALL_RESOLVED else doubts[-1].reason
        return Reason.ALL_RESOLVED if resolved & self._perhaps((integration.key, flush.group_key)) else None

    def _take_back(self, integration: Hands, flush: Flush, way: _Way | None) -> None:
        """Nothing is to be told: because all is quiet for a while where no alerts are left, because it is over
        otherwise."""
        over = bool(flush.alerts)
        if way is not None:
            way.withdrawn, way.over, way.no_loss = True, over, ""
            integration.withdraw(flush.group_key)
            return
        attempt = self._ledger.doubtful(integration.key, flush.group_key)
        if over and attempt and attempt not in self._doubts.get((integration.key, flush.group_key), ()):
            self._record.given_up(attempt)
        self._left((integration.key, flush.group_key))

    def _memory(self, integration: str, group_key: str) -> Memory:
        """Of the last confirmed notice that told of something firing."""
        entry = self._ledger.entry(integration, group_key)
        return entry.memory if entry is not None and entry.firing else {}

    def _left(self, key: _Key) -> None:
        """There is nothing to tell any more of what this integration was to tell about this group."""
        integration, group = key
        untold = self._untold.get(integration)
        if untold is not None and group in untold:
            untold.remove(group)
            if not untold:
                self._idle(integration)

    def _submit(self, integration: Hands, flush: Flush, reason: Reason) -> None:
        for doubt in self._doubts.get((integration.key, flush.group_key), ()):
            if doubt.id not in self._passed_on:
                self._passed_on.add(doubt.id)
                integration.doubt(flush.group_key, doubt.id, doubt.began_at)
        before = self._ways.get((integration.key, flush.group_key))
        if before is not None and before.integration is not integration:  # made anew by a reload while that is tried
            integration.doubt(flush.group_key, before.attempt.id, before.attempt.began_at)
        attempt = self._record.begin(integration.key, flush, reason)
        way = _Way(attempt, flush, integration)
        self._ways[integration.key, flush.group_key] = way
        self._untold.setdefault(integration.key, set()).add(flush.group_key)
        alerts = [alert for alert in flush.alerts if integration.send_resolved or not alert.resolved]
        notice = Notice(
            receiver=flush.route.receiver,
            group_key=flush.group_key,
            group_labels=flush.labels,
            alerts=alerts,
            reason=reason,
            at=flush.now,
            external_url=self._url,
        )
        memory = self._memory(integration.key, flush.group_key)
        integration.submit(notice, memory=memory, attempt=attempt.id, done=partial(self._done, way))

    def _adopted(self, entry: Entry) -> None:
        """The other agent of the pair has told this: what is tried here since before, and says the same, is over."""
        with self._lock:
            way = self._ways.get((entry.integration, entry.group_key))
            if way is None or entry.sent_at < way.attempt.began_at:
                return
            if (entry.firing, entry.resolved) == (way.attempt.firing, way.attempt.resolved):
                way.withdrawn = way.over = True
                way.integration.withdraw(entry.group_key)

    def _done(self, way: _Way, outcome: Outcome) -> None:
        """On the integration's thread: what became of it."""
        with self._lock:
            key = (way.integration.key, way.flush.group_key)
            later = self._ways.get(key)
            if later is way:
                del self._ways[key]
            elif later is not None and later.attempt.id == way.attempt.id:  # it was withdrawn, and is wanted again
                way.over, later.told = False, outcome.ending is Ending.SENT
            self._note(way, outcome)
            successor = self._by_key.get(way.integration.key)
            replaced = outcome.ending is Ending.STOPPED and successor not in (None, way.integration)
            again = replaced and key not in self._ways  # a reload has put another in its place, which has to go on
            if key not in self._ways and not again and (way.over or outcome.ending is not Ending.FAILED):
                self._left(key)
        self._settled(way.flush.route.receiver, way.flush.group_key, again)

    def _note(self, way: _Way, outcome: Outcome) -> None:
        if outcome.ending is Ending.SENT:
            self._doubts.pop((way.integration.key, way.flush.group_key), None)
            self._record.sent(way.attempt, way.flush, outcome)
        elif way.told:
            return
        elif outcome.ending is Ending.STOPPED and (outcome.tries or way.attempt.tries) and not way.no_loss:
            return  # it stays as it was begun, in doubt, and goes on after the restart
        elif way.over:
            self._record.given_up(way.attempt, outcome, no_loss=way.no_loss)
        else:
            self._record.failed(way.attempt, outcome)
