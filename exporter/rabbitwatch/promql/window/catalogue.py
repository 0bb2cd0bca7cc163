"""Which series, label names and label values there are, for completion and variables rather than for their samples.

Names and values without a selector are those of the series that the last polls had and of kept history: as in the head
of a Prometheus, they are not cut to the millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rabbitwatch.promql.labels import METRIC_NAME, LabelSet, Matcher, Matchers, MatchOp
from rabbitwatch.promql.window.snapshot import Snapshot
from rabbitwatch.promql.window.table import View

_ANY: Matchers = (Matcher(MatchOp.NOT_EQUAL, METRIC_NAME, ""),)


def series(snapshot: Snapshot, selectors: Sequence[Matchers], start_ms: int, end_ms: int) -> list[LabelSet]:
    """The series that satisfy one of the selectors and have a sample in [start, end]; sorted, each once."""
    found: dict[LabelSet, None] = {}
    for matchers in selectors:
        for one in snapshot.select(matchers, start_ms - 1, end_ms):
            found[one.labels] = None
    return sorted(found)


def label_names(snapshot: Snapshot, selectors: Sequence[Matchers], start_ms: int, end_ms: int) -> list[str]:
    """The label names of those series, sorted; without selectors, of all."""
    found: set[str] = set()
    if selectors:
        shapes = {one.names for one in series(snapshot, selectors, start_ms, end_ms)}
        found.update(name for names in shapes for name in names)
        return sorted(found | ({METRIC_NAME} if shapes else set()))
    for view in _between(snapshot, start_ms, end_ms):
        found.update((METRIC_NAME, *view.columns.label_names))
    for track in snapshot.tracks(_ANY):
        found.update((METRIC_NAME, *track.labels.names))
    return sorted(found)


def label_values(snapshot: Snapshot, name: str, selectors: Sequence[Matchers], start_ms: int, end_ms: int) -> list[str]:
    """The values of one label among those series, sorted; without selectors, among all."""
    found: set[str] = set()
    if selectors:
        found.update(one.get(name) for one in series(snapshot, selectors, start_ms, end_ms))
    else:
        for view in _between(snapshot, start_ms, end_ms):
            found.update(_values(view, name))
        found.update(track.labels.get(name) for track in snapshot.tracks(_ANY))
    return sorted(found - {""})


def _between(snapshot: Snapshot, start_ms: int, end_ms: int) -> Iterator[View]:
    for view in snapshot.views(_ANY):
        times = view.recent.times
        if times and times[-1] >= start_ms and min(t.times[0] for t in (view.recent, *view.tiers) if t.times) <= end_ms:
            yield view


def _values(view: View, name: str) -> Iterable[str]:
    if name == METRIC_NAME:
        return (view.columns.name,) if view.alive or view.tiers else ()
    if name not in view.columns.label_names:
        return ()
    at = view.columns.label_names.index(name)
    keys = view.columns.keys
    return {keys[c][at] for c in (range(view.width) if view.tiers else view.alive)}
