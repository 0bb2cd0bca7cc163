"""One family of one cluster: a row of cells for each poll, a column for each series.

Rows, not series, are the unit of storage, because that is how samples come and go: a poll adds one array, an old poll
goes with one, all series share the row's timestamp, and a row that equals the one before it (idle queues are the
common case) is the same object. A cell costs 8 bytes, and the series themselves nothing more.

One thread writes. What readers get is a View: an immutable picture of the table after one poll. Rows are never
changed after they are in a view, and columns are only added behind the width that a view knows.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rabbitwatch.model.sample import Row as SampleRow
from rabbitwatch.promql.storage import STALE
from rabbitwatch.promql.window.cells import ABSENT
from rabbitwatch.promql.window.columns import Columns, Interner, Key
from rabbitwatch.promql.window.retention import Retention
from rabbitwatch.promql.window.tier import Tier, TierView, widened

__all__ = ["Table", "TierView", "View"]

_FEW_DEAD = 256


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A table as it was after one poll.

    width: how many columns it knows. alive: the columns that the last poll had. token: the same object for as long as
    the same series live. recent: the last polls, always; tiers: history.
    """

    columns: Columns
    width: int
    alive: frozenset[int]
    token: object
    recent: TierView
    tiers: tuple[TierView, ...]


class Table:
    """The writer's side of one family in one cluster."""

    def __init__(self, name: str, label_names: tuple[str, ...], intern: Interner, retention: Retention) -> None:
        self.columns = Columns(name, label_names, intern)
        self._keys: list[Key] | None = None
        self._places: list[int] | None = None
        self._alive: frozenset[int] = frozenset()
        self._token = object()
        self._died: dict[int, int] = {}
        self._recent = Tier(0, None)
        self._retention = retention
        self._tiers = self._new_tiers()

    @property
    def series(self) -> int:
        """How many series the last poll had."""
        return len(self._alive)

    @property
    def tiers(self) -> Sequence[Tier]:
        """The history, for whoever persists it."""
        return self._tiers

    def cells(self) -> int:
        """How many cells the history occupies."""
        return sum(tier.cells() for tier in self._tiers)

    def ingest(self, at_ms: int, rows: Sequence[SampleRow]) -> None:
        """Take what the poll at `at_ms` says; a series of the poll before that is not in it ends."""
        keys = [key for key, _ in rows]
        steady = keys == self._keys
        if steady and not keys:
            return
        ended: frozenset[int] = frozenset()
        if not steady:
            ended = self._arrange(at_ms, keys)
        values = [value for _, value in rows]
        if self._places is None:
            row = array("d", values)
        else:
            row = array("d", [ABSENT]) * len(self.columns.keys)
            for place, value in zip(self._places, values, strict=True):
                row[place] = value
            for place in ended:
                row[place] = STALE
        self._push(at_ms, row)
        if len(self._died) > max(_FEW_DEAD, len(self._alive)):
            self._compact()

    def expire(self, now_ms: int, slack_ms: int) -> None:
        """Drop history that is older than its span; the slack covers an evaluation that runs late."""
        for tier in self._tiers:
            tier.expire(now_ms - tier.span_ms - slack_ms)

    def drop_until(self, until_ms: int) -> int:
        """Drop all history up to that time, whatever its span; how many cells that freed."""
        return sum(tier.expire(until_ms) for tier in self._tiers)

    def retain(self, retention: Retention) -> None:
        """Keep what is asked for from now on; what is there and still wanted stays."""
        self._retention = retention
        old, self._tiers = self._tiers, self._new_tiers()
        sources = [*old, self._recent]
        for tier in self._tiers:
            twin = next((t for t in old if t.columns == tier.columns), None)
            if twin is not None:
                tier.take_over(twin)
            else:
                tier.refill(sources, len(self.columns.keys))

    def restore(self, pieces: Iterable[tuple[Sequence[Key], Sequence[int], Sequence[array[float]]]]) -> None:
        """Take history of before a restart: keys, times, and for each time a row of the keys' cells.

        Only before the first `ingest`. A series that the first poll does not bring gets no staleness marker: nobody
        knows when it ended.
        """
        placed = [([self._place(key) for key in keys], times, rows) for keys, times, rows in pieces]
        whole: dict[int, array[float]] = {}
        for places, times, rows in placed:
            in_order = places == list(range(len(places)))
            for at_ms, cells in zip(times, rows, strict=True):
                if in_order and at_ms not in whole:
                    whole[at_ms] = cells
                    continue
                row = whole[at_ms] = widened(whole.get(at_ms), len(self.columns.keys))
                for place, value in zip(places, cells, strict=False):
                    row[place] = value
        for at_ms in sorted(whole):
            for tier in self._tiers:
                tier.push(at_ms, whole[at_ms])
        self._died = dict.fromkeys(range(len(self.columns.keys)), max(whole, default=0))

    def view(self) -> View:
        """A picture of now, which later polls leave alone."""
        return View(
            columns=self.columns,
            width=len(self.columns.keys),
            alive=self._alive,
            token=self._token,
            recent=self._recent.view(),
            tiers=tuple(tier.view() for tier in self._tiers),
        )

    def _place(self, key: Key) -> int:
        place = self.columns.index.get(key)
        if place is None:
            place = self.columns.add(key)
            if self._retention.uniform_span(self.columns.name) is None:
                self._assign(place)
        return place

    def _arrange(self, at_ms: int, keys: list[Key]) -> frozenset[int]:
        """Find the columns of the keys, in their order; which columns have ended with this poll."""
        found = list(map(self.columns.index.get, keys))
        places = [self._place(key) if place is None else place for key, place in zip(keys, found, strict=True)]
        stored = self.columns.keys
        # the stored keys are the interned ones: the poll's own strings can go, and comparing finds identical objects
        self._keys = list(map(stored.__getitem__, places))
        self._places = None if places == list(range(len(stored))) else places
        alive = frozenset(places)
        if alive == self._alive:
            return frozenset()
        ended = self._alive - alive
        for place in alive - self._alive:
            self._died.pop(place, None)
        self._died.update(dict.fromkeys(ended, at_ms))
        self._alive = alive
        self._token = object()
        return ended

    def _push(self, at_ms: int, row: array[float]) -> None:
        if self._recent.times and self._recent.times[-1] >= at_ms:
            for tier in [self._recent, *self._tiers]:
                tier.rewind(at_ms)
        self._recent.push(at_ms, row)
        self._recent.expire(at_ms)
        for tier in self._tiers:
            tier.push(at_ms, row)

    def _new_tiers(self) -> list[Tier]:
        span = self._retention.uniform_span(self.columns.name)
        if span is not None:
            return [Tier(span, None)] if span else []
        tiers = {r.span_ms: Tier(r.span_ms, []) for r in self._retention.of_name(self.columns.name) if r.span_ms}
        self._tiers = list(tiers.values())
        for place in range(len(self.columns.keys)):
            self._assign(place)
        return self._tiers

    def _assign(self, place: int) -> None:
        span = self._retention.span(self.columns.label_set(self.columns.keys[place]))
        for tier in self._tiers:
            if tier.span_ms == span and tier.columns is not None:
                tier.columns.append(place)

    def _compact(self) -> None:
        """Forget columns that have no cell left in history: queues that are born and die all day."""
        oldest = min((tier.times[0] for tier in [*self._tiers, self._recent] if tier.times), default=0)
        gone = {place for place, died in self._died.items() if died < oldest}
        if len(gone) <= len(self.columns.keys) // 4:
            return
        width = len(self.columns.keys)
        self.columns = self.columns.without(gone)
        moved = {old: new for new, old in enumerate(c for c in range(width) if c not in gone)}
        for tier in [*self._tiers, self._recent]:
            tier.renumber(moved)
        self._alive = frozenset(moved[c] for c in self._alive)
        self._died = {moved[c]: at for c, at in self._died.items() if c in moved}
        self._token = object()
        self._keys = None
