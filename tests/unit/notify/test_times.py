"""Time intervals, at their edges. The weekday names of the dates below were taken from a calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from rabbitwatch.config.intervals import (
    Span,
    TimeIntervalConfig,
    parse_days_of_month,
    parse_minute,
    parse_months,
    parse_weekdays,
    parse_years,
)
from rabbitwatch.notify.times import TimeIntervals


def inside(spec: dict[str, Any] | list[dict[str, Any]], moment: str, zone: str = "UTC") -> bool:
    specs = spec if isinstance(spec, list) else [spec]
    config = TimeIntervalConfig.model_validate({"name": "it", "time_intervals": specs})
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).timestamp()
    return TimeIntervals([config]).containing(["it"], at) == ["it"]


OFFICE = {"times": [{"start_time": "09:00", "end_time": "17:00"}]}
NIGHT = {"times": [{"start_time": "00:00", "end_time": "06:00"}, {"start_time": "22:00", "end_time": "24:00"}]}


@pytest.mark.parametrize(
    ("spec", "moment", "expected"),
    [
        (OFFICE, "2026-11-20 08:59:59", False),
        (OFFICE, "2026-11-20 09:00", True),
        (OFFICE, "2026-11-20 16:59:59", True),
        (OFFICE, "2026-11-20 17:00", False),
        (NIGHT, "2026-11-20 23:59:59", True),
        (NIGHT, "2026-11-20 00:00", True),
        (NIGHT, "2026-11-20 06:00", False),
        # 2026-11-20 is a Friday
        ({"weekdays": ["monday:friday"]}, "2026-11-20 12:00", True),
        ({"weekdays": ["monday:friday"]}, "2026-11-21 12:00", False),
        ({"weekdays": ["Sunday", "SATURDAY"]}, "2026-11-21 12:00", True),
        ({"weekdays": ["sunday"]}, "2026-11-22 00:00", True),
        ({"weekdays": ["sunday:saturday"]}, "2026-11-22 00:00", True),
        ({"days_of_month": ["1:5"]}, "2026-11-05 00:00", True),
        ({"days_of_month": ["1:5"]}, "2026-11-06 00:00", False),
        ({"days_of_month": ["-3:-1"]}, "2026-11-28 00:00", True),
        ({"days_of_month": ["-3:-1"]}, "2026-11-27 23:59", False),
        ({"days_of_month": ["-1"]}, "2028-02-29 00:00", True),
        ({"days_of_month": ["-1"]}, "2028-02-28 00:00", False),
        ({"days_of_month": ["1:-1"]}, "2026-02-28 00:00", True),
        ({"days_of_month": ["31"]}, "2026-11-30 00:00", False),
        ({"days_of_month": ["29:31"]}, "2026-02-28 00:00", False),
        ({"days_of_month": ["29:31"]}, "2026-11-30 00:00", True),
        ({"days_of_month": ["-31:-28"]}, "2026-02-01 00:00", True),
        ({"days_of_month": ["-31:-28"]}, "2026-02-02 00:00", False),
        ({"days_of_month": [1]}, "2026-11-01 00:00", True),
        ({"months": ["november"]}, "2026-11-01 00:00", True),
        ({"months": ["1:10", "DECEMBER"]}, "2026-11-01 00:00", False),
        ({"months": ["october:december"]}, "2026-11-01 00:00", True),
        ({"years": ["2026:2027"]}, "2027-12-31 23:59", True),
        ({"years": [2026]}, "2027-01-01 00:00", False),
        ({**OFFICE, "weekdays": ["friday"]}, "2026-11-20 18:00", False),
        ({**OFFICE, "weekdays": ["friday"]}, "2026-11-19 12:00", False),
        ([OFFICE, {"weekdays": ["friday"]}], "2026-11-20 18:00", True),
        ({}, "2026-11-20 18:00", True),
        ([], "2026-11-20 18:00", False),
    ],
)
def test_a_moment_is_inside_or_not(spec: Any, moment: str, expected: bool) -> None:
    assert inside(spec, moment) is expected


def test_the_location_decides_what_time_it_is() -> None:
    berlin = {**OFFICE, "location": "Europe/Berlin"}
    assert inside(berlin, "2026-11-20 09:00", "Europe/Berlin")
    assert inside(berlin, "2026-07-20 09:00", "Europe/Berlin")
    assert inside(berlin, "2026-11-20 08:00")
    assert not inside(berlin, "2026-07-20 06:59")  # summer time is two hours ahead
    assert inside(berlin, "2026-07-20 07:00")
    sunday = {"weekdays": ["sunday"], "location": "Australia/Sydney"}
    assert inside(sunday, "2026-11-21 20:00")  # Saturday in UTC


def test_local_is_this_machines_time() -> None:
    now = datetime.now().astimezone()
    minute = f"{now.hour:02}:{now.minute:02}"
    spec = {"times": [{"start_time": minute, "end_time": "24:00"}], "location": "Local"}
    assert inside(spec, now.replace(second=0, microsecond=0).astimezone(UTC).replace(tzinfo=None).isoformat())


def test_only_names_that_contain_the_moment_are_given() -> None:
    configs = [
        TimeIntervalConfig.model_validate({"name": name, "time_intervals": [spec]})
        for name, spec in (("a", OFFICE), ("b", NIGHT), ("c", {}))
    ]
    at = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    assert TimeIntervals(configs).containing(["c", "b", "a"], at) == ["c", "a"]


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (parse_weekdays, "monday", Span(1, 1)),
        (parse_weekdays, " Monday : Friday ", Span(1, 5)),
        (parse_days_of_month, "-3:-1", Span(-3, -1)),
        (parse_days_of_month, "5:-5", Span(5, -5)),
        (parse_months, "may:9", Span(5, 9)),
        (parse_years, 2026, Span(2026, 2026)),
        (parse_minute, "24:00", 1440),
        (parse_minute, "09:05", 545),
    ],
)
def test_spellings(read: Any, text: object, expected: object) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (parse_weekdays, "mon", "'mon' is no weekday; write it like monday or monday:friday"),
        (parse_weekdays, "1:5", "is no weekday"),
        (parse_weekdays, "saturday:sunday", "ends before it begins, because a week begins on Sunday"),
        (parse_days_of_month, "0", "days go from 1 to 31"),
        (parse_days_of_month, "32", "days go from 1 to 31"),
        (parse_days_of_month, "-1:1", "must end from there too"),
        (parse_days_of_month, "-1:-3", "ends before it begins"),
        (parse_days_of_month, "28:-10", "ends before it begins"),
        (parse_days_of_month, "1:2:3", "is no day of the month"),
        (parse_days_of_month, "first", "is no day of the month"),
        (parse_months, "13", "months go from 1 to 12"),
        (parse_months, "0:3", "months go from 1 to 12"),
        (parse_months, "december:january", "write two ranges"),
        (parse_months, "sept", "is no month"),
        (parse_years, "2027:2026", "ends before it begins"),
        (parse_years, True, "is no year"),
        (parse_minute, "9:00", "'9:00' is no time of day; write it like 09:00"),
        (parse_minute, "24:01", "is no time of day"),
        (parse_minute, "23:60", "is no time of day"),
        (parse_minute, None, "is no time of day"),
    ],
)
def test_what_is_no_interval_is_refused(read: Any, text: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(text)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"location": "Mars/Olympus"}, "'Mars/Olympus' is no time zone of this machine's database"),
        ({"location": "../../etc/passwd"}, "is no time zone"),
        ({"times": [{"start_time": "17:00", "end_time": "09:00"}]}, "must be later than start_time"),
        ({"times": [{"start_time": "17:00", "end_time": "17:00"}]}, "must be later than start_time"),
        ({"times": [{"start_time": "17:00"}]}, "Field required"),
    ],
)
def test_a_specification_that_cannot_be_used_is_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TimeIntervalConfig.model_validate({"name": "it", "time_intervals": [spec]})
