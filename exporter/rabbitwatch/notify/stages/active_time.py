"""Lets a route speak only within its active_time_intervals; one without any may always."""

from __future__ import annotations

from dataclasses import replace

from rabbitwatch.notify.stages.stage import Flush
from rabbitwatch.notify.times import TimeIntervals


class ActiveTime:
    """intervals: all that the configuration names."""

    def __init__(self, intervals: TimeIntervals) -> None:
        self._intervals = intervals

    def __call__(self, flush: Flush) -> Flush:
        """See Stage."""
        names = flush.route.active_time_intervals
        if not names or self._intervals.containing(names, flush.now):
            return flush
        return replace(flush, alerts=())
