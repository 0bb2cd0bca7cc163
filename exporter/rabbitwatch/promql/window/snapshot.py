"""The window as it was after one poll: what queries read, without a lock.

A query that takes one snapshot sees one state of all polled series, however many polls come in while it runs. Only the
samples that rules append go on growing behind it, and those carry their own times.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import METRIC_NAME, LabelSet, Matchers, MatchOp
from rabbitwatch.promql.storage import EMPTY, Block, Latest, Series
from rabbitwatch.promql.window.derived import Track, Tracks
from rabbitwatch.promql.window.reading import blocks, latest_of_history, newest_row, strips
from rabbitwatch.promql.window.table import View

_REMEMBERED_PLANS = 1024


class _Plan(NamedTuple):
    """How the answer to one selector is put together, as long as the same series live.

    tokens: of the tables it was made from; picks: their columns, None for all; tracks: the live series of rules.
    rows: what `latest` was made from.
    """

    tokens: tuple[object, ...]
    picks: tuple[list[int] | None, ...]
    tracks: list[Track]
    column: LabelColumn
    rows: tuple[tuple[int, array[float]], ...] = ()
    latest: Latest = EMPTY


class Plans:
    """Plans by selector, shared by all snapshots of a window; threads may race, the loser's plan is lost."""

    def __init__(self) -> None:
        self._plans: dict[Matchers, _Plan] = {}

    def get(self, matchers: Matchers) -> _Plan | None:
        """The plan that was made last for this selector."""
        return self._plans.get(matchers)

    def put(self, matchers: Matchers, plan: _Plan) -> None:
        """Remember it; ad-hoc queries cannot fill the memory."""
        if len(self._plans) >= _REMEMBERED_PLANS and matchers not in self._plans:
            self._plans = {}
        self._plans[matchers] = plan


class Snapshot:
    """Implements promql.storage.Storage and BlockStorage. views: by metric name, one a cluster that has the family."""

    def __init__(self, views: Mapping[str, tuple[View, ...]], tracks: Tracks, plans: Plans) -> None:
        self._views = views
        self._tracks = tracks
        self._plans = plans

    def names(self) -> list[str]:
        """The metric names, sorted."""
        return sorted({*self._views, *self._tracks.names()})

    def views(self, matchers: Matchers) -> list[View]:
        """The tables that the selector's `__name__` matchers let through."""
        return [view for name in self._named(matchers, self._views) for view in self._views[name]]

    def tracks(self, matchers: Matchers) -> list[Track]:
        """The series of rules that satisfy the matchers."""
        names = self._named(matchers, self._tracks.names())
        return [track for name in names for track in self._tracks.matching(name, matchers)]

    def select(self, matchers: Matchers, start_ms: int, end_ms: int) -> Sequence[Series]:
        """See Storage."""
        found: list[Series] = []
        for view in self.views(matchers):
            found.extend(strips(view, matchers, start_ms, end_ms))
        for track in self.tracks(matchers):
            strip = track.between(start_ms, end_ms)
            if strip is not None:
                found.append(strip)
        return found

    def blocks(self, matchers: Matchers, start_ms: int, end_ms: int) -> tuple[Sequence[Block], Sequence[Series]]:
        """See BlockStorage."""
        found: list[Block] = []
        others: list[Series] = []
        for view in self.views(matchers):
            whole, rest = blocks(view, matchers, start_ms, end_ms)
            found.extend(whole)
            others.extend(rest)
        for track in self.tracks(matchers):
            strip = track.between(start_ms, end_ms)
            if strip is not None:
                others.append(strip)
        return found, others

    def latest(self, matchers: Matchers, at_ms: int, lookback_ms: int) -> Latest:
        """See Storage. The column is the same object for as long as the same series answer."""
        views: list[View] = []
        rows: list[tuple[int, array[float]]] = []
        for view in self.views(matchers):
            newest = newest_row(view, at_ms)
            if newest is None or newest[1] is not view.recent.rows[-1] or newest[0] != view.recent.times[-1]:
                return self._past(matchers, at_ms, lookback_ms)
            if newest[0] > at_ms - lookback_ms:
                views.append(view)
                rows.append(newest)
        samples = [(t, s) for t in self.tracks(matchers) if (s := t.newest(at_ms, lookback_ms)) is not None]
        return self._assemble(matchers, views, tuple(rows), samples)

    def _assemble(
        self,
        matchers: Matchers,
        views: list[View],
        rows: tuple[tuple[int, array[float]], ...],
        samples: list[tuple[Track, tuple[int, float]]],
    ) -> Latest:
        tokens = tuple([view.token for view in views])
        tracks = [track for track, _ in samples]
        plan = self._plans.get(matchers)
        if plan is None or plan.tokens != tokens or plan.tracks != tracks:
            plan = _plan(matchers, tokens, views, tracks, plan.column if plan is not None else LabelColumn([]))
        elif not samples and _same(plan.rows, rows):
            return plan.latest
        latest = _filled(plan, rows, [sample for _, sample in samples])
        self._plans.put(matchers, plan._replace(rows=rows, latest=latest))
        return latest

    def _past(self, matchers: Matchers, at_ms: int, lookback_ms: int) -> Latest:
        parts = [latest_of_history(view, matchers, at_ms, lookback_ms) for view in self.views(matchers)]
        sets = [labels for part in parts for labels in part.labels]
        values = [value for part in parts for value in part.values]
        times = [at for part in parts if not isinstance(part.timestamps, int) for at in part.timestamps]
        for track in self.tracks(matchers):
            newest = track.newest(at_ms, lookback_ms)
            if newest is not None:
                sets.append(track.labels)
                times.append(newest[0])
                values.append(newest[1])
        return Latest(LabelColumn(sets), values, times)

    @staticmethod
    def _named(matchers: Matchers, names: Iterable[str]) -> list[str]:
        of_name = [m for m in matchers if m.name == METRIC_NAME]
        for matcher in of_name:
            if matcher.op is MatchOp.EQUAL:
                names = (matcher.value,) if matcher.value in names else ()
        return [name for name in names if all(m.matches(name) for m in of_name)]


