"""What the engine asks of whoever holds the samples, and the marker of a series that has ended.

Times are milliseconds since the epoch. Ranges are open on the left and closed on the right, as in Prometheus 3.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import LabelSet, Matchers

LOOKBACK_MS = 5 * 60 * 1000
_STALE_BITS = 0x7FF0000000000002
_BYTES = struct.Struct("<Q")
_FLOAT = struct.Struct("<d")
STALE: float = _FLOAT.unpack(_BYTES.pack(_STALE_BITS))[0]
"""The value that ends a series: a NaN with bits of its own. Arithmetic may quiet it: only store it."""


def is_stale(value: float) -> bool:
    """Whether the value is the staleness marker, and not an ordinary NaN."""
    return value != value and _BYTES.unpack(_FLOAT.pack(value))[0] == _STALE_BITS


class Series(Protocol):
    """One series over a range: timestamps ascending and distinct, a value for each, staleness markers included."""

    @property
    def labels(self) -> LabelSet: ...
    @property
    def timestamps(self) -> Sequence[int]: ...
    @property
    def values(self) -> Sequence[float]: ...


@dataclass(frozen=True, slots=True)
class SampleSeries:
    """The plain Series: arrays of milliseconds ('q') and of values ('d')."""

    labels: LabelSet
    timestamps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def append(self, timestamp_ms: int, value: float) -> None:
        """Add the newest sample."""
        self.timestamps.append(timestamp_ms)
        self.values.append(value)


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest sample of each series that has one: three parallel columns. The lists are shared: never change them.

    timestamps: one a row, or a single one where all rows have the same.
    """

    labels: LabelColumn
    values: Sequence[float]
    timestamps: Sequence[int] | int


EMPTY = Latest(LabelColumn([]), [], [])


class Storage(Protocol):
    """The samples. Both methods return distinct series, in an order that stays while the series stay."""

    def select(self, matchers: Matchers, start_ms: int, end_ms: int) -> Sequence[Series]:
        """The series that satisfy all matchers, each with its samples in (start, end], without those that have none."""

    def latest(self, matchers: Matchers, at_ms: int, lookback_ms: int) -> Latest:
        """Each matching series' newest sample in (at - lookback, at]; a series whose newest is the staleness marker
        is left out.

        The engine keeps what it derives on the column. So hand out the same LabelColumn object as long as the same
        series answer, and, for one `at_ms`, the same Latest to each rule that asks, where that costs nothing.
        """


@dataclass(frozen=True, slots=True)
class Block:
    """Many series that were all sampled at the same times: at least one series, at least one time, no sample missing
    and none NaN.

    rows: for each timestamp, one value a series, in the order of `labels`. places: where in each row these are; None
    where they are all cells of the oldest row. A row may hold other cells, and newer rows more of them; the same row
    is the same object each time it is handed out, where that costs nothing.
    """

    labels: Sequence[LabelSet]
    timestamps: Sequence[int]
    rows: Sequence[Sequence[float]]
    places: Sequence[int] | None = None


@runtime_checkable
class BlockStorage(Protocol):
    """A storage that keeps samples by poll, and can say so: range functions then work poll by poll, not by series."""

    def blocks(self, matchers: Matchers, start_ms: int, end_ms: int) -> tuple[Sequence[Block], Sequence[Series]]:
        """What `Storage.select` returns, as blocks where that is possible, and the other series one by one."""


class MemoryStorage:
    """Series in a dict: for rule unit tests, conformance files and small sets. Not for the live window."""

    def __init__(self, series: Iterable[SampleSeries] = ()) -> None:
        self._series: dict[LabelSet, SampleSeries] = {s.labels: s for s in series}

    def append(self, labels: LabelSet, timestamp_ms: int, value: float) -> None:
        """Add a sample; one at or before the series' newest is dropped, as a Prometheus head drops it."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = SampleSeries(labels)
        if not series.timestamps or timestamp_ms > series.timestamps[-1]:
            series.append(timestamp_ms, value)

    def clear(self) -> None:
        """Forget everything."""
        self._series.clear()

    def all(self) -> list[SampleSeries]:
        """Every series, in the order of first appearance."""
        return list(self._series.values())

    def select(self, matchers: Matchers, start_ms: int, end_ms: int) -> Sequence[Series]:
        """See Storage."""
        found = []
        for series in self._series.values():
            if not all(m.accepts(series.labels) for m in matchers):
                continue
            low = bisect_right(series.timestamps, start_ms)
            high = bisect_right(series.timestamps, end_ms)
            if low < high:
                found.append(SampleSeries(series.labels, series.timestamps[low:high], series.values[low:high]))
        return found

    def latest(self, matchers: Matchers, at_ms: int, lookback_ms: int) -> Latest:
        """See Storage."""
        rows = [
            (series.labels, series.values[-1], series.timestamps[-1])
            for series in self.select(matchers, at_ms - lookback_ms, at_ms)
            if not is_stale(series.values[-1])
        ]
        return Latest(LabelColumn([r[0] for r in rows]), [r[1] for r in rows], [r[2] for r in rows])
