"""The kept rows of a table, for those of its columns that are kept equally long."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rabbitwatch.promql.window.cells import ABSENT, nan_places, same_bits

RECENT = 2
"""Polls that are always kept: an evaluation that began before a poll must still see the one before it."""


@dataclass(frozen=True, slots=True)
class TierView:
    """A tier as it was after one poll; `times`, `rows` and `nans` are parallel, ascending. nans: where in the row."""

    columns: tuple[int, ...] | None
    times: list[int]
    rows: list[array[float]]
    nans: list[frozenset[int]]


class Tier:
    """The kept rows of those columns that share one span. columns: None means all of the table's."""

    __slots__ = ("columns", "nans", "rows", "span_ms", "times")

    def __init__(self, span_ms: int, columns: list[int] | None) -> None:
        self.span_ms = span_ms
        self.columns = columns
        self.times: list[int] = []
        self.rows: list[array[float]] = []
        self.nans: list[frozenset[int]] = []

    def push(self, at_ms: int, row: array[float]) -> None:
        """Add the newest row of the table, or this tier's part of it."""
        if self.columns is not None:
            row = array("d", [row[c] for c in self.columns])
        if self.rows and same_bits(row, self.rows[-1]):
            row = self.rows[-1]
            self.nans.append(self.nans[-1])
        else:
            self.nans.append(nan_places(row))
        self.times.append(at_ms)
        self.rows.append(row)

    def take_over(self, twin: Tier) -> None:
        """The rows of another tier with the same columns."""
        self.times, self.rows, self.nans = list(twin.times), list(twin.rows), list(twin.nans)

    def expire(self, until_ms: int) -> int:
        """Drop the rows at or before that time, the newest ones aside; how many cells that freed."""
        count = min(bisect_right(self.times, until_ms), len(self.times) - RECENT)
        if count <= 0:
            return 0
        before = self.cells()
        del self.times[:count]
        del self.rows[:count]
        del self.nans[:count]
        return before - self.cells()

    def rewind(self, at_ms: int) -> None:
        """Drop the rows at or after that time."""
        while self.times and self.times[-1] >= at_ms:
            self.times.pop()
            self.rows.pop()
            self.nans.pop()

    def cells(self) -> int:
        """How many cells the rows occupy; a row that is shared with its neighbour counts once."""
        rows = self.rows
        return sum(len(row) for i, row in enumerate(rows) if i == 0 or row is not rows[i - 1])

    def refill(self, sources: Sequence[Tier], width: int) -> None:
        """Take over what other tiers of the same table know, in rows of `width` columns of the table."""
        rows: dict[int, array[float]] = {}
        for source in sources:
            for at_ms, row in zip(source.times, source.rows, strict=True):
                whole = rows.setdefault(at_ms, array("d", [ABSENT]) * width)
                places = range(len(row)) if source.columns is None else source.columns
                for place, value in zip(places, row, strict=False):
                    whole[place] = value
        for at_ms in sorted(rows):
            self.push(at_ms, rows[at_ms])

    def renumber(self, moved: dict[int, int]) -> None:
        """Keep the columns in `moved` only, under their new numbers; their order stays."""
        if self.columns is None:
            kept = list(moved)
        else:
            kept = [i for i, c in enumerate(self.columns) if c in moved]
            self.columns = [moved[c] for c in self.columns if c in moved]
        rows: list[array[float]] = []
        for i, row in enumerate(self.rows):
            if i and row is self.rows[i - 1]:
                rows.append(rows[-1])
            else:
                rows.append(array("d", [row[c] for c in kept if c < len(row)]))
        self.rows = rows
        self.nans = list(map(nan_places, rows))

    def view(self) -> TierView:
        """A picture of now, which later polls leave alone."""
        columns = None if self.columns is None else tuple(self.columns)
        return TierView(columns, list(self.times), list(self.rows), list(self.nans))


def widened(row: array[float] | None, width: int) -> array[float]:
    """A new row of that width with the cells of `row`, and holes behind them."""
    known = row if row is not None else array("d")
    return known + array("d", [ABSENT]) * (width - len(known))
