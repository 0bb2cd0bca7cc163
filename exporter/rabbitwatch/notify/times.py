"""Whether a moment lies in a named time interval, as Alertmanager's `timeinterval` package decides it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rabbitwatch.config.intervals import Span, TimeIntervalConfig, TimeIntervalSpec, parse_location
from rabbitwatch.config.models import Config


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """A named interval; inside any of its specifications is inside."""

    name: str
    specs: tuple[TimeIntervalSpec, ...]

    def contains(self, at: float) -> bool:
        """Whether this moment, in seconds since the epoch, is inside."""
        return any(_inside(spec, at) for spec in self.specs)


class TimeIntervals:
    """All that a configuration names."""

    def __init__(self, configs: Iterable[TimeIntervalConfig]) -> None:
        self._named: Mapping[str, TimeInterval] = {
            config.name: TimeInterval(config.name, config.time_intervals) for config in configs
        }

    @classmethod
    def of(cls, config: Config) -> TimeIntervals:
        """From a configuration that loading has checked."""
        return cls(config.time_intervals)

    def containing(self, names: Iterable[str], at: float) -> Sequence[str]:
        """Those of `names` in which this moment lies. KeyError for a name that the configuration lacks, which
        loading has refused."""
        return [name for name in names if self._named[name].contains(at)]


def _inside(spec: TimeIntervalSpec, at: float) -> bool:
    zone = parse_location(spec.location)
    moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    minute = moment.hour * 60 + moment.minute
    if spec.times and not any(each.start_time <= minute < each.end_time for each in spec.times):
        return False
    if spec.days_of_month and not any(_has_day(span, moment) for span in spec.days_of_month):
        return False
    sunday_first = moment.isoweekday() % 7
    return all(
        not spans or any(number in span for span in spans)
        for spans, number in ((spec.months, moment.month), (spec.weekdays, sunday_first), (spec.years, moment.year))
    )


def _has_day(span: Span, moment: datetime) -> bool:
    """A day before the month's first counts as the first, one after its last as the last; so a range that begins after
    the month's end is empty."""
    length = monthrange(moment.year, moment.month)[1]
    first, last = (day if day > 0 else length + day + 1 for day in (span.first, span.last))
    return max(first, 1) <= moment.day <= min(last, length)
