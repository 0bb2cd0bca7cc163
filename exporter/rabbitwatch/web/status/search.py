"""What is called like this: clusters, nodes, queues and alerts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.web.picture.card import Card
from rabbitwatch.web.status.alerts import AlertRow
from rabbitwatch.web.status.queues import QueueRow, searched
from rabbitwatch.web.status.trend import NONE, Trend
from rabbitwatch.web.status.words import Capped, capped

LONGEST = 200
MOST = 50
MOST_QUEUES = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """A node, and the cluster that it is in. name: of the node."""

    cluster: str
    name: str


@dataclass(frozen=True, slots=True)
class QueueHit:
    """A queue, and the cluster that it is in."""

    cluster: str
    queue: QueueRow


@dataclass(frozen=True, slots=True)
class Found:
    """needle: as it was asked for."""

    needle: str
    clusters: Capped[str]
    nodes: Capped[Hit]
    queues: Capped[QueueHit]
    alerts: Capped[AlertRow]

    @property
    def total(self) -> int:
        """How much was found."""
        return self.clusters.total + self.nodes.total + self.queues.total + self.alerts.total


def found(
    needle: str, cards: Sequence[Card], alerts: Sequence[AlertRow], trends: Mapping[str, Trend] | None = None
) -> Found:
    """Whatever has the needle in its name, whatever the case; alerts also in a label's value or the summary."""
    low = needle.lower()
    hits = [Hit(card.name, node.name) for card in cards if card.state for node in card.state.nodes]
    return Found(
        needle,
        capped((card.name for card in cards if low in card.name.lower()), MOST),
        capped((hit for hit in hits if low in hit.name.lower()), MOST),
        _queues(low, cards, trends or {}),
        capped((row for row in alerts if _fits(low, row)), MOST),
    )


def _queues(low: str, cards: Sequence[Card], trends: Mapping[str, Trend]) -> Capped[QueueHit]:
    rows: list[QueueHit] = []
    more = 0
    for card in cards:
        if card.state is not None:
            some = searched(card.state, low, trends.get(card.name, NONE), MOST_QUEUES - len(rows))
            rows.extend(QueueHit(card.name, row) for row in some.rows)
            more += some.more
    return Capped(rows, more)


def _fits(low: str, row: AlertRow) -> bool:
    return low in row.summary.lower() or any(low in value.lower() for value in row.labels.values())
