"""The window: the samples of the last poll, and as much history as somebody asks for, in bounded memory.

Writing (`ingest`, `append`, `retain`, `restore`) takes a lock that is held for milliseconds. Reading takes none:
`snapshot()` is one attribute read, and what it refers to is never changed (see table.py and derived.py for how). So a
query of seconds holds nobody up, and sees one state of the polled series from its beginning to its end.

Memory. History costs 8 bytes a sample, less where values stand still; `budget` bounds its samples. What loaded rules
ask for is checked against it by `check` before they are taken. When series multiply at run time the oldest history of
all families goes first, said in one log line and in `Stats`; the last two polls always stay.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from rabbitwatch.model.sample import Block, Family
from rabbitwatch.model.sample import Row as SampleRow
from rabbitwatch.promql.labels import LabelSet, Matchers
from rabbitwatch.promql.storage import Block as SeriesBlock
from rabbitwatch.promql.storage import Latest, Series
from rabbitwatch.promql.window.columns import Interner
from rabbitwatch.promql.window.derived import Tracks
from rabbitwatch.promql.window.history import Marks, RuleStretch, Stretch, stretches
from rabbitwatch.promql.window.retention import BYTES_PER_SAMPLE, DEFAULT_BUDGET, Requirement, Retention, check_fits
from rabbitwatch.promql.window.snapshot import Plans, Snapshot
from rabbitwatch.promql.window.table import Table, View

_SHRINK_TO = 0.9
_FEW_KEYS = 10_000
_FOREVER = 1 << 62

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stats:
    """What the window holds. series: of the last polls and of rules; samples: of history, and bytes the memory they
    take; budget: the bound on samples; dropped: samples that the bound has cost since the start; whole_since_ms:
    history before this time is incomplete because of the bound, 0 when it never was."""

    series: int
    samples: int
    budget: int
    dropped: int
    whole_since_ms: int

    @property
    def bytes(self) -> int:
        """What the history's samples take, in bytes."""
        return self.samples * BYTES_PER_SAMPLE


