"""The samples that rules make: recording rules' results, ALERTS and ALERTS_FOR_STATE. Arrays per series.

Rules append one sample at a time, at the times of their own groups, so rows shared by series would be full of holes.
One thread appends while others read. An array only grows in place, value before timestamp, and a reader takes its
length from the timestamps; trimming makes new arrays and swaps them in.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from rabbitwatch.promql.labels import LabelSet, Matchers
from rabbitwatch.promql.storage import is_stale
from rabbitwatch.promql.window.reading import Strip
from rabbitwatch.promql.window.retention import Retention

Data = tuple["array[int]", "array[float]"]

_KEPT = 2
_AHEAD_MS = 120_000
"""Clusters are polled at different times, so a poll's time may lie a little before an evaluation that is past."""
_TRIM_FROM = 16


class Track:
    """One series that a rule makes."""

    __slots__ = ("data", "labels", "span_ms")

    def __init__(self, labels: LabelSet, span_ms: int) -> None:
        self.labels = labels
        self.span_ms = span_ms
        self.data: Data = (array("q"), array("d"))

    def append(self, at_ms: int, value: float) -> bool:
        """Add the newest sample; one at or before the newest is dropped, and False returned."""
        times, values = self.data
        if times and at_ms <= times[-1]:
            return False
        values.append(value)
        times.append(at_ms)
        return True

    def trim(self, until_ms: int) -> None:
        """Drop the samples at or before that time, the newest two aside, once they are a third of all."""
        times, values = self.data
        count = min(bisect_right(times, until_ms), len(times) - _KEPT)
        if count >= max(_TRIM_FROM, len(times) // 3):
            self.data = (times[count:], values[count:])

    def rewind(self, at_ms: int) -> None:
        """Drop the samples after that time."""
        times, values = self.data
        if times and times[-1] > at_ms:
            count = bisect_right(times, at_ms)
            self.data = (times[:count], values[:count])

    def between(self, start_ms: int, end_ms: int) -> Strip | None:
        """Its samples in (start, end], if there are any."""
        times, values = self.data
        low, high = bisect_right(times, start_ms), bisect_right(times, end_ms)
        return Strip(self.labels, times[low:high], values[low:high]) if low < high else None

    def newest(self, at_ms: int, lookback_ms: int) -> tuple[int, float] | None:
        """The newest sample in (at - lookback, at] unless it is the staleness marker."""
        times, values = self.data
        last = len(times) - 1
        while last >= 0 and times[last] > at_ms:
            last -= 1
        if last < 0 or times[last] <= at_ms - lookback_ms or is_stale(values[last]):
            return None
        return times[last], values[last]

    def ended_before(self, at_ms: int) -> bool:
        """Whether nothing of it is of interest any more."""
        times, _ = self.data
        return not times or times[-1] <= at_ms - self.span_ms


class Tracks:
    """All series that rules make, by metric name. Writers hold the window's lock."""

    def __init__(self, retention: Retention) -> None:
        self._by_name: dict[str, dict[LabelSet, Track]] = {}
        self._retention = retention

    def append(self, labels: LabelSet, at_ms: int, value: float) -> bool:
        """Add a sample; the series is made where there is none."""
        family = self._by_name.get(labels.name)
        if family is None:
            family = self._by_name[labels.name] = {}
        track = family.get(labels)
        if track is None:
            track = family[labels] = Track(labels, self._retention.span(labels))
        return track.append(at_ms, value)

    def restore(self, labels: LabelSet, times: array[int], values: array[float]) -> None:
        """Take the samples of before a restart, unless nobody asks for them any more."""
        if not self._retention.span(labels):
            return
        track = self._by_name.setdefault(labels.name, {}).setdefault(
            labels, Track(labels, self._retention.span(labels))
        )
        track.data = (times, values)

    def retain(self, retention: Retention) -> None:
        """Keep what is asked for from now on."""
        self._retention = retention
        for track in self.all():
            track.span_ms = retention.span(track.labels)

    def expire(self, now_ms: int, slack_ms: int) -> None:
        """Drop samples older than their span, and series that ended that long ago."""
        for name, family in list(self._by_name.items()):
            dead = {labels for labels, track in family.items() if track.ended_before(now_ms - slack_ms)}
            if dead:
                rest = {labels: track for labels, track in family.items() if labels not in dead}
                self._by_name = {**self._by_name, name: rest}
            for track in family.values():
                track.trim(now_ms - track.span_ms - slack_ms)
        self._by_name = {name: family for name, family in self._by_name.items() if family}

    def drop_until(self, until_ms: int) -> None:
        """Drop all samples up to that time, whatever their span."""
        for track in self.all():
            track.trim(until_ms)

    def rewind(self, at_ms: int) -> None:
        """Drop the samples that lie far ahead of the clock: it was set back."""
        for track in self.all():
            track.rewind(at_ms + _AHEAD_MS)

    def all(self) -> Iterator[Track]:
        """Every series; safe while another thread appends."""
        for family in list(self._by_name.values()):
            yield from list(family.values())

    def names(self) -> list[str]:
        """The metric names that have series."""
        return list(self._by_name)

    def matching(self, name: str, matchers: Matchers) -> list[Track]:
        """The series of one metric that satisfy the matchers; safe while another thread appends."""
        return [t for t in list(self._by_name.get(name, {}).values()) if all(m.accepts(t.labels) for m in matchers)]

    def samples(self) -> int:
        """How many samples are held."""
        return sum(len(track.data[0]) for track in self.all())
