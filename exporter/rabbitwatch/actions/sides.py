"""The sides of a partition, laid beside each other by what hangs on them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.graph import components

_CRITERIA = ("connections", "messages", "queues")
"""In the order in which they decide between sides of equal strength: clients that work first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """connections: that its nodes count; queues, messages: of the queues that lead there. None: unknown."""

    nodes: frozenset[str]
    connections: int | None
    queues: int | None
    messages: int | None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Which criteria are."""
        return tuple(what for what in _CRITERIA if getattr(self, what) is None)

    def told(self, what: str) -> str:
        """`3 queues`, `unknown messages`."""
        number = getattr(self, what)
        return f"an unknown number of {what}" if number is None else counted(number, what.removesuffix("s"))

    def described(self) -> str:
        return f"{names(self.nodes, limit=10)} with {', '.join(self.told(what) for what in _CRITERIA)}"

    def ahead_of(self, other: Side) -> list[str]:
        """The criteria in which it has more; a criterion unknown of either is in none."""
        return [
            what
            for what in _CRITERIA
            if (getattr(self, what) or 0) > (getattr(other, what) or 0) and self._both(other, what)
        ]

    def _both(self, other: Side, what: str) -> bool:
        return getattr(self, what) is not None and getattr(other, what) is not None


def sides(state: ClusterState, groups: Iterable[frozenset[str]]) -> tuple[Side, ...]:
    """The side to trust first: the one that is ahead of the others most often; between equals the one with more
    connections, messages, queues, nodes, and at last by name."""
    found = [_side(state, group) for group in groups]

    def rank(side: Side) -> tuple[object, ...]:
        wins = sum(len(side.ahead_of(other)) for other in found)
        return (-wins, *(-(getattr(side, what) or 0) for what in _CRITERIA), -len(side.nodes), sorted(side.nodes))

    return tuple(sorted(found, key=rank))


def reported_apart(state: ClusterState) -> tuple[frozenset[str], ...]:
    """The groups of nodes of which none reports a partition from another, largest first."""
    members = frozenset(node.name for node in state.nodes if not node.missing)
    apart: dict[str, set[str]] = {name: set() for name in members}
    for node, peer in state.partitions.reported:
        apart.setdefault(node, set()).add(peer)
        apart.setdefault(peer, set()).add(node)
    return components({name: members - others for name, others in apart.items()})


def _side(state: ClusterState, group: frozenset[str]) -> Side:
    known = state.queues.complete
    led = [queue for queue in state.queues.all if queue.node in group] if known else []
    depths: Sequence[int | None] = [queue.messages for queue in led]
    return Side(
        nodes=group,
        connections=_connections(state, group),
        queues=len(led) if known else None,
        messages=sum(depth or 0 for depth in depths) if known and None not in depths else None,
    )


def _connections(state: ClusterState, group: frozenset[str]) -> int | None:
    """Nodes of a side that see each other count all connections of the side; while they see the other side too, the
    count is of both and tells nothing."""
    if group not in state.components:
        return None
    counts = [row["connections"] for node, row in state.views.objects.items() if node in group and "connections" in row]
    return max(counts, default=None)
