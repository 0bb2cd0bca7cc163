"""Time intervals as a file spells them, read into numbers: Alertmanager's `time_intervals` section.

Spelling and refusals are Alertmanager's (its docs/configuration.md, "Time intervals"): names in full and in any case,
ranges with a colon that include both ends, minutes whose end is excluded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.strict import Strict

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
LOCAL = "Local"
"""The location that means the time zone of this machine."""

_SHORTEST_MONTH = 28
_LONGEST_MONTH = 31
_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9]))|(?:(24):(00))", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """From first to last, both included."""

    first: int
    last: int

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last


def parse_weekdays(text: object) -> Span:
    """`monday` or `monday:friday`; Sunday is 0 and begins the week, whose end a range must not cross."""
    span = _span(text, _named(DAYS, first=0), "weekday", "monday or monday:friday")
    if span.first > span.last:
        raise ValueError(f"{text!r} ends before it begins, because a week begins on Sunday: write two ranges")
    return span


def parse_days_of_month(text: object) -> Span:
    """`1`, `1:15`, `-3:-1`: days counted from the beginning, or with a minus from the end of the month."""
    span = _span(text, _whole, "day of the month", "1, 1:15 or -3:-1")
    if not all(1 <= abs(day) <= _LONGEST_MONTH for day in (span.first, span.last)):
        raise ValueError(f"{text!r}: days go from 1 to 31, or from -31 to -1")
    if span.first < 0 < span.last:
        raise ValueError(f"{text!r}: a range that begins from the end of the month must end from there too")
    first, last = (day if day > 0 else _SHORTEST_MONTH + day for day in (span.first, span.last))
    if first > last:
        raise ValueError(f"{text!r} ends before it begins")
    return span


def parse_months(text: object) -> Span:
    """`may`, `5` or `may:september`."""
    span = _span(text, _named(MONTHS, first=1), "month", "may, 5 or may:september")
    if not 1 <= span.first <= span.last <= len(MONTHS):
        raise ValueError(f"{text!r}: months go from 1 to 12, and a range ends after it begins: write two ranges")
    return span


def parse_years(text: object) -> Span:
    """`2026` or `2026:2028`."""
    span = _span(text, _whole, "year", "2026 or 2026:2028")
    if span.first > span.last:
        raise ValueError(f"{text!r} ends before it begins")
    return span


def parse_minute(text: object) -> int:
    """The minute of the day of `HH:MM`; 24:00 is the day's end."""
    if isinstance(text, int):  # validated already
        return text
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no time of day; write it like 09:00, or 24:00 for the end of the day")
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def parse_location(name: str) -> ZoneInfo | None:
    """The time zone of that name; None for this machine's. Empty is UTC. ValueError where there is none."""
    if name == LOCAL:
        return None
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        raise ValueError(
            f"{name!r} is no time zone of this machine's database; write it like Europe/Berlin, UTC or {LOCAL}"
        ) from None


def _span(text: object, number: Callable[[str], int | None], what: str, example: str) -> Span:
    if isinstance(text, Span):
        return text
    first, colon, last = str(text).strip().lower().partition(":")
    begin, end = number(first.strip()), number((last if colon else first).strip())
    if isinstance(text, bool) or begin is None or end is None:
        raise ValueError(f"{text!r} is no {what}; write it like {example}")
    return Span(begin, end)


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _named(names: tuple[str, ...], *, first: int) -> Callable[[str], int | None]:
    """Reads a name; where counting begins with 1, a number too."""
    known: Mapping[str, int] = {name: number for number, name in enumerate(names, first)}
    return lambda text: known.get(text, _whole(text) if first else None)


Minute = Annotated[int, BeforeValidator(parse_minute)]


class TimeRange(Strict):
    """Of a day, `HH:MM`; 24:00 is its end. In minutes once loaded; end_time is outside."""

    start_time: Minute
    end_time: Minute

    @model_validator(mode="after")
    def _forward(self) -> TimeRange:
        if self.start_time >= self.end_time:
            raise KeyedError("end_time", "must be later than start_time: write two ranges where it goes over midnight")
        return self


class TimeIntervalSpec(Strict):
    """Times that satisfy every key that is given; a key that is not given is satisfied always."""

    times: tuple[TimeRange, ...] = ()
    weekdays: tuple[Annotated[Span, BeforeValidator(parse_weekdays)], ...] = ()
    days_of_month: tuple[Annotated[Span, BeforeValidator(parse_days_of_month)], ...] = ()
    months: tuple[Annotated[Span, BeforeValidator(parse_months)], ...] = ()
    years: tuple[Annotated[Span, BeforeValidator(parse_years)], ...] = ()
    location: str = "UTC"

    @field_validator("location")
    @classmethod
    def _known(cls, value: str) -> str:
        parse_location(value)
        return value


class TimeIntervalConfig(Strict):
    """A named list of intervals: inside any of them is inside."""

    name: Annotated[str, Field(min_length=1)]
    time_intervals: tuple[TimeIntervalSpec, ...] = ()
