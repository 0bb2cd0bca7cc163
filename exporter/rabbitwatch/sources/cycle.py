"""One poll while it is under way: everybody is asked at once, and nobody waits for anybody else.

First every node is asked for its own view (calls.NODE_CALLS). As soon as all views are there, or after a fifth of the
time-out when some are late, the components are known and one node of each is asked for what the component shares
(calls.OBJECT_CALLS); a component that shows only later is asked then. Names that an answer lists and nobody knew are
members at once and are asked in the same cycle. All of it ends when the budget does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.broker import BrokerNode, Overview
from rabbitwatch.model.graph import components
from rabbitwatch.model.observation import AnyPart, Heard, Missed, NotAsked, PluginView, Source
from rabbitwatch.sources.calls import NODE_CALLS, OBJECT_CALLS, Call, queues
from rabbitwatch.sources.choice import Choice
from rabbitwatch.sources.lanes import Lanes, Ticket
from rabbitwatch.sources.pauses import Pauses
from rabbitwatch.sources.roster import Member, Roster
from rabbitwatch.sources.visibility import Visibility, ask_access, seemingly_empty

_SETTLE = 0.2
_LEAST = 0.05
_VIEW = (Source.OVERVIEW, Source.NODES)
_NOT_CONFIGURED = NotAsked("no cookie_file is configured")


@dataclass(frozen=True, slots=True)
class Budget:
    """Times of one cycle on the monotonic clock. timeout: seconds that one call may take; end: when all is over."""

    begin: float
    timeout: float
    end: float

    @property
    def settle(self) -> float:
        """From when on late views are no longer waited for before the objects are asked."""
        return self.begin + _SETTLE * self.timeout

    def within(self, now: float) -> float:
        """Seconds that a call sent now may take."""
        return min(self.timeout, self.end - now)


class Cycle:
    """Run it once; then read what came of it. guard: held while the roster is used."""

    def __init__(
        self,
        *,
        roster: Roster,
        guard: threading.Lock,
        lanes: Lanes,
        choice: Choice,
        pauses: Pauses,
        visibility: Visibility,
        budget: Budget,
        discover: bool,
    ) -> None:
        self._roster = roster
        self._guard = guard
        self._lanes = lanes
        self._choice = choice
        self._pauses = pauses
        self._visibility = visibility
        self._budget = budget
        self._follow = discover
        self._tickets: dict[tuple[str, Source], Ticket[Any]] = {}
        self._fixed: dict[tuple[str, Source], AnyPart] = {}
        self._asked: list[Member] = []
        self._sight: dict[str, Ticket[Mapping[str, bool]]] = {}

    def run(self) -> None:
        """Returns when every call has come to its end, at the budget's end, or when the lanes are closed."""
        with self._guard:
            for member in self._roster.members:
                self._ask_node(member)
        while not self._lanes.closed:
            finished = self._lanes.finished
            now = time.monotonic()
            with self._guard:
                self._learn_names()
                self._discover(now)
                self._ask_objects(now)
                self._ask_sight()
            tickets = (*self._tickets.values(), *self._sight.values())
            waiting = [t.deadline for t in tickets if not t.settled(now)]
            if now >= self._budget.end or not waiting:
                return
            marks = [self._budget.end, *([self._budget.settle] if now < self._budget.settle else [])]
            self._lanes.wait(finished, min(*waiting, *marks))

    @property
    def asked(self) -> tuple[Member, ...]:
        """Who was asked for objects."""
        return tuple(self._asked)

    def part(self, member: Member, source: Source) -> AnyPart:
        """What came of one call, before anybody asks whether the right node answered."""
        key = (member.access.url, source)
        if member.blocked is not None:
            return Missed(CallFailure.ERROR, member.blocked, time.time(), 0.0)
        if key in self._fixed:
            return self._fixed[key]
        ticket = self._tickets.get(key)
        return NotAsked("not asked in this cycle") if ticket is None else ticket.part()

    def unseen_vhosts(self, member: Member) -> frozenset[str]:
        """Vhosts that seem empty in what this member told, and into which the user may not look."""
        return self._visibility.unseen(self._seemingly_empty(member) or ())

    def told_name(self, member: Member) -> str | None:
        """The name that the address gave for itself: the API's word, else the plugin's."""
        overview = self.part(member, Source.OVERVIEW)
        if isinstance(overview, Heard) and isinstance(overview.value, Overview) and overview.value.node:
            return overview.value.node
        plugin = self.part(member, Source.PLUGIN)
        if isinstance(plugin, Heard) and isinstance(plugin.value, PluginView):
            return plugin.value.node
        return None

    def impostor(self, member: Member) -> str | None:
        """Why the answers of this address are not those of its node; None when they are."""
        told = self.told_name(member)
        if told is None or member.expected is None or told == member.expected:
            return None
        return f"{member.access.url} answers as {told}, not as {member.expected}: its address leads to another node"

    def views(self) -> dict[str, tuple[BrokerNode, ...]]:
        """Every node's own answer to /api/nodes, by label, as far as it is here and of the right node."""
        heard: dict[str, tuple[BrokerNode, ...]] = {}
        for label, member in self._roster.holders().items():
            part = self.part(member, Source.NODES)
            if isinstance(part, Heard) and not member.wanders and self.impostor(member) is None:
                heard[label] = part.value
        return heard

    def components(self) -> tuple[frozenset[str], ...]:
        """The groups that the answers so far show."""
        running = {label: frozenset(node.name for node in view if node.running) for label, view in self.views().items()}
        return components(running)

    def listed(self) -> frozenset[str]:
        """All names in all views, also in those of addresses that cannot be held to one node."""
        parts = (self.part(member, Source.NODES) for member in self._roster.members)
        return frozenset(node.name for part in parts if isinstance(part, Heard) for node in part.value)

    def remember(self, member: Member) -> None:
        """Keep what makes the next cycle cheaper: the broker's version, and plugins that are not there."""
        overview = self.part(member, Source.OVERVIEW)
        answers = isinstance(overview, Heard)
        if isinstance(overview, Heard) and self.impostor(member) is None:
            member.version = overview.value.rabbitmq_version
        for source in NODE_CALLS:
            self._pauses.note(member.access.url, source, self.part(member, source), api_answers=answers)

    def _ask_node(self, member: Member) -> None:
        if member.blocked is not None:
            return
        for source, call in NODE_CALLS.items():
            key = (member.access.url, source)
            held = self._pauses.held(*key)
            if source is Source.COOKIE_FILE and member.access.cookie_file is None:
                self._fixed[key] = _NOT_CONFIGURED
            elif held is not None:
                self._fixed[key] = held
            else:
                self._send(member, source, call)

    def _send(self, member: Member, source: Source, call: Call) -> None:
        within = self._budget.within(time.monotonic())
        key = (member.access.url, source)
        if within < _LEAST:
            self._fixed[key] = Missed(CallFailure.TIMEOUT, "no time was left in this cycle", time.time(), 0.0)
            return
        access = member.access
        name = f"{source} of {member.label}"
        self._tickets[key] = self._lanes.ask(key, lambda: call(access, within), within=within, name=name)

    def _learn_names(self) -> None:
        for member in self._roster.members:
            if (told := self.told_name(member)) is not None:
                self._roster.learn(member, told)

    def _discover(self, now: float) -> None:
        """Names wait until every address had the time to tell its own: else a node would be found twice."""
        if not self._follow:
            return
        unnamed = [m for m in self._roster.members if m.name is None and not self._settled(m, Source.OVERVIEW, now)]
        if unnamed and now < self._budget.settle:
            return
        for member in self._roster.discover(self.listed()):
            self._ask_node(member)

    def _ask_objects(self, now: float) -> None:
        late = any(not self._settled(m, s, now) for m in self._roster.members for s in _VIEW)
        if late and now < self._budget.settle:
            return
        holders = self._roster.holders()
        groups = self.components()
        for group in groups:
            if not group & {member.label for member in self._asked}:
                self._ask_for_objects(holders[self._choice.of(group, tuple(holders))])
        if not groups and not self._asked:
            for member in self._without_views(holders):
                self._ask_for_objects(member)

    def _ask_for_objects(self, member: Member) -> None:
        self._asked.append(member)
        for source, call in OBJECT_CALLS.items():
            self._send(member, source, self._queue_call(member) if source is Source.QUEUES else call)

    def _queue_call(self, member: Member) -> Call:
        """The cheap list alone while nothing speaks for queues that it leaves out: every node runs, and it holds as
        many as there are. A user who may not see all is told less than there are, which proves nothing."""
        view = self.part(member, Source.NODES)
        if isinstance(view, Heard) and not all(node.running for node in view.value):
            return partial(queues, expected=None)
        overview = self.part(member, Source.OVERVIEW)
        totals = overview.value.object_totals if isinstance(overview, Heard) else None
        count = (totals or {}).get("queues")
        if not isinstance(count, int) or self._visibility.limited:
            return OBJECT_CALLS[Source.QUEUES]
        return partial(queues, expected=count)

    def _ask_sight(self) -> None:
        """Once the lists of a member are here: may the user look into the vhosts of which nothing was listed?"""
        for member in self._asked:
            url = member.access.url
            if (ticket := self._sight.get(url)) is not None:
                part = ticket.part() if ticket.answered else None
                self._visibility.note(part.value if isinstance(part, Heard) else {})
                continue
            empty = self._seemingly_empty(member)
            within = self._budget.within(time.monotonic())
            if empty is None or not (due := self._visibility.due(empty)) or within < _LEAST:
                continue
            call = partial(ask_access, member.access, due, within)
            name = f"sight of {member.label}"
            self._sight[url] = self._lanes.ask((url, "sight"), call, within=within, name=name)

    def _seemingly_empty(self, member: Member) -> frozenset[str] | None:
        """None while one of the lists is not here."""
        parts = [self.part(member, source) for source in (Source.VHOSTS, Source.QUEUES, Source.POLICIES)]
        heard = [part.value for part in parts if isinstance(part, Heard)]
        return seemingly_empty(*heard) if len(heard) == len(parts) else None

    def _without_views(self, holders: dict[str, Member]) -> Iterator[Member]:
        """Whom to ask when no node tells a view: before the tick, when all hang, those that answered last, side by
        side; else one that answers anything at all."""
        last = [holders[label] for label in self._choice.kept if label in holders]
        hanging = [m for m in last if not self._dead(m)]
        if hanging:
            yield from hanging
            return
        alive = (m for m in self._roster.members if isinstance(self.part(m, Source.OVERVIEW), Heard))
        if (member := next(alive, None)) is not None and self.impostor(member) is None:
            yield member

    def _dead(self, member: Member) -> bool:
        part = self.part(member, Source.OVERVIEW)
        return isinstance(part, Missed) and part.failure != CallFailure.TIMEOUT

    def _settled(self, member: Member, source: Source, now: float) -> bool:
        ticket = self._tickets.get((member.access.url, source))
        return ticket is None or ticket.settled(now)
