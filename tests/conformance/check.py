"""Runs the cases of a promqltest file against the engine, and says of each: passed, failed, or left out and why."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.conformance.testfile import Case, Clear, Expectation, Load, read

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.analysis import selectors
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.nodes import Call, Edge, Parsed, RangeSelector, Selector, Subquery, ValueType, walk
from rabbitwatch.promql.notation import Histogram, Point
from rabbitwatch.promql.parse import parse
from rabbitwatch.promql.storage import MemoryStorage
from rabbitwatch.promql.values import Matrix, Result, Scalar, String, Vector

EPSILON = 1e-6
_POSITION = re.compile(r" ?\\?\(\S+?:\S+?\\?\)$")
_MINUTE_MS = 60_000
_OF_THE_QUERY = frozenset({"start", "end", "step", "range"})


class Outcome(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case's outcome; the reason is empty where it passed."""

    line: int
    expr: str
    outcome: Outcome
    reason: str = ""


class Mismatch(Exception):  # noqa: N818 - a difference is not an error of this program
    """The engine gives something else than the file demands."""


@dataclass(slots=True)
class _Data:
    """What is loaded: the floats, and where native histograms stand."""

    storage: MemoryStorage = field(default_factory=MemoryStorage)
    histograms: dict[LabelSet, list[int]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def load(self, load: Load) -> None:
        self.unread += load.unread
        for labels, points in load.series.items():
            for index, point in enumerate(points):
                if isinstance(point, Histogram):
                    self.histograms.setdefault(labels, []).append(index * load.step_ms)
                elif point is not None:
                    self.storage.append(labels, index * load.step_ms, point)
                if load.with_nhcb and labels.name.endswith("_bucket"):
                    base = labels.drop(("le",))
                    made = LabelSet(labels.name.removesuffix("_bucket"), base.names, base.values)
                    self.histograms.setdefault(made, []).append(index * load.step_ms)

    def histograms_read_by(self, parsed: Parsed, case: Case) -> bool:
        """Whether a selector of the expression meets a native histogram in the span that it reads."""
        for need in selectors(parsed):
            start, end = case.start_ms - need.back_ms, case.end_ms + need.ahead_ms
            if need.fixed_ms is not None:
                start, end = need.fixed_ms - need.back_ms, need.fixed_ms + need.ahead_ms
            for labels, times in self.histograms.items():
                if not all(m.accepts(labels) for m in need.matchers):
                    continue
                if bisect_right(sorted(times), start) < bisect_right(sorted(times), end):
                    return True
        return False


def check_file(text: str) -> Iterator[Verdict]:
    """The verdict on each case of the file."""
    engine = Engine(delayed_names=True)
    data = _Data()
    for command in read(text):
        match command:
            case Clear():
                data = _Data()
            case Load():
                data.load(command)
            case Case():
                yield _judge(command, data, engine)


def _judge(case: Case, data: _Data, engine: Engine) -> Verdict:
    reason = _left_out(case, data)
    if reason:
        return Verdict(case.line, case.expr, Outcome.LEFT_OUT, reason)
    try:
        _check(case, data.storage, engine)
    except Mismatch as difference:
        return Verdict(case.line, case.expr, Outcome.FAILED, str(difference))
    return Verdict(case.line, case.expr, Outcome.PASSED)


def _left_out(case: Case, data: _Data) -> str:
    """Why the case cannot be run; "" where it can."""
    if any(isinstance(p, Histogram) for points in case.series.values() for p in points):
        return "native histograms: in the expected result"
    if any("{{" in line or "{count:" in line for line in case.unread):
        return "native histograms: in the expected result"
    if any("{count:" in str(labels) for labels in case.series):
        return "native histograms: in the expected result"
    if case.unread:
        return f"the expected result is not understood: {case.unread[0]}"
    try:
        parsed = parse(case.expr)
    except QueryError as error:
        if case.expects("fail"):
            return ""
        return error.message.partition(", in the expression ")[0]
    if data.histograms_read_by(parsed, case):
        return "native histograms: in the data"
    return f"the data is not understood: {data.unread[0]}" if data.unread else ""


def _check(case: Case, storage: MemoryStorage, engine: Engine) -> None:
    failure = case.expects("fail")
    try:
        if case.instant:
            result = engine.instant(case.expr, case.start_ms, storage)
        else:
            result = engine.range(case.expr, case.start_ms, case.end_ms, case.step_ms, storage)
    except QueryError as error:
        if failure is None:
            raise Mismatch(f"fails: {error}") from None
        _match_texts(failure, [error.message])
        return
    if failure is not None:
        raise Mismatch(f"should fail, gives {_show(result)}")
    _check_notes(case, result)
    if isinstance(result.value, Matrix):
        _check_matrix(case, result.value)
        return
    _check_instant(case, result)
    if not case.expects("ordered") and not _needs_query_bounds(parse(case.expr)):
        _check_middle_of_range(case, storage, engine)


def _needs_query_bounds(parsed: Parsed) -> bool:
    """Whether the expression means something else in a range query: it speaks of the query's start, end or step."""
    for node in walk(parsed.root):
        if isinstance(node, Call) and node.name in _OF_THE_QUERY:
            return True
        shift = node.selector.shift if isinstance(node, RangeSelector) else getattr(node, "shift", None)
        if isinstance(node, Selector | RangeSelector | Subquery) and isinstance(shift.at, Edge):
            return True
    return parsed.type not in (ValueType.VECTOR, ValueType.SCALAR)


def _check_middle_of_range(case: Case, storage: MemoryStorage, engine: Engine) -> None:
    """An instant query gives the same in the middle of a range query, as Prometheus' runner checks too."""
    at = case.start_ms
    try:
        result = engine.range(case.expr, at - _MINUTE_MS, at + _MINUTE_MS, _MINUTE_MS, storage)
    except QueryError as error:
        raise Mismatch(f"fails in a range query: {error}") from None
    assert isinstance(result.value, Matrix)
    rows = [
        (series.labels, value)
        for series in result.value.series
        for time, value in zip(series.timestamps, series.values, strict=True)
        if time == at
    ]
    expected = case.series if case.scalar is None else {LabelSet.of({}): [case.scalar]}
    _compare_rows(expected, rows, "in a range query ")


def _check_notes(case: Case, result: Result) -> None:
    for what, notes in (("warn", result.warnings), ("info", result.infos)):
        if case.expects(f"no_{what}") and notes:
            raise Mismatch(f"unexpected {what}: {notes}")
        wanted = case.expects(what)
        if wanted is not None:
            if not notes:
                raise Mismatch(f"lacks the expected {what}")
            _match_texts(wanted, notes)


def _match_texts(wanted: Expectation, found: Sequence[str]) -> None:
    """Positions in the expression are not compared: the parser does not tell them."""
    if wanted.how is None:
        return
    text = _POSITION.sub("", wanted.text)
    hit = (lambda f: f == text) if wanted.how == "msg" else (lambda f: re.search(text, f) is not None)
    if not any(map(hit, found)):
        raise Mismatch(f"expected {wanted.how} {text!r}, got {list(found)}")


def _check_instant(case: Case, result: Result) -> None:
    value = result.value
    if case.text is not None:
        if not isinstance(value, String) or value.value != case.text:
            raise Mismatch(f"expected the string {case.text!r}, got {_show(result)}")
    elif case.scalar is not None:
        if not isinstance(value, Scalar) or not almost_equal(case.scalar, value.value):
            raise Mismatch(f"expected {case.scalar}, got {_show(result)}")
    elif not isinstance(value, Vector):
        raise Mismatch(f"expected a vector, got {_show(result)}")
    else:
        rows = list(zip(value.labels, value.values, strict=True))
        if case.expects("ordered") and [labels for labels, _ in rows] != list(case.series):
            raise Mismatch(f"expected the order {_names(case.series)}, got {_names(labels for labels, _ in rows)}")
        _compare_rows(case.series, rows, "")


def _compare_rows(expected: dict[LabelSet, list[Point]], rows: list[tuple[LabelSet, float]], where: str) -> None:
    found = dict(rows)
    if len(found) != len(rows) or set(found) != set(expected):
        raise Mismatch(f"{where}expected {_names(expected)}, got {_names(labels for labels, _ in rows)}")
    for labels, points in expected.items():
        if len(points) != 1 or not almost_equal(points[0], found[labels]):
            raise Mismatch(f"{where}expected {labels} {points}, got {found[labels]!r}")


def _check_matrix(case: Case, matrix: Matrix) -> None:
    if case.scalar is not None or case.text is not None:
        raise Mismatch("expected a scalar or a string, got a matrix")
    times = case.points or range(case.start_ms, case.end_ms + 1, case.step_ms or 1)
    expected = {
        labels: {time: p for time, p in zip(times, points, strict=False) if p is not None}
        for labels, points in case.series.items()
    }
    expected = {labels: points for labels, points in expected.items() if points}
    found = {s.labels: dict(zip(s.timestamps, s.values, strict=True)) for s in matrix.series}
    if len(found) != len(matrix.series) or set(found) != set(expected):
        raise Mismatch(f"expected {_names(expected)}, got {_names(found)}")
    for labels, points in expected.items():
        got = found[labels]
        if set(got) != set(points) or not all(almost_equal(points[t], got[t]) for t in points):
            raise Mismatch(f"expected {labels} {points}, got {got}")


def almost_equal(a: Point, b: float) -> bool:
    """Equal within the tolerance of Prometheus' runner: a millionth of the sum of both sizes."""
    if not isinstance(a, float):
        return False
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if a == b:
        return True
    size = abs(a) + abs(b)
    if a == 0 or b == 0 or size < 2.2250738585072014e-308:
        return abs(a - b) < EPSILON * 2.2250738585072014e-308
    return abs(a - b) / min(size, 1.7976931348623157e308) < EPSILON


def _names(sets: Iterable[LabelSet]) -> str:
    return ", ".join(map(str, sets)) or "nothing"


def _show(result: Result) -> str:
    value = result.value
    if isinstance(value, Vector):
        rows = zip(value.labels, value.values, strict=True)
        return ", ".join(f"{labels} {number!r}" for labels, number in rows) or "nothing"
    return repr(value)
