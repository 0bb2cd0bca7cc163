"""Whether the same faults last longer where the agent looks on: watching must cost a cluster nothing. Pure.

A node that stops waits for whoever has a connection to it, and an outage's length is what it loses. Single faults
differ by chance, for no two nodes stop or start in the same second; what all faults of a kind differ by on average is
the agent's doing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from tests.soak.losses import Moment
from tests.soak.schedule import Fault

CHANCE = 2.0
"""Seconds by which a mean may differ; in an hour's run the kills, for which nobody waits, differed by 0.5."""
ENOUGH = 4
"""So many faults of a kind make a mean that says something."""


@dataclass(frozen=True, slots=True)
class Delay:
    """By how many seconds all faults of a kind stood later, and all was whole later, with the agent than without."""

    kind: str
    count: int
    stood: float
    whole: float

    @property
    def blamed(self) -> bool:
        """Too much to be chance."""
        return self.count >= ENOUGH and max(self.stood, self.whole) > CHANCE

    def __str__(self) -> str:
        return f"{self.kind:16}{self.count:4}  stood {self.stood:+5.1f} s, whole again {self.whole:+5.1f} s"


def delays(faults: Sequence[Fault], moments: Mapping[int, Moment]) -> list[Delay]:
    """Of each kind, in the order of their names."""
    found: dict[str, list[tuple[float, float]]] = {}
    for fault in faults:
        if (moment := moments.get(fault.number)) is not None:
            here, other = moment.reach_with_agent, moment.reach_without
            found.setdefault(fault.kind, []).append((here[0] - other[0], here[1] - other[1]))
    return [
        Delay(kind, len(each), fmean(stood for stood, _ in each), fmean(whole for _, whole in each))
        for kind, each in sorted(found.items())
    ]
