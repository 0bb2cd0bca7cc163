"""Fields and methods: what stands behind a dot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import MAXYEAR, timedelta

from rabbitwatch.alerting.templates.gotime import SECOND, Duration, Month, Time, Weekday
from rabbitwatch.alerting.templates.literals import INT_MAX, INT_MIN
from rabbitwatch.alerting.templates.signatures import Signature
from rabbitwatch.alerting.templates.values import CallFailed, GoType, Int64

_ZERO_TIME = -62_135_596_800 * SECOND  # the first of January of the year 1, Go's zero Time


def _add(time: Time, duration: Duration) -> Time:
    return Time(time.nanoseconds + duration.nanoseconds)


def _sub(time: Time, other: Time) -> Duration:
    return Duration(max(INT_MIN, min(INT_MAX, time.nanoseconds - other.nanoseconds)))


def _add_date(time: Time, years: int, months: int, days: int) -> Time:
    """Go's AddDate: what overflows a month runs on into the next (31 January + 1 month is 3 March)."""
    start = time.civil
    months_on = start.month - 1 + months
    year = start.year + years + months_on // 12
    if not 1 <= year <= MAXYEAR or abs(days) > 4_000_000:
        raise CallFailed("the year is out of range")
    try:
        moved = start.replace(year=year, month=months_on % 12 + 1, day=1) + timedelta(days=start.day - 1 + days)
    except OverflowError:
        raise CallFailed("the year is out of range") from None
    return Time(time.nanoseconds + ((moved - start) // timedelta(seconds=1)) * SECOND)


def _truncate_time(time: Time, step: Duration) -> Time:
    if step.nanoseconds <= 0:
        return time
    return Time(time.nanoseconds - (time.nanoseconds - _ZERO_TIME) % step.nanoseconds)


def _round_time(time: Time, step: Duration) -> Time:
    if step.nanoseconds <= 0:
        return time
    rest = (time.nanoseconds - _ZERO_TIME) % step.nanoseconds
    return Time(time.nanoseconds - rest + (step.nanoseconds if 2 * rest >= step.nanoseconds else 0))


def _truncate(duration: Duration, step: Duration) -> Duration:
    if step.nanoseconds <= 0:
        return Duration(duration.nanoseconds)
    whole = abs(duration.nanoseconds) // step.nanoseconds * step.nanoseconds
    return Duration(whole if duration.nanoseconds >= 0 else -whole)


def _round(duration: Duration, step: Duration) -> Duration:
    """Halves away from zero."""
    if step.nanoseconds <= 0:
        return Duration(duration.nanoseconds)
    whole = (2 * abs(duration.nanoseconds) + step.nanoseconds) // (2 * step.nanoseconds) * step.nanoseconds
    return Duration(whole if duration.nanoseconds >= 0 else -whole)


def _table(*methods: Signature) -> Mapping[str, Signature]:
    return {method.name: replace(method, method=True) for method in methods}


_STRING, _BOOL, _INT, _INT64, _FLOAT = GoType.STRING, GoType.BOOL, GoType.INT, GoType.INT64, GoType.FLOAT
_TIME, _DURATION = GoType.TIME, GoType.DURATION

_TIME_METHODS = _table(
    Signature("Format", (_STRING,), _STRING, lambda t, layout: t.format(layout)),
    Signature("String", (), _STRING, lambda t: t.string()),
    Signature("Unix", (), _INT64, lambda t: Int64(t.nanoseconds // SECOND)),
    Signature("UnixMilli", (), _INT64, lambda t: Int64(t.nanoseconds // 1_000_000)),
    Signature("UnixMicro", (), _INT64, lambda t: Int64(t.nanoseconds // 1_000)),
    Signature("UnixNano", (), _INT64, lambda t: Int64(t.nanoseconds)),
    Signature("Year", (), _INT, lambda t: t.civil.year),
    Signature("Month", (), GoType.MONTH, lambda t: Month(t.civil.month)),
    Signature("Day", (), _INT, lambda t: t.civil.day),
    Signature("Hour", (), _INT, lambda t: t.civil.hour),
    Signature("Minute", (), _INT, lambda t: t.civil.minute),
    Signature("Second", (), _INT, lambda t: t.civil.second),
    Signature("Nanosecond", (), _INT, lambda t: t.fraction),
    Signature("YearDay", (), _INT, lambda t: t.civil.timetuple().tm_yday),
    Signature("Weekday", (), GoType.WEEKDAY, lambda t: Weekday(t.civil.isoweekday() % 7)),
    Signature("UTC", (), _TIME, lambda t: t),
    Signature("IsZero", (), _BOOL, lambda t: t.nanoseconds == _ZERO_TIME),
    Signature("Add", (_DURATION,), _TIME, _add),
    Signature("AddDate", (_INT, _INT, _INT), _TIME, _add_date),
    Signature("Sub", (_TIME,), _DURATION, _sub),
    Signature("Before", (_TIME,), _BOOL, lambda t, u: t.nanoseconds < u.nanoseconds),
    Signature("After", (_TIME,), _BOOL, lambda t, u: t.nanoseconds > u.nanoseconds),
    Signature("Equal", (_TIME,), _BOOL, lambda t, u: t.nanoseconds == u.nanoseconds),
    Signature("Truncate", (_DURATION,), _TIME, _truncate_time),
    Signature("Round", (_DURATION,), _TIME, _round_time),
)

_DURATION_METHODS = _table(
    Signature("String", (), _STRING, lambda d: d.string()),
    Signature("Hours", (), _FLOAT, lambda d: d.nanoseconds / (3600 * SECOND)),
    Signature("Minutes", (), _FLOAT, lambda d: d.nanoseconds / (60 * SECOND)),
    Signature("Seconds", (), _FLOAT, lambda d: d.nanoseconds / SECOND),
    Signature("Milliseconds", (), _INT64, lambda d: Int64(_truncate(d, Duration(1_000_000)).nanoseconds // 1_000_000)),
    Signature("Microseconds", (), _INT64, lambda d: Int64(_truncate(d, Duration(1_000)).nanoseconds // 1_000)),
    Signature("Nanoseconds", (), _INT64, lambda d: Int64(d.nanoseconds)),
    Signature("Abs", (), _DURATION, lambda d: Duration(abs(d.nanoseconds))),
    Signature("Truncate", (_DURATION,), _DURATION, _truncate),
    Signature("Round", (_DURATION,), _DURATION, _round),
)

_NAME_METHODS = _table(Signature("String", (), _STRING, lambda name: name.string()))

METHODS: Mapping[GoType, Mapping[str, Signature]] = {
    GoType.TIME: _TIME_METHODS,
    GoType.DURATION: _DURATION_METHODS,
    GoType.DURATION_POINTER: _DURATION_METHODS,
    GoType.MONTH: _NAME_METHODS,
    GoType.WEEKDAY: _NAME_METHODS,
}
"""By the receiver's type; a method's call takes the receiver first."""

FIELDS: Mapping[GoType, Mapping[str, GoType]] = {
    GoType.DATA: {
        "Labels": GoType.LABELS,
        "ExternalLabels": GoType.LABELS,
        "ExternalURL": GoType.STRING,
        "Value": GoType.FLOAT,
    },
    GoType.SAMPLE: {"Labels": GoType.LABELS, "Value": GoType.FLOAT},
}
"""The fields of the structs."""