class Window:
    """Implements promql.storage.Storage and BlockStorage, and alerting.ports.Appender.

    interval_ms: between polls. expected_series: how many series a requirement concerns, asked before the first poll
    has shown it.
    """

    def __init__(
        self,
        *,
        interval_ms: int = 15_000,
        budget: int = DEFAULT_BUDGET,
        expected_series: Callable[[Requirement], int] = lambda _requirement: 1000,
    ) -> None:
        self._interval_ms = interval_ms
        self._budget = budget
        self._expected_series = expected_series
        self._lock = threading.RLock()
        self._retention = Retention()
        self._interner = Interner()
        self._interned = 0
        self._tables: dict[tuple[str, str], Table] = {}
        self._families: dict[str, Family] = {}
        self._tracks = Tracks(self._retention)
        self._plans = Plans()
        self._snapshot = Snapshot({}, self._tracks, self._plans)
        self._dropped = 0
        self._whole_since_ms = 0
        self._shrinking = False

    # -- writing

    def ingest(self, at_ms: int, blocks: Iterable[Block], scope: str) -> None:
        """Take all that one poll says about `scope`: a cluster's name, or "" for the agent's own families.

        Every row must belong to the scope: a series of its previous poll that is not among the rows has ended, and
        series of other scopes are left alone. When the clock was set back, what is stored of the time that is now
        lived again is dropped.
        """
        rows: dict[str, list[Sequence[SampleRow]]] = {}
        with self._lock:
            self._tracks.rewind(at_ms)
            for block in blocks:
                name = block.family.name
                self._families[name] = block.family
                rows.setdefault(name, []).append(block.rows)
                table = self._tables.get((scope, name))
                if table is None or table.columns.label_names != block.family.labels:
                    self._tables[scope, name] = self._new_table(name, block.family.labels)
            for (owner, name), table in self._tables.items():
                if owner == scope:
                    parts = rows.get(name, ())
                    table.ingest(at_ms, parts[0] if len(parts) == 1 else [row for part in parts for row in part])
                    table.expire(at_ms, 2 * self._interval_ms)
            self._tracks.expire(at_ms, 2 * self._interval_ms)
            self._forget_the_dead()
            self._shrink()
            self._publish()

    def append(self, labels: LabelSet, timestamp_ms: int, value: float) -> None:
        """Add a sample that a rule made; seen at once. One at or before the series' newest is dropped."""
        with self._lock:
            self._tracks.append(labels, timestamp_ms, value)

    def retain(self, requirements: Iterable[Requirement]) -> None:
        """Keep this history from now on, and no other; what is there and still asked for stays."""
        with self._lock:
            self._retention = Retention(requirements)
            self._tracks.retain(self._retention)
            for table in self._tables.values():
                table.retain(self._retention)
            self._publish()

    def check(self, requirements: Iterable[Requirement]) -> None:
        """Refuse what cannot be held: RuleError naming who asks, what it needs and what there is.

        Judged by the series that match now, or by `expected_series` for metrics that no poll has shown yet.
        """
        check_fits(list(requirements), self._count, self._interval_ms, self._budget)

    def restore(self, kept: Iterable[Stretch], rules: Iterable[RuleStretch] = ()) -> None:
        """Take history of before a restart, as far as it is still asked for: after `retain`, before any `ingest`."""
        pieces: dict[tuple[str, str, tuple[str, ...]], list[Stretch]] = {}
        for stretch in kept:
            pieces.setdefault((stretch.scope, stretch.family, stretch.label_names), []).append(stretch)
        with self._lock:
            for (scope, name, label_names), parts in pieces.items():
                if self._retention.of_name(name):
                    table = self._tables[scope, name] = self._new_table(name, label_names)
                    table.restore((part.keys, part.times, part.rows) for part in parts)
            for rule in rules:
                self._tracks.restore(rule.labels, rule.times, rule.values)
            self._shrink()
            self._publish()

    # -- reading

    def snapshot(self) -> Snapshot:
        """The window as it is now; later polls do not change it."""
        return self._snapshot

    def select(self, matchers: Matchers, start_ms: int, end_ms: int) -> Sequence[Series]:
        """See Storage; each call reads the newest state."""
        return self._snapshot.select(matchers, start_ms, end_ms)

    def blocks(self, matchers: Matchers, start_ms: int, end_ms: int) -> tuple[Sequence[SeriesBlock], Sequence[Series]]:
        """See BlockStorage; each call reads the newest state."""
        return self._snapshot.blocks(matchers, start_ms, end_ms)

    def latest(self, matchers: Matchers, at_ms: int, lookback_ms: int) -> Latest:
        """See Storage; each call reads the newest state."""
        return self._snapshot.latest(matchers, at_ms, lookback_ms)

    def newer_than(self, marks: Marks) -> Iterator[Stretch]:
        """The history of polls that is newer than the marks; without a mark, all of it."""
        with self._lock:
            views = {key: table.view() for key, table in self._tables.items()}
        for (scope, name), view in views.items():
            yield from stretches(scope, view, marks.get((scope, name), -1))

    def rules_newer_than(self, mark_ms: int) -> Iterator[RuleStretch]:
        """The kept samples of rules that are newer than the mark, of series whose history is asked for."""
        for track in self._tracks.all():
            strip = track.between(mark_ms, _FOREVER) if track.span_ms else None
            if strip is not None:
                yield RuleStretch(track.labels, array("q", strip.timestamps), array("d", strip.values))

    def span_of(self, name: str) -> int:
        """How far back history of that metric is kept, of the longest-kept of its series, in ms; 0: it is not."""
        found = self._retention.of_name(name)
        return found[0].span_ms if found else 0

    def families(self) -> dict[str, Family]:
        """The families that polls have brought, by name."""
        with self._lock:
            return dict(self._families)

    def stats(self) -> Stats:
        """What the window holds now."""
        with self._lock:
            series = sum(table.series for table in self._tables.values()) + sum(1 for _ in self._tracks.all())
            return Stats(series, self._samples(), self._budget, self._dropped, self._whole_since_ms)

    # -- inside, with the lock held

    def _new_table(self, name: str, label_names: tuple[str, ...]) -> Table:
        return Table(name, label_names, self._interner, self._retention)

    def _forget_the_dead(self) -> None:
        self._tables = {key: table for key, table in self._tables.items() if table.series or table.cells()}
        if len(self._interner) > max(_FEW_KEYS, 2 * self._interned):
            held = [table.columns for table in self._tables.values()]
            self._interner.keep_only(key for columns in held for key in columns.interned())
            self._interned = len(self._interner)

    def _publish(self) -> None:
        views: dict[str, list[View]] = {}
        for (_, name), table in self._tables.items():
            views.setdefault(name, []).append(table.view())
        self._snapshot = Snapshot({n: tuple(v) for n, v in views.items()}, self._tracks, self._plans)

    def _samples(self) -> int:
        return sum(table.cells() for table in self._tables.values()) + self._tracks.samples()

    def _count(self, requirement: Requirement) -> int:
        snapshot = self._snapshot
        views, tracks = snapshot.views(requirement.matchers), snapshot.tracks(requirement.matchers)
        if not views and not tracks:
            return self._expected_series(requirement)
        found = [view.columns.matching(requirement.matchers, view.width) for view in views]
        return len(tracks) + sum(v.width if f is None else len(f) for v, f in zip(views, found, strict=True))

    def _shrink(self) -> None:
        held = self._samples()
        if held <= self._budget:
            self._shrinking = False
            return
        until_ms = self._age_to_free(held - int(_SHRINK_TO * self._budget))
        freed = sum(table.drop_until(until_ms) for table in self._tables.values())
        self._tracks.drop_until(until_ms)
        self._dropped += freed
        self._whole_since_ms = max(self._whole_since_ms, until_ms)
        if not self._shrinking:
            self._shrinking = True
            _log.warning(
                "the window is full: its oldest history goes, rules over long ranges see less than they ask for",
                samples=held,
                bound=self._budget,
                dropped=freed,
            )

    def _age_to_free(self, wanted: int) -> int:
        """The time up to which all history must go so that about `wanted` cells are freed."""
        ages: list[tuple[int, int]] = []
        for table in self._tables.values():
            for tier in table.tiers:
                rows = tier.rows
                ages.extend(
                    (at, len(row))
                    for i, (at, row) in enumerate(zip(tier.times, rows, strict=True))
                    if i + 1 == len(rows) or row is not rows[i + 1]
                )
        freed = 0
        for at, cells in sorted(ages):
            freed += cells
            if freed >= wanted:
                return at
        return max((at for at, _ in ages), default=0)