def _plan(
    matchers: Matchers, tokens: tuple[object, ...], views: list[View], tracks: list[Track], last: LabelColumn
) -> _Plan:
    """last: the column of the plan that this one replaces."""
    picks: list[list[int] | None] = []
    sets: list[LabelSet] = []
    for view in views:
        pick = _pick(view, matchers)
        labels = view.columns.labels(view.width)
        picks.append(pick)
        sets.extend(labels[: view.width] if pick is None else [labels[c] for c in pick])
    sets.extend(track.labels for track in tracks)
    return _Plan(tokens, tuple(picks), tracks, last.followed_by(sets))


def _pick(view: View, matchers: Matchers) -> list[int] | None:
    wanted = view.columns.matching(matchers, view.width)
    if len(view.alive) == view.width:
        return wanted
    return sorted(view.alive) if wanted is None else [c for c in wanted if c in view.alive]


def _same(one: tuple[tuple[int, array[float]], ...], other: tuple[tuple[int, array[float]], ...]) -> bool:
    return len(one) == len(other) and all(a[0] == b[0] and a[1] is b[1] for a, b in zip(one, other, strict=True))


def _filled(plan: _Plan, rows: tuple[tuple[int, array[float]], ...], samples: list[tuple[int, float]]) -> Latest:
    if not plan.column:
        return Latest(plan.column, [], [])
    parts = [_picked(row, pick) for (_, row), pick in zip(rows, plan.picks, strict=True)]
    counts = [len(part) for part in parts]
    distinct = {at for at, _ in rows} | {at for at, _ in samples}
    values: Sequence[float]
    if len(parts) == 1 and not samples:
        values = parts[0]
    else:
        values = [value for part in parts for value in part]
        values.extend(value for _, value in samples)
    if len(distinct) == 1:
        return Latest(plan.column, values, distinct.pop())
    times = [at for (at, _), count in zip(rows, counts, strict=True) for _ in range(count)]
    times.extend(at for at, _ in samples)
    return Latest(plan.column, values, times)


def _picked(row: array[float], pick: list[int] | None) -> Sequence[float]:
    if pick is None:
        return row
    if len(pick) < 2:
        return [row[c] for c in pick]
    cells: tuple[float, ...] = itemgetter(*pick)(row)
    return cells
