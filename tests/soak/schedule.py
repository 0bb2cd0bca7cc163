"""Which faults, in which order: the same for the same seed, on every machine. Pure."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

NODES = ("rabbit1", "rabbit2", "rabbit3")
EACH_ROUND = 4
DECK = (
    *("kill", "stop", "unsync") * 3,
    *("partition", "policy_deleted") * 2,
    *("policy_changed", "memory", "disk", "hang", "slow"),
)
"""Dealt without repetition until it is used up, so that a long run has them all. What makes mirrors lag and what makes
that matter are in it most often: alone neither loses a message."""
HOLD = {
    "stop": (3.0, 12.0),
    "kill": (3.0, 12.0),
    "partition": (20.0, 30.0),
    "memory": (8.0, 20.0),
    "disk": (8.0, 20.0),
    "hang": (8.0, 20.0),
    "slow": (8.0, 20.0),
    "unsync": (2.0, 3.0),
    "policy_deleted": (20.0, 40.0),
    "policy_changed": (20.0, 40.0),
}
"""Seconds for which each lasts, at least and at most. A partition: longer than net_ticktime takes to notice it."""
PAUSE = (3.0, 30.0)
"""Seconds to the next fault: now too short for a repair, now long enough."""
AGENT_DIES = 0.3
"""The share of faults in which the agent is killed as well, some time after the fault began."""


@dataclass(frozen=True, slots=True)
class Fault:
    """number: over the whole run; agent_dies_after: seconds after the begin, None where it lives."""

    number: int
    round: int
    kind: str
    node: str
    hold: float
    pause: float
    agent_dies_after: float | None

    def __str__(self) -> str:
        where = "" if self.kind.startswith(("policy", "unsync")) else f" {self.node}"
        return f"{self.number} {self.kind}{where}"

    @property
    def spared(self) -> str:
        """A node that this fault leaves alone: publishers are there, so that what is lost is the mirrors' doing."""
        return next(node for node in NODES if node != self.node)


def rounds(seed: int) -> Iterator[tuple[Fault, ...]]:
    """Round after round, without end."""
    chance = random.Random(seed)
    deck: list[str] = []
    numbers = itertools.count(1)
    for number in itertools.count(1):
        if len(deck) < EACH_ROUND:
            deck += chance.sample(DECK, len(DECK))
        hand, deck = deck[:EACH_ROUND], deck[EACH_ROUND:]
        yield tuple(_fault(next(numbers), number, kind, chance) for kind in hand)


def _fault(number: int, round_number: int, kind: str, chance: random.Random) -> Fault:
    hold, pause = chance.uniform(*HOLD[kind]), chance.uniform(*PAUSE)
    dies, when = chance.random() < AGENT_DIES, chance.uniform(0.0, 25.0)
    return Fault(number, round_number, kind, chance.choice(NODES), hold, pause, when if dies else None)
