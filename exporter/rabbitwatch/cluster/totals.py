"""Sums over queues, which stay when series of single queues are capped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rabbitwatch.cluster.side import RUNNING
from rabbitwatch.model.cluster import QueueState, QueueTotals


def totals(queues: Sequence[QueueState], unmirrored_matters: bool) -> QueueTotals:
    """The sums; what a queue does not tell adds nothing.

    unmirrored_matters: the cluster could mirror, so a durable queue that no policy mirrors counts.
    """
    messages = [q.messages for q in queues if q.messages is not None]
    consumers = [q.consumers for q in queues if q.consumers is not None]
    mirrored = [q for q in queues if q.mirrored]
    return QueueTotals(
        queues=len(queues),
        messages=sum(messages),
        ready=sum([q.ready for q in queues if q.ready is not None]),
        unacknowledged=sum([q.unacknowledged for q in queues if q.unacknowledged is not None]),
        at_risk=sum([q.at_risk for q in mirrored if q.at_risk]),
        unsynchronised=sum([q.unsynchronised for q in mirrored if q.unhealthy]),
        missing=sum([q.missing for q in mirrored if q.unhealthy]),
        unmirrored=sum(map(_lacks_mirroring, queues)) if unmirrored_matters and len(mirrored) < len(queues) else 0,
        depth_unknown=len(queues) - len(messages),
        consumers=sum(consumers) if len(consumers) == len(queues) else None,
    )


def _lacks_mirroring(queue: QueueState) -> bool:
    return not queue.mirrored and queue.type == "classic" and bool(queue.durable) and not queue.exclusive


def added(parts: Sequence[QueueTotals]) -> QueueTotals:
    """The sum of sums; consumers are unknown as soon as one of them is."""
    consumers = [part.consumers for part in parts if part.consumers is not None]
    return QueueTotals(
        queues=sum(part.queues for part in parts),
        messages=sum(part.messages for part in parts),
        ready=sum(part.ready for part in parts),
        unacknowledged=sum(part.unacknowledged for part in parts),
        at_risk=sum(part.at_risk for part in parts),
        unsynchronised=sum(part.unsynchronised for part in parts),
        missing=sum(part.missing for part in parts),
        unmirrored=sum(part.unmirrored for part in parts),
        depth_unknown=sum(part.depth_unknown for part in parts),
        consumers=sum(consumers) if len(consumers) == len(parts) else None,
    )


def leaders(queues: Iterable[QueueState], members: Iterable[str]) -> dict[str, int]:
    """By node: of how many queues it holds the leader; members that hold none are in it with 0."""
    counts = Counter([queue.node for queue in queues if queue.node])
    return {**dict.fromkeys(members, 0), **counts}


STATES = (RUNNING, "syncing", "minority", "down", "crashed", "stopped", "terminated")
"""The states that are always counted; any other is counted where it occurs."""


def by_state(queues: Iterable[QueueState]) -> dict[str, int]:
    """By state: how many queues are in it."""
    return {**dict.fromkeys(STATES, 0), **Counter([queue.state for queue in queues])}
