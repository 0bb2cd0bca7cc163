"""Where a queue stands: what decides whether the death of a node loses its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Its leader's node, the mirrors in step and those that lag; what the broker said of it."""

    leader: str | None
    synchronised: frozenset[str]
    lagging: frozenset[str]
    state: str
    messages: int | None

    def __str__(self) -> str:
        mirrors = sorted([*self.synchronised, *(f"{node} (lags)" for node in self.lagging)])
        return f"{self.leader} + {', '.join(mirrors) or 'no mirror'}, {self.state}, {self.messages} messages"


Places = Mapping[str, Place]
"""By queue."""


def place_of(row: Mapping[str, Any], messages: int | None) -> Place:
    """From a row of /api/queues."""
    mirrors, in_step = (frozenset(row.get(key) or ()) for key in ("slave_nodes", "synchronised_slave_nodes"))
    return Place(row.get("node"), in_step, mirrors - in_step, row.get("state") or "", messages)
