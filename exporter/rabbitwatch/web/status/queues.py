"""The queues that a person looks for: those that lag, the deepest, those that grow. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rabbitwatch.model.cluster import ClusterState, QueueState
from rabbitwatch.web.picture.card import Level
from rabbitwatch.web.status.chart import Chart, chart
from rabbitwatch.web.status.trend import GROWTH_MS, Key, Trend
from rabbitwatch.web.status.words import UNKNOWN, Capped, number, rate

UNHEALTHY = 20
DEEPEST = 10
GROWING = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One queue. trouble: what is wrong with it in words, "" where nothing is. growth: in words."""

    vhost: str
    name: str
    node: str
    type: str
    policy: str
    messages: str
    at_risk: str
    level: Level
    trouble: str
    growth: str
    chart: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLists:
    """unhealthy: the most messages at risk first. since: how far back the charts can reach; None: there is no history
    yet. total: None where a part of the cluster did not tell its queues; messages, at_risk: in all, in words."""

    unhealthy: Capped[QueueRow]
    deepest: Sequence[QueueRow]
    growing: Sequence[QueueRow]
    since: float | None
    total: int | None
    messages: str
    at_risk: str


def deepest(state: ClusterState) -> list[QueueState]:
    """Those that hold the most; a queue that does not tell how many messages it has is in no order."""
    known = (queue for queue in state.queues.all if queue.messages)
    return heapq.nlargest(DEEPEST, known, key=lambda queue: queue.messages or 0)


def key_of(queue: QueueState) -> Key:
    """Names the queue within its cluster."""
    return queue.vhost, queue.name


def queue_lists(state: ClusterState, deep: Sequence[QueueState], trend: Trend) -> QueueLists:
    """deep: see `deepest`."""
    growing = {key: place for place, key in enumerate(trend.growing)}
    found = sorted(picked(state, growing), key=lambda queue: growing[key_of(queue)])
    bad = sorted((queue for queue in state.queues.all if queue.unhealthy), key=_gravity)
    totals = state.queues.totals
    return QueueLists(
        unhealthy=Capped([row(each, trend) for each in bad[:UNHEALTHY]], max(0, len(bad) - UNHEALTHY)),
        deepest=[row(each, trend) for each in deep],
        growing=[row(each, trend) for each in found],
        since=trend.since,
        total=totals.queues if totals else None,
        messages=number(totals.messages if totals else None),
        at_risk=number(totals.at_risk if totals else None),
    )


def picked(state: ClusterState, keys: Collection[Key]) -> Iterator[QueueState]:
    """The queues with these names."""
    return (queue for queue in state.queues.all if (queue.labels[1], queue.labels[2]) in keys) if keys else iter(())


def row(queue: QueueState, trend: Trend) -> QueueRow:
    """As it stands in a table."""
    past = trend.pasts.get(key_of(queue))
    return QueueRow(
        vhost=queue.vhost,
        name=queue.name,
        node=queue.node or UNKNOWN,
        type=queue.type,
        policy=queue.policy or "none",
        messages=number(queue.messages),
        at_risk=number(queue.at_risk) if queue.mirrored else "not mirrored",
        level=_level(queue),
        trouble="; ".join(_troubles(queue)),
        growth=_growth(past.slope if past else None),
        chart=chart(past),
    )


def _growth(slope: float | None) -> str:
    if slope is None:
        return "not known"
    return rate(slope) if abs(slope) * GROWTH_MS / 1000 >= 1 else "steady"


def _gravity(queue: QueueState) -> tuple[int, int, str, str]:
    return -(queue.at_risk or 0), -(queue.unsynchronised + queue.missing), queue.vhost, queue.name


def _level(queue: QueueState) -> Level:
    if queue.has_leader is False or queue.at_risk:
        return Level.CRITICAL
    return Level.WARNING if queue.unhealthy else Level.UNKNOWN if queue.messages is None else Level.OK


def _troubles(queue: QueueState) -> Iterator[str]:
    if queue.state not in ("running", ""):
        yield f"state {queue.state}"
    if queue.has_leader is False:
        yield "no leader"
    if queue.unsynchronised:
        synced = f", {queue.sync_messages:,} messages copied" if queue.sync_messages else ""
        yield f"{queue.unsynchronised} of {queue.mirrors} mirrors not synchronised{synced}"
    if queue.missing:
        yield f"{queue.missing} of {queue.expected} mirrors missing"
    if queue.members is not None and queue.online is not None and queue.online < queue.members:
        yield f"{queue.members - queue.online} of {queue.members} members offline"
    if queue.unhealthy and queue.messages is None:
        yield "does not tell its depth"


def searched(state: ClusterState, needle: str, trend: Trend, limit: int) -> Capped[QueueRow]:
    """Queues with this in their name or vhost, whatever the case; in the broker's order."""
    found = [queue for queue in state.queues.all if needle in queue.name.lower() or needle in queue.vhost.lower()]
    return Capped([row(each, trend) for each in found[:limit]], max(0, len(found) - limit))
