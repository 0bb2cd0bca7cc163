"""Keeps a route quiet within its mute_time_intervals."""

from __future__ import annotations

from dataclasses import replace

from rabbitwatch.notify.stages.stage import Flush
from rabbitwatch.notify.times import TimeIntervals


class MuteTime:
    """intervals: all that the configuration names."""

    def __init__(self, intervals: TimeIntervals) -> None:
        self._intervals = intervals

    def __call__(self, flush: Flush) -> Flush:
        """See Stage."""
        if self._intervals.containing(flush.route.mute_time_intervals, flush.now):
            return replace(flush, alerts=())
        return flush
