"""What the window remembers of queues: how deep they were, and which grow fastest.

The window keeps a poll's values of one family as one row, so the growth of ten thousand queues is the difference of two
rows; only of those that grew most the slope is computed as PromQL's `deriv` does, and only for those that are shown the
past is read. That is done once a poll and cluster, and kept.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rabbitwatch.promql.labels import METRIC_NAME, LabelSet, Matcher, Matchers, MatchOp
from rabbitwatch.promql.storage import Block, BlockStorage, Series
from rabbitwatch.promql.window import Requirement

DEPTH = "rabbitwatch_queue_messages"
SPAN_MS = 30 * 60 * 1000
"""How far back charts reach."""
GROWTH_MS = 10 * 60 * 1000
"""Over how long growth is measured."""
POINTS = 60
"""Of a chart, at most."""
_CANDIDATES = 3

Key = tuple[str, str]
"""vhost and queue."""

HISTORY = Requirement((Matcher(MatchOp.EQUAL, METRIC_NAME, DEPTH),), SPAN_MS, "the status page")
"""What the window is asked to keep for this page, where it has room for it."""


class Memory(Protocol):
    """The window, as far as it is read here; see promql.window.Window."""

    def snapshot(self) -> BlockStorage:
        """What is known now; later polls do not change it."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """A queue's depth over time: (seconds since the epoch, messages), oldest first. slope: messages a second over the
    last GROWTH_MS; None where fewer than two polls are known."""

    points: Sequence[tuple[float, float]]
    slope: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Of one cluster. since: how far back the window knows any queue, seconds since the epoch; None where it knows
    less than two polls of the last GROWTH_MS. growing: the fastest first, those that grew by a message at least."""

    since: float | None
    pasts: Mapping[Key, Past]
    growing: Sequence[Key]


NONE = Trend(None, {}, ())


class Trends:
    """Trends by cluster, each kept until its cluster is polled again. For any thread."""

    def __init__(self, memory: Memory | None) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Trend]] = {}

    def of(self, cluster: str, at: float, wanted: Collection[Key], count: int) -> Trend:
        """at: of the cluster's last poll. wanted: queues whose past is to be shown. count: how many that grow."""
        if self._memory is None:
            return NONE
        with self._lock:
            kept = self._kept.get(cluster)
            if kept is None or kept[0] != at:
                kept = self._kept[cluster] = at, trend(self._memory.snapshot(), cluster, at, wanted, count)
            return kept[1]

    def keep_only(self, clusters: Collection[str]) -> None:
        """Forget clusters that are gone."""
        with self._lock:
            self._kept = {name: kept for name, kept in self._kept.items() if name in clusters}


def trend(storage: BlockStorage, cluster: str, at: float, wanted: Collection[Key], count: int) -> Trend:
    """See Trends.of."""
    end = round(at * 1000)
    matchers: Matchers = (*HISTORY.matchers, Matcher(MatchOp.EQUAL, "cluster", cluster))
    blocks, others = storage.blocks(matchers, end - SPAN_MS, end)
    times = [*(block.timestamps for block in blocks), *(series.timestamps for series in others)]
    since = min((each[0] for each in times if len(each) > 1 and each[-2] > end - GROWTH_MS), default=None)
    if since is None:
        return NONE
    grown = heapq.nlargest(_CANDIDATES * count, _grown(blocks, others, end), key=lambda pair: pair[0])
    interesting = {*wanted, *(key for _, key in grown)}
    pasts = dict(_pasts(blocks, others, interesting, end))
    slopes = [(past.slope, key) for _, key in grown if (past := pasts.get(key)) and _grows(past)]
    growing = [key for _, key in sorted(slopes, key=lambda pair: (-(pair[0] or 0.0), pair[1]))][:count]
    return Trend(since / 1000, pasts, growing)


def _grows(past: Past) -> bool:
    return past.slope is not None and past.slope * GROWTH_MS / 1000 >= 1


def _key(labels: LabelSet) -> Key:
    return labels.get("vhost"), labels.get("queue")


def _grown(blocks: Sequence[Block], others: Sequence[Series], end: int) -> Iterator[tuple[float, Key]]:
    """What has come on top within the last GROWTH_MS, of queues that have grown."""
    for block in blocks:
        first = _first(block.timestamps, end - GROWTH_MS)
        old, new = block.rows[first], block.rows[-1]
        places = range(len(block.labels)) if block.places is None else block.places
        for index, place in enumerate(places):
            if new[place] > old[place]:
                yield new[place] - old[place], _key(block.labels[index])
    for series in others:
        first = _first(series.timestamps, end - GROWTH_MS)
        if first < len(series.values) and series.values[-1] > series.values[first]:
            yield series.values[-1] - series.values[first], _key(series.labels)


def _first(times: Sequence[int], after: int) -> int:
    """The index of the first time after that one; the last where there is none."""
    return next((index for index, at in enumerate(times) if at > after), len(times) - 1)


def _pasts(
    blocks: Sequence[Block], others: Sequence[Series], wanted: Collection[Key], end: int
) -> Iterator[tuple[Key, Past]]:
    for block in blocks:
        for index, labels in enumerate(block.labels):
            key = _key(labels)
            if key in wanted:
                place = index if block.places is None else block.places[index]
                yield key, _past(block.timestamps, [row[place] for row in block.rows], end)
    for series in others:
        key = _key(series.labels)
        if key in wanted:
            known = [(at, value) for at, value in zip(series.timestamps, series.values, strict=True) if value == value]
            yield key, _past([at for at, _ in known], [value for _, value in known], end)


def _past(times: Sequence[int], values: Sequence[float], end: int) -> Past:
    step = max(1, -(-len(times) // POINTS))
    chosen = range(len(times) - 1, -1, -step)
    points = [(times[index] / 1000, values[index]) for index in reversed(chosen)]
    recent = [(at / 1000, value) for at, value in zip(times, values, strict=True) if at > end - GROWTH_MS]
    return Past(points, _slope(recent))


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """By least squares, as PromQL's deriv."""
    if len(points) < 2:
        return None
    zero = points[0][0]
    mean_x = sum(x - zero for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    below = sum((x - zero - mean_x) ** 2 for x, _ in points)
    return sum((x - zero - mean_x) * (y - mean_y) for x, y in points) / below if below else None
