"""Go's time.Time and time.Duration as templates meet them, always in UTC, to the nanosecond."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rabbitwatch.alerting.templates.values import CallFailed, GoType, Stringer

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"))
_LAYOUT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|__2|_2(?!006)|002|01|02|03|04|05|06|15|PM|pm"
    r"|[-Z]07(?::00:00|0000|:00|00)?|[.,]0+(?![0-9])|[.,]9+(?![0-9])|[1-5]"
)


@dataclass(frozen=True, slots=True)
class Duration(Stringer):
    """Nanoseconds; `pointer` where Go has a *time.Duration, which is true even when it is zero."""

    nanoseconds: int
    pointer: bool = False

    @property
    def go_type(self) -> GoType:  # type: ignore[override]
        return GoType.DURATION_POINTER if self.pointer else GoType.DURATION

    def __bool__(self) -> bool:
        return self.nanoseconds != 0

    def string(self) -> str:
        """72h3m0.5s; the unit of a duration below a second is the largest that leaves a digit before the point."""
        total = abs(self.nanoseconds)
        sign = "-" if self.nanoseconds < 0 else ""
        if total == 0:
            return "0s"
        if total < SECOND:
            size, unit = next(((size, unit) for size, unit in _UNITS if total >= size), (1, "ns"))
            return f"{sign}{_decimal(total, size)}{unit}"
        minutes, rest = divmod(total, 60 * SECOND)
        hours, minutes = divmod(minutes, 60)
        text = f"{_decimal(rest, SECOND)}s"
        if hours or minutes:
            text = f"{minutes}m{text}"
        return f"{sign}{hours}h{text}" if hours else sign + text


def _decimal(count: int, size: int) -> str:
    whole, rest = divmod(count, size)
    digits = str(rest).zfill(len(str(size)) - 1).rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


@dataclass(frozen=True, slots=True)
class Month(Stringer):
    number: int

    @property
    def go_type(self) -> GoType:  # type: ignore[override]
        return GoType.MONTH

    def string(self) -> str:
        return f"{datetime(2000, self.number, 1, tzinfo=UTC):%B}"


@dataclass(frozen=True, slots=True)
class Weekday(Stringer):
    """Sunday is 0."""

    number: int

    @property
    def go_type(self) -> GoType:  # type: ignore[override]
        return GoType.WEEKDAY

    def __bool__(self) -> bool:
        return self.number != 0

    def string(self) -> str:
        return f"{datetime(2000, 1, 2 + self.number, tzinfo=UTC):%A}"  # the second of January 2000 was a Sunday


@dataclass(frozen=True, slots=True)
class Time(Stringer):
    """A moment as nanoseconds since the epoch, in UTC."""

    nanoseconds: int

    @property
    def go_type(self) -> GoType:  # type: ignore[override]
        return GoType.TIME

    @property
    def civil(self) -> datetime:
        """Year to second; below a second see `fraction`."""
        try:
            return _EPOCH + timedelta(seconds=self.nanoseconds // SECOND)
        except OverflowError:
            raise CallFailed("the year is out of range") from None

    @property
    def fraction(self) -> int:
        """Nanoseconds within the second."""
        return self.nanoseconds % SECOND

    def string(self) -> str:
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")

    def format(self, layout: str) -> str:
        """Go's Time.Format: the layout shows how Mon Jan 2 15:04:05 2006 would be written."""
        civil = self.civil
        return _LAYOUT.sub(lambda match: self._element(match.group(), civil), layout)

    def _element(self, element: str, civil: datetime) -> str:
        if element[0] in ".,":
            return self._fraction(element)
        if element[0] == "Z":
            return "Z"
        if element[0] == "-":
            return "+" + element[1:].replace("7", "0")
        hour = civil.hour % 12 or 12
        day_of_year = civil.timetuple().tm_yday
        return {
            "January": f"{civil:%B}",
            "Jan": f"{civil:%b}",
            "Monday": f"{civil:%A}",
            "Mon": f"{civil:%a}",
            "MST": "UTC",
            "2006": f"{civil.year:04d}",
            "06": f"{civil.year % 100:02d}",
            "01": f"{civil.month:02d}",
            "1": f"{civil.month}",
            "02": f"{civil.day:02d}",
            "_2": f"{civil.day:2d}",
            "2": f"{civil.day}",
            "002": f"{day_of_year:03d}",
            "__2": f"{day_of_year:3d}",
            "15": f"{civil.hour:02d}",
            "03": f"{hour:02d}",
            "3": f"{hour}",
            "PM": "PM" if civil.hour >= 12 else "AM",
            "pm": "pm" if civil.hour >= 12 else "am",
            "04": f"{civil.minute:02d}",
            "4": f"{civil.minute}",
            "05": f"{civil.second:02d}",
            "5": f"{civil.second}",
        }[element]

    def _fraction(self, element: str) -> str:
        digits = f"{self.fraction:09d}"[: len(element) - 1].ljust(len(element) - 1, "0")
        if element[1] == "9":
            digits = digits.rstrip("0")
        return element[0] + digits if digits else ""
