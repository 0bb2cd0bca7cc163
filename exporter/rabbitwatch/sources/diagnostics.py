"""`rabbitmq-diagnostics` for every node: asked seldom, in the background, its answers kept until they are old.

Every command boots an Erlang VM (measured 0.8 CPU seconds on 3.10.8), so one round a node and interval is all there is,
its commands run one after the other, and the runner lets two of the whole agent run at a time. A poll never waits for a
round: it attaches what the last one gave, each part with the time at which it was heard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rabbitwatch.clients.diagnostics import Diagnostics, Runner
from rabbitwatch.clients.payload import Payload
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import AnyPart, CheckResult, Heard, Missed, NotAsked, Source
from rabbitwatch.sources.lanes import Lanes, measured
from rabbitwatch.sources.roster import Member

_OLD = 2.5
"""Rounds after which an answer no longer counts: two may be late or lost."""


@dataclass(frozen=True, slots=True)
class Check:
    """One `check_*` command. since, before: the broker's versions that have it; before 4.0 for mirrors, because from
    then on the command is still there and always says ok."""

    name: str
    since: tuple[int, ...] = ()
    before: tuple[int, ...] = (1_000,)

    def exists_in(self, version: tuple[int, ...] | None) -> bool:
        """An unknown version has those that every version has."""
        if version is None:
            return not self.since and self.before == (1_000,)
        return self.since <= version < self.before


CHECKS = (
    Check("running"),
    Check("local_alarms"),
    Check("port_connectivity"),
    Check("virtual_hosts"),
    Check("if_node_is_quorum_critical", since=(3, 8, 10)),
    Check("if_node_is_mirror_sync_critical", since=(3, 8, 10), before=(4,)),
)


@dataclass(slots=True)
class _Round:
    """What is kept of one node. started: monotonic, of the round under way or the last one. took: seconds, the last
    whole round; None before there is one."""

    started: float | None = None
    took: float | None = None
    parts: dict[Source | str, Heard[Any] | Missed] = field(default_factory=dict)


class DiagnosticsRounds:
    """The rounds of one cluster.

    interval, timeout: seconds, of a round and of one command. clock: unix seconds. monotonic: seconds.
    """

    def __init__(
        self,
        *,
        runner: Runner,
        lanes: Lanes,
        interval: float,
        timeout: float,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._lanes = lanes
        self._interval = interval
        self._timeout = timeout
        self._clock = clock
        self._monotonic = monotonic
        self._rounds: dict[str, _Round] = {}

    def start_due(self, member: Member) -> None:
        """Begin a round of this node in the background, unless one is under way or it is too early."""
        lane = ("diagnostics", member.access.url)
        if not member.access.command or not self._askable(member) or self._lanes.busy(lane):
            return
        kept = self._rounds.setdefault(member.access.url, _Round())
        now = self._monotonic()
        if kept.started is not None and now - kept.started < self._interval:
            return
        kept.started = now
        tool = Diagnostics(self._runner, member.access.command, member.name, self._timeout)
        beside, version = member.access.beside, parse_version(member.version)

        def run() -> Payload[None]:
            done = _RoundRun(tool, kept.parts, self._clock).run(beside, version)
            kept.took = self._monotonic() - now
            return done

        self._lanes.ask(lane, run, within=self._interval, name=f"diagnostics of {member.label}")

    def busy(self, member: Member) -> bool:
        """A round of this node is under way."""
        return self._lanes.busy(("diagnostics", member.access.url))

    def part(self, member: Member, source: Source) -> AnyPart:
        """The latest answer of one command (CLUSTER_STATUS, COOKIE_HASH, COOKIE_SOURCES) for this node."""
        if not member.access.command:
            return NotAsked("diagnostics are switched off")
        if source is Source.COOKIE_SOURCES and not member.access.beside:
            return NotAsked("the command runs on the agent's host, not beside the node: configure nodes[].diagnostics")
        if not self._askable(member):
            return NotAsked("the node's name is not known yet")
        kept = self._rounds.get(member.access.url)
        part = kept.parts.get(source) if kept else None
        if kept is None or part is None:
            return NotAsked("the first answer is under way")
        return self._unless_old(part, kept)

    def checks(self, member: Member) -> Mapping[str, Heard[Any] | Missed]:
        """The latest answers of the `check_*` commands, by name without that prefix."""
        kept = self._rounds.get(member.access.url)
        if kept is None:
            return {}
        parts = list(kept.parts.items())
        return {name: self._unless_old(part, kept) for name, part in parts if not isinstance(name, Source)}

    def forget(self, url: str) -> None:
        """Drop what is kept of an address."""
        self._rounds.pop(url, None)

    @staticmethod
    def _askable(member: Member) -> bool:
        """Without a name the command takes the local default, which is right only beside the node."""
        return member.blocked is None and (member.name is not None or member.access.beside)

    def _unless_old(self, part: Heard[Any] | Missed, kept: _Round) -> Heard[Any] | Missed:
        """On a busy machine a round may last longer than the interval: then rounds follow each other more slowly, and
        the first one ends when its last command does."""
        now = self._clock()
        age = now - part.at
        if kept.took is None or age <= _OLD * max(self._interval, kept.took):
            return part
        return Missed(CallFailure.TIMEOUT, f"the last answer is {age:.0f} s old, and none came since", now, 0.0)


@dataclass(frozen=True, slots=True)
class _RoundRun:
    """One round, in a thread of its own: each answer is filed as soon as it is there."""

    tool: Diagnostics
    parts: dict[Source | str, Heard[Any] | Missed]
    clock: Callable[[], float]

    def run(self, beside: bool, version: tuple[int, ...] | None) -> Payload[None]:
        """All commands that make sense for this node, one after the other.

        After the first one that finds the node out of reach, or no command, the others would only say the same at the
        price of a VM each: its reason stands for them.
        """
        first = self._file(Source.CLUSTER_STATUS, self.tool.cluster_status)
        if beside:
            self._file(Source.COOKIE_SOURCES, self.tool.cookie_sources)
        self._file(Source.COOKIE_HASH, lambda: Payload(self.tool.cookie_hash()), unless=first)
        for check in CHECKS:
            if check.exists_in(version):
                self._file(check.name, partial(self._check, check.name), unless=first)
            else:
                self.parts.pop(check.name, None)
        return Payload(None)

    def _check(self, name: str) -> Payload[CheckResult]:
        return Payload(self.tool.check(name))

    def _file(
        self, key: Source | str, call: Callable[[], Payload[Any]], unless: Heard[Any] | Missed | None = None
    ) -> Heard[Any] | Missed:
        part: Heard[Any] | Missed
        part = unless if isinstance(unless, Missed) else measured(call, self.clock)
        self.parts[key] = part
        return part


def parse_version(text: str | None) -> tuple[int, ...] | None:
    """(3, 10, 8) of "3.10.8" and (4, 3, 0) of "4.3.0-rc.1"; None of what is no version."""
    if text is None:
        return None
    numbers = text.partition("-")[0].partition("+")[0].split(".")
    return tuple(int(n) for n in numbers) if all(n.isdecimal() for n in numbers) else None
