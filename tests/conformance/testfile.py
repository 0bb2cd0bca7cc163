"""The format of Prometheus' promqltest files: blocks of `load`, `clear` and `eval`, read into commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rabbitwatch.config.durations import parse_duration
from rabbitwatch.errors import QueryError
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.notation import Point, parse_metric, parse_series, parse_values
from rabbitwatch.promql.source import decode_string

_INSTANT = re.compile(r"eval(?:_(?P<mode>\w+))?\s+instant\s+(?:at\s+(?P<at>\S+)\s+)?(?P<expr>.+)")
_RANGE = re.compile(
    r"eval(?:_(?P<mode>\w+))?\s+range\s+from\s+(?P<start>\S+)\s+to\s+(?P<end>\S+)\s+step\s+(?P<step>\S+)\s+(?P<expr>.+)"
)
_LOAD = re.compile(r"load(?P<nhcb>_with_nhcb)?\s+(?P<step>\S+)")
_EXPECT = re.compile(r"expect\s+(?P<what>\w+)(?:\s+(?P<how>msg|regex):\s*(?P<text>.*)|\s+(?P<value>.+))?")
_VECTOR = re.compile(r"vector from (\S+) to (\S+) step (\S+)")


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget all series."""


@dataclass(frozen=True, slots=True)
class Load:
    """Series with one value every `step_ms` from 0 on. with_nhcb: native histograms are made of classic ones too.
    unread: lines that are not understood, with the reason.
    """

    step_ms: int
    series: dict[LabelSet, list[Point]]
    with_nhcb: bool
    unread: list[str]


@dataclass(frozen=True, slots=True)
class Expectation:
    """`expect <what> [msg:|regex: <text>]`."""

    what: str
    how: str | None = None
    text: str = ""


@dataclass(slots=True)
class Case:
    """One `eval`: an instant query where start is end, with what it must give.

    points: of a range vector that an instant query must give, the times of its values.
    """

    line: int
    expr: str
    start_ms: int
    end_ms: int
    step_ms: int
    instant: bool
    expectations: list[Expectation] = field(default_factory=list)
    series: dict[LabelSet, list[Point]] = field(default_factory=dict)
    scalar: float | None = None
    text: str | None = None
    unread: list[str] = field(default_factory=list)
    points: range | None = None

    def expects(self, what: str) -> Expectation | None:
        """The expectation of this kind, where there is one."""
        return next((e for e in self.expectations if e.what == what), None)


Command = Clear | Load | Case


def milliseconds(text: str) -> int:
    """A time or a step: a duration, or a number of seconds."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        return round(parse_duration(text) * 1000)


def read(text: str) -> Iterator[Command]:
    """The file's commands in order; ValueError, with the line's number, where it is no promqltest file."""
    lines = ["" if line.strip().startswith("#") else line.strip() for line in text.splitlines()]
    number = 0
    while number < len(lines):
        head = lines[number]
        number += 1
        if not head:
            continue
        if head == "clear":  # needs no empty line after it
            yield Clear()
            continue
        first = number
        while number < len(lines) and lines[number]:
            number += 1
        body = lines[first:number]
        if head.startswith("load"):
            yield _load(head, body)
        elif head.startswith("eval"):
            yield _case(head, body, first)
        else:
            raise ValueError(f"line {first}: unknown command {head!r}")


def _load(head: str, body: list[str]) -> Load:
    match = _LOAD.fullmatch(head)
    if match is None:
        raise ValueError(f"cannot read {head!r}")
    series: dict[LabelSet, list[Point]] = {}
    unread = []
    for line in body:
        try:
            labels, points = parse_series(line, mark_histograms=True)
        except QueryError as error:
            unread.append(str(error))
            continue
        series[labels] = points
    return Load(milliseconds(match["step"]), series, bool(match["nhcb"]), unread)


def _case(head: str, body: list[str], line: int) -> Case:
    match = _RANGE.fullmatch(head)
    if match:
        start, end, step = (milliseconds(match[k]) for k in ("start", "end", "step"))
        case = Case(line, match["expr"], start, end, step, instant=False)
    else:
        match = _INSTANT.fullmatch(head)
        if match is None:
            raise ValueError(f"line {line}: cannot read {head!r}")
        at = milliseconds(match["at"] or "0")
        case = Case(line, match["expr"], at, at, 0, instant=True)
    if match["mode"]:
        case.expectations.append(Expectation(match["mode"]))
    for expected in body:
        _expected(case, expected)
    return case


def _expected(case: Case, line: str) -> None:
    match = _EXPECT.fullmatch(line)
    if match and match["what"] == "string":
        case.text = decode_string(match["value"])
    elif match and match["what"] == "range":
        bounds = _VECTOR.fullmatch(match["value"] or "")
        if bounds is None:
            case.unread.append(line)
        else:
            start, end, step = map(milliseconds, bounds.groups())
            case.points = range(start, end + 1, step)
    elif match:
        case.expectations.append(Expectation(match["what"], match["how"], (match["text"] or "").strip()))
    elif line.startswith("expected_fail_"):
        how, _, text = line.removeprefix("expected_fail_").partition(" ")
        case.expectations.append(Expectation("fail", "msg" if how == "message" else "regex", text.strip()))
    else:
        try:
            if not _series(case, line):
                case.unread.append(line)
        except QueryError:
            case.unread.append(line)


def _series(case: Case, line: str) -> bool:
    if re.match(r"[A-Za-z_:{]", line) and line.lower() not in ("nan", "inf"):
        labels, rest = parse_metric(line)
        case.series[labels] = parse_values(rest, mark_histograms=True)
        return True
    (value,) = parse_values(line)
    case.scalar = value if isinstance(value, float) else None
    return isinstance(value, float)
