"""The run: rounds of faults on two clusters in step, until the time is over. Read this first.

A round: new queues, led by the same nodes in both clusters, mirrored and filled; publishers that send the same ids at
the same moments; four faults, each begun and ended in both at the same time and followed by a checkpoint, at which all
that is in the queues is read and left there; then everything is healed, the queues are drained, and what was confirmed
and never came is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.soak.audited import Forbidden
from tests.soak.faults import FAULTS
from tests.soak.losses import Checkpoint, Loss, Moment, losses
from tests.soak.messages import prefix
from tests.soak.places import Places
from tests.soak.repairing import Repairing
from tests.soak.schedule import Fault, rounds
from tests.soak.world import World

GRACE = 10.0
"""Seconds after a fault's begin in which the agent may not yet know: a look may be under way, and a broker's statistics
are five seconds old by default."""
_LEAD = 3.0

Told = Callable[[str], None]


@dataclass
class Tally:
    """What one cluster was given and lost. kept: received at the end of a round."""

    confirmed: int = 0
    doubtful: int = 0
    kept: set[str] = field(default_factory=set)
    twice: int = 0
    lost: list[Loss] = field(default_factory=list)


@dataclass
class Result:
    """Everything that the run found out. faults: as they were dealt, with their moments by number."""

    faults: list[Fault] = field(default_factory=list)
    moments: dict[int, Moment] = field(default_factory=dict)
    forbidden: list[Forbidden] = field(default_factory=list)
    with_agent: Tally = field(default_factory=Tally)
    without: Tally = field(default_factory=Tally)
    rounds: int = 0


class Course:
    """One run on the cluster with the agent and the one without. agent: None tries the harness itself, with nobody who
    repairs. ending: set when the run is over, whatever ended it."""

    def __init__(
        self, worlds: tuple[World, World], agent: Repairing | None, told: Told, ending: threading.Event
    ) -> None:
        self.result = Result()
        self._worlds = worlds
        self._tallies = (self.result.with_agent, self.result.without)
        self._agent = agent
        self._told = told
        self._ending = ending
        self._pool = ThreadPoolExecutor(max_workers=len(self._worlds) + 1)

    def run(self, seed: int, seconds: float) -> None:
        """Rounds until the time is over; the last one is begun before that and finished. Raises SoakError."""
        end = time.monotonic() + seconds
        try:
            for faults in rounds(seed):
                self._round(faults)
                if time.monotonic() > end:
                    return
        finally:
            self._ending.set()
            for world in self._worlds:
                world.hush()
            self._pool.shutdown()

    def _both(self, job: Callable[[World], object]) -> tuple[float, float]:
        """The same in both clusters at the same time; returns when both have done it, and when each had."""

        def done(world: World) -> float:
            job(world)
            return time.time()

        here, other = self._pool.map(done, self._worlds)
        return here, other

    def _round(self, faults: Sequence[Fault]) -> None:
        number = faults[0].round
        self._told(f"round {number}: {', '.join(map(str, faults))}")
        start = time.time() + _LEAD
        self._both(lambda world: world.prepare(number, start))
        points = [self._fault(fault) for fault in faults]
        self._both(lambda world: world.hush())
        self._both(lambda world: world.restore_policy())
        self._both(lambda world: world.until(world.whole, "whole at the end of the round"))
        for world, tally, own in zip(self._worlds, self._tallies, zip(*points, strict=True), strict=True):
            _count(world, tally, number, own)
        self.result.rounds = number
        here, other = (len(tally.lost) for tally in self._tallies)
        self._told(f"round {number} is over; lost so far: {here} with the agent, {other} without")

    def _fault(self, fault: Fault) -> tuple[Checkpoint, Checkpoint]:
        """One fault from the look before it to the checkpoint after it."""
        self._both(lambda world: world.move(fault.spared))
        before: list[Places] = list(self._pool.map(World.places, self._worlds))
        begun = time.time()
        dying = None
        if self._agent is not None and fault.agent_dies_after is not None:
            dying = self._pool.submit(self._agent.die, fault.agent_dies_after, self._ending)
        kind = FAULTS[fault.kind]
        stood = self._both(lambda world: kind.begin(world, fault))
        stands = time.time()
        self._told(f"  {fault} for {fault.hold:.0f} s")
        self._ending.wait(fault.hold)
        if kind.forbids:
            self.result.forbidden.append(Forbidden(stands + GRACE, time.time(), str(fault)))

        def over(world: World) -> None:
            kind.end(world, fault)
            world.until(world.whole, f"whole after {fault}")

        reaches = tuple(zip(stood, self._both(over), strict=True))
        found = list(self._pool.map(lambda world: _checkpoint(world, fault), self._worlds))
        self.result.faults.append(fault)
        self.result.moments[fault.number] = Moment(fault.number, begun, time.time(), *before, *reaches)
        self._ending.wait(fault.pause)
        if dying is not None:
            dying.result()
        return found[0], found[1]


def _checkpoint(world: World, fault: Fault) -> Checkpoint:
    began = time.time()
    found = world.read(keep=True)
    there = {queue: None if ids is None else frozenset(ids) for queue, ids in found.items()}
    return Checkpoint(fault.number, began, there)


def _count(world: World, tally: Tally, number: int, points: Sequence[Checkpoint]) -> None:
    """Drain, and add up what this round has cost."""
    for queue, received in world.drain().items():
        confirmed = world.ledger.confirmed_of(prefix(number, queue))
        tally.confirmed += len(confirmed)
        tally.kept.update(received)
        tally.twice += len(received) - len(set(received))
        tally.lost += losses(confirmed, frozenset(received), points, queue)
    tally.doubtful = len(world.ledger.doubtful)
