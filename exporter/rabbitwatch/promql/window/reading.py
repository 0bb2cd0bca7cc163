"""Reading tables: the samples of a range, and the newest sample of each series. Works on Views only."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import LabelSet, Matchers
from rabbitwatch.promql.storage import Block, Latest, is_stale
from rabbitwatch.promql.window.cells import is_absent
from rabbitwatch.promql.window.table import TierView, View
from rabbitwatch.promql.window.tier import widened

_MANY = 4
"""From a quarter of a row's cells on, turning all of the rows around is quicker than picking cells one by one."""


class Strip:
    """One series over a range; see promql.storage.Series. Series of one table share the array of timestamps."""

    __slots__ = ("labels", "timestamps", "values")

    def __init__(self, labels: LabelSet, timestamps: Sequence[int], values: Sequence[float]) -> None:
        self.labels = labels
        self.timestamps = timestamps
        self.values = values


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some columns of some rows. places: where the columns are in the rows; None for all, in order. Rows of before a
    column was added are narrower than the newest. nans: where each row holds a NaN."""

    columns: Sequence[int]
    places: Sequence[int] | None
    times: array[int]
    rows: list[array[float]]
    nans: list[frozenset[int]]

    def series(self) -> Iterable[tuple[float, ...]]:
        """The cells of each column, oldest first; a hole where a row is too narrow."""
        rows = [widened(row, len(self.rows[-1])) for row in self.rows]
        if self.places is None:
            return zip(*rows, strict=True)
        if _MANY * len(self.places) > len(rows[-1]):
            turned = list(zip(*rows, strict=True))
            return map(turned.__getitem__, self.places)
        return (tuple([row[place] for row in rows]) for place in self.places)

    def only(self, which: Sequence[int]) -> _Slice:
        """Those of the columns with these indexes."""
        places = which if self.places is None else [self.places[i] for i in which]
        return _Slice([self.columns[i] for i in which], places, self.times, self.rows, self.nans)

    def split(self, width: int, bad: AbstractSet[int]) -> tuple[_Slice, _Slice]:
        """The columns that lie below that width and not at one of the bad places, and the others."""
        places = range(len(self.columns)) if self.places is None else self.places
        if not bad and (not places or max(places) < width):
            return self, self.only(())
        if not bad and self.places is None:
            narrow = _Slice(self.columns[:width], None, self.times, self.rows, self.nans)
            return narrow, self.only(range(width, len(self.columns)))
        good = [i for i, place in enumerate(places) if place < width and place not in bad]
        chosen = set(good)
        return self.only(good), self.only([i for i in range(len(places)) if i not in chosen])

    def block(self, labels: Sequence[LabelSet]) -> Block:
        """The columns together. Of few among many, the cells are picked, so that nobody works on the others."""
        names = [labels[c] for c in self.columns]
        if self.places is None or _MANY * len(self.places) > len(self.rows[0]):
            return Block(names, self.times, self.rows, self.places)
        picked = {id(row): [row[place] for place in self.places] for row in self.rows}
        return Block(names, self.times, [picked[id(row)] for row in self.rows])


def strips(view: View, matchers: Matchers, start_ms: int, end_ms: int) -> Iterator[Strip]:
    """The matching series of a table with their samples in (start, end]; those without any are left out."""
    labels = view.columns.labels(view.width)
    for part in _slices(view, matchers, start_ms, end_ms):
        yield from _strips(part, labels)


def blocks(view: View, matchers: Matchers, start_ms: int, end_ms: int) -> tuple[list[Block], list[Strip]]:
    """The same series: those that have a number in every row as blocks, the others one by one."""
    labels = view.columns.labels(view.width)
    found: list[Block] = []
    others: list[Strip] = []
    for part in _slices(view, matchers, start_ms, end_ms):
        whole, rest = part.split(len(part.rows[0]), frozenset().union(*part.nans))
        others.extend(_strips(rest, labels))
        if whole.columns:
            found.append(whole.block(labels))
    return found, others


def _is_number(total: float) -> bool:
    return total == total


def _strips(part: _Slice, labels: Sequence[LabelSet]) -> Iterator[Strip]:
    times = part.times
    for column, cells in zip(part.columns, part.series() if part.columns else (), strict=True):
        if _is_number(sum(cells)):
            yield Strip(labels[column], times, cells)
        else:
            # a NaN may be a hole, the end of the series, or two infinities that cancelled out in the sum
            kept = [(at, value) for at, value in zip(times, cells, strict=True) if not is_absent(value)]
            if kept:
                yield Strip(labels[column], array("q", [k[0] for k in kept]), array("d", [k[1] for k in kept]))


def _slices(view: View, matchers: Matchers, start_ms: int, end_ms: int) -> Iterator[_Slice]:
    """What is kept of the matching columns in (start, end]: of each from its own tier, else from the last polls."""
    wanted = view.columns.matching(matchers, view.width)
    uncovered: Sequence[int] | None = wanted
    for tier in view.tiers:
        yield from _slice(tier, wanted, start_ms, end_ms)
        if tier.columns is None:
            return
        covered = set(tier.columns)
        uncovered = [c for c in (range(view.width) if uncovered is None else uncovered) if c not in covered]
    yield from _slice(view.recent, uncovered, start_ms, end_ms)


def _slice(tier: TierView, wanted: Sequence[int] | None, start_ms: int, end_ms: int) -> Iterator[_Slice]:
    low, high = bisect_right(tier.times, start_ms), bisect_right(tier.times, end_ms)
    if low >= high:
        return
    rows = tier.rows[low:high]
    width = len(rows[-1])
    columns, places = _places(tier.columns, wanted, width)
    if columns:
        yield _Slice(columns, places, array("q", tier.times[low:high]), rows, tier.nans[low:high])


def _places(
    columns: Sequence[int] | None, wanted: Sequence[int] | None, width: int
) -> tuple[Sequence[int], Sequence[int] | None]:
    """The columns to read, and where they are in rows of that width; None for all, in order.

    Columns that were added after the newest of the rows are left out.
    """
    if columns is None:
        if wanted is None:
            return range(width), None
        found = [c for c in wanted if c < width]
        return found, found
    if wanted is None:
        return columns[:width], None
    at = {column: place for place, column in enumerate(columns[:width])}
    found = [c for c in wanted if c in at]
    return found, [at[c] for c in found]


def newest_row(view: View, at_ms: int) -> tuple[int, array[float]] | None:
    """The newest of the recent rows at or before that time; None when only history could tell."""
    recent = view.recent
    for at, row in zip(reversed(recent.times), reversed(recent.rows), strict=True):
        if at <= at_ms:
            return at, row
    return None


def latest_of_history(view: View, matchers: Matchers, at_ms: int, lookback_ms: int) -> Latest:
    """As Storage.latest, from history: for a query that looks at a moment in the past."""
    labels = view.columns.labels(view.width)
    sets: list[LabelSet] = []
    values: list[float] = []
    times: list[int] = []
    for part in _slices(view, matchers, at_ms - lookback_ms, at_ms):
        newest = part.rows[-1]
        known, rest = part.split(len(newest), part.nans[-1])
        sets.extend([labels[c] for c in known.columns])
        values.extend(newest if known.places is None else map(newest.__getitem__, known.places))
        times.extend([part.times[-1]] * len(known.columns))
        for strip in _strips(rest, labels):
            if not is_stale(strip.values[-1]):
                sets.append(strip.labels)
                values.append(strip.values[-1])
                times.append(strip.timestamps[-1])
    return Latest(LabelColumn(sets), values, times)
