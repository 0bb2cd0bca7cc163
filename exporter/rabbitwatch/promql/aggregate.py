"""Aggregations over the rows of one vector."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from zlib import crc32

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.functions.labelling import check_label_name
from rabbitwatch.promql.join import picked
from rabbitwatch.promql.labels import METRIC_NAME, LabelSet
from rabbitwatch.promql.nodes import Grouping
from rabbitwatch.promql.sums import NAN, deviation, format_float, mean, quantile, total
from rabbitwatch.promql.values import NO_ROWS, Drop, Notes, Vector

_INT64 = 2.0**63


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups' labels, and the rows of each group; None where every group has exactly one row, in order."""

    labels: LabelColumn
    several: list[list[int]] | None

    @property
    def each_alone(self) -> bool:
        """Whether every group has exactly one row, in order."""
        return self.several is None

    @property
    def members(self) -> list[list[int]]:
        """The rows of each group."""
        return [[row] for row in range(len(self.labels))] if self.several is None else self.several


def group(column: LabelColumn, grouping: Grouping) -> Groups:
    """The groups, in the order of their first rows; made once for each column."""
    return column.memoised(("groups", grouping), lambda: _group(column, grouping))


def _group(column: LabelColumn, grouping: Grouping) -> Groups:
    keys = column.keys_ignoring(grouping.labels) if grouping.without else column.keys_on(grouping.labels)
    if len(set(keys)) == len(keys):
        return Groups(_labels_of(column, grouping), None)
    found: dict[object, list[int]] = {}
    for row, key in enumerate(keys):
        members = found.get(key)
        if members is None:
            found[key] = [row]
        else:
            members.append(row)
    firsts = LabelColumn([column[members[0]] for members in found.values()])
    return Groups(_labels_of(firsts, grouping), list(found.values()))


def _labels_of(firsts: LabelColumn, grouping: Grouping) -> LabelColumn:
    return firsts.dropped(grouping.labels) if grouping.without else firsts.kept(grouping.labels)


def _without_nan(values: Sequence[float]) -> Sequence[float]:
    plain = sum(values)
    return values if plain == plain else [v for v in values if v == v] or values


def _variance(values: Sequence[float]) -> float:
    """Welford's population variance, as Prometheus' aggregation takes it."""
    average = values[0]
    squares = 0.0 if math.isfinite(average) else NAN
    for count, value in enumerate(values[1:], start=2):
        difference = value - average
        average += difference / count
        squares += difference * (value - average)
    return squares / len(values)


Reduce = Callable[[Sequence[float]], float]
REDUCERS: dict[str, Reduce] = {
    "sum": total,
    "avg": mean,
    "min": lambda values: min(_without_nan(values)),
    "max": lambda values: max(_without_nan(values)),
    "count": lambda values: float(len(values)),
    "group": lambda _values: 1.0,
    "stdvar": _variance,
    "stddev": lambda values: deviation(_variance(values)),
}
_SAME_FOR_ONE = frozenset({"sum", "avg", "min", "max"})


def reduce(op: str, vector: Vector, grouping: Grouping) -> Vector:
    """One row a group."""
    groups = group(vector.labels, grouping)
    if groups.each_alone and op in _SAME_FOR_ONE:
        return Vector(groups.labels, vector.values, _group_drops(vector, groups, grouping))
    return _by_group(REDUCERS[op], vector, groups, grouping)


def quantiles(q: float, vector: Vector, grouping: Grouping, notes: Notes) -> Vector:
    """quantile(q, vector)."""
    check_quantile(q, notes)
    return _by_group(lambda values: quantile(q, values), vector, group(vector.labels, grouping), grouping)


def check_quantile(q: float, notes: Notes) -> None:
    """Warn where q is no quantile."""
    if math.isnan(q) or not 0 <= q <= 1:
        notes.warn(f"quantile value should be between 0 and 1, got {_shortest(q)}")


def _shortest(value: float) -> str:
    return format_float(value) if not math.isfinite(value) else f"{value:g}"


def _by_group(function: Reduce, vector: Vector, groups: Groups, grouping: Grouping) -> Vector:
    values = vector.values
    if len(groups.members) == 1:
        results = [function(values)]
    else:
        results = [function(picked(values, members)) for members in groups.members]
    return Vector(groups.labels, results, _group_drops(vector, groups, grouping))


def _group_drops(vector: Vector, groups: Groups, grouping: Grouping) -> Drop:
    """A group keeps the name only where it is grouped by it, and is to lose it where one of its rows is."""
    if grouping.without or METRIC_NAME not in grouping.labels:
        return False
    if isinstance(vector.drop, bool):
        return vector.drop
    return [any(vector.drop[row] for row in members) for members in groups.members]


def count_values(label: str, vector: Vector, grouping: Grouping) -> Vector:
    """How many rows of a group have each value; the value becomes the label."""
    check_label_name(label, "invalid label name")
    groups = group(vector.labels, grouping)
    counts: dict[LabelSet, float] = {}
    for labels, members in zip(groups.labels, groups.members, strict=True):
        for value in picked(vector.values, members):
            row = labels.replace({label: format_float(value)})
            counts[row] = counts.get(row, 0.0) + 1
    return Vector(LabelColumn(list(counts)), list(counts.values()))


def _whole(parameter: float) -> int:
    if math.isnan(parameter):
        raise QueryError("Parameter value is NaN")
    if not -_INT64 <= parameter < _INT64:
        raise QueryError(f"Scalar value {parameter:g} overflows int64")
    return int(parameter)


def extremes(op: str, parameter: float, vector: Vector, grouping: Grouping) -> Vector:
    """topk and bottomk: rows of each group by value, best first; NaN counts as worst."""
    wanted = _whole(parameter)
    if wanted < 1:
        return NO_ROWS
    choose, value_of = (nlargest if op == "topk" else nsmallest), vector.values.__getitem__
    rows: list[int] = []
    for members in group(vector.labels, grouping).members:
        plain = [row for row in members if not math.isnan(value_of(row))]
        best = choose(wanted, plain, key=value_of)
        rows += best
        if len(best) < min(wanted, len(members)):
            rows += [row for row in members if math.isnan(value_of(row))][: wanted - len(best)]
    return vector.pick(rows)


def first_rows(parameter: float, vector: Vector, grouping: Grouping) -> Vector:
    """limitk: any k rows of each group, here its first ones."""
    wanted = max(0, _whole(parameter))
    members = group(vector.labels, grouping).members
    return vector.pick([row for rows in members for row in rows[:wanted]])


def sampled_rows(ratio: float, vector: Vector, notes: Notes) -> Vector:
    """limit_ratio: about that share of the rows, always the same ones; a negative ratio gives those that the positive
    one of 1 + ratio leaves out. The choice is by a checksum of the labels, not by the one that Prometheus uses.
    """
    if math.isnan(ratio):
        raise QueryError("Ratio value is NaN")
    if not -1 <= ratio <= 1:
        capped = math.copysign(1.0, ratio)
        notes.warn(f"ratio value should be between -1 and 1, got {_shortest(ratio)}, capping to {capped:g}")
        ratio = capped
    places = [crc32(repr(labels.pairs()).encode(errors="surrogatepass")) / 2**32 for labels in vector.labels]
    if ratio >= 0:
        return vector.pick([row for row, place in enumerate(places) if place < ratio])
    return vector.pick([row for row, place in enumerate(places) if place >= 1 + ratio])
