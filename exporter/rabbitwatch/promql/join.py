"""Which rows of two vectors meet: worked out from the labels alone, once for each pair of columns."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import LabelSet, quote
from rabbitwatch.promql.nodes import Cardinality, Matching

FILLED = -1


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """The pairs of rows: indexes of the "many" side (None: each of its rows, in order), those of the "one" side that
    they meet, and the labels of the result. FILLED stands for a row that the other side lacks.
    """

    many_rows: Sequence[int] | None
    one_rows: Sequence[int]
    labels: LabelColumn


def keys(column: LabelColumn, matching: Matching) -> list[Hashable]:
    """What the rows of a column match by."""
    return column.keys_on(matching.labels) if matching.on else column.keys_ignoring(matching.labels)


def _pair_memo(left: LabelColumn, right: LabelColumn) -> dict[Hashable, Any]:
    pairs: WeakKeyDictionary[LabelColumn, dict[Hashable, Any]] = left.memoised("pairs", WeakKeyDictionary)
    memo = pairs.get(right)
    if memo is None:
        memo = pairs[right] = {}
    return memo


def join(many: LabelColumn, one: LabelColumn, matching: Matching, keep_name: bool) -> JoinPlan:
    """The plan for an operator between two vectors; the "many" side is the left one, except under group_right.

    QueryError, in Prometheus' words, where the rows do not match as the cardinality says.
    """
    memo = _pair_memo(many, one)
    plan = memo.get((matching, keep_name))
    if plan is None:
        plan = memo[matching, keep_name] = _plan(many, one, matching, keep_name)
    return plan


def _plan(many: LabelColumn, one: LabelColumn, matching: Matching, keep_name: bool) -> JoinPlan:
    many_keys, one_keys = keys(many, matching), keys(one, matching)
    where = {key: row for row, key in enumerate(one_keys)}
    if len(where) != len(one_keys):
        raise QueryError(_duplicate(one, one_keys, matching))
    found = list(map(where.get, many_keys, repeat(FILLED)))
    reversed_sides = matching.cardinality is Cardinality.ONE_TO_MANY
    fill_one, fill_many = matching.fill_right, matching.fill_left
    if reversed_sides:
        fill_one, fill_many = fill_many, fill_one
    many_rows: Sequence[int] | None = None
    one_rows = found
    if fill_one is None and FILLED in found:
        many_rows = [row for row, other in enumerate(found) if other != FILLED]
        one_rows = [other for other in found if other != FILLED]
    if fill_many is not None:
        unmatched = [row for row, key in enumerate(one_keys) if key not in set(many_keys)]
        many_rows = [*(range(len(found)) if many_rows is None else many_rows), *([FILLED] * len(unmatched))]
        one_rows = [*one_rows, *unmatched]
    many_only: LabelColumn | Sequence[LabelSet | None] = many
    if many_rows is not None:
        filled = fill_many is not None
        many_only = [many[r] if r != FILLED else None for r in many_rows] if filled else many.pick(many_rows)
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        matched = [many_keys[r] for r in many_rows if r != FILLED] if many_rows is not None else many_keys
        if len(set(matched)) != len(matched):
            raise QueryError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
    labels = _result_labels(many_only, one, one_rows, matching, keep_name)
    if matching.cardinality is not Cardinality.ONE_TO_ONE and not labels.distinct():
        raise QueryError("multiple matches for labels: grouping labels must ensure unique matches")
    return JoinPlan(many_rows, one_rows, labels)


def _result_labels(
    many: LabelColumn | Sequence[LabelSet | None],
    one: LabelColumn,
    one_rows: Sequence[int],
    matching: Matching,
    keep_name: bool,
) -> LabelColumn:
    if isinstance(many, LabelColumn) and not matching.include:
        if matching.cardinality is not Cardinality.ONE_TO_ONE or not (matching.on or matching.labels):
            return many if keep_name else many.without_names()
        if matching.on or not keep_name:
            return many.kept(matching.labels) if matching.on else many.dropped(matching.labels)
    others = [one[row] if row != FILLED else None for row in one_rows]
    return LabelColumn([_row(m, o, matching, keep_name) for m, o in zip(many, others, strict=True)])


def _row(many: LabelSet | None, one: LabelSet | None, matching: Matching, keep_name: bool) -> LabelSet:
    """One row's labels; a filled row has the labels that the match was made by."""
    if many is None:
        labels = one.keep(matching.labels) if matching.on else one.drop(matching.labels)  # type: ignore[union-attr]
    elif matching.cardinality is not Cardinality.ONE_TO_ONE:
        labels = many if keep_name else many.without_name()
    elif matching.on:
        labels = many.keep(matching.labels)
    else:
        labels = many.drop_but_name(matching.labels) if keep_name else many.drop(matching.labels)
    if matching.include and one is not None:
        labels = labels.replace({name: one.get(name) for name in matching.include})
    return labels


def _duplicate(one: LabelColumn, one_keys: Sequence[Hashable], matching: Matching) -> str:
    seen: dict[Hashable, int] = {}
    for row, key in enumerate(one_keys):
        if key in seen:
            break
        seen[key] = row
    first, second = sorted((one[row], one[seen[key]]))
    group = first.keep(matching.labels) if matching.on else first.drop(matching.labels)
    side = "left" if matching.cardinality is Cardinality.ONE_TO_MANY else "right"
    return (
        f"found duplicate series for the match group {_braces(group)} on the {side} hand-side of the operation: "
        f"[{_braces(first)}, {_braces(second)}];many-to-many matching not allowed: "
        "matching labels must be unique on one side"
    )


def _braces(labels: LabelSet) -> str:
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels.pairs()) + "}"


def rows_with_match(left: LabelColumn, right: LabelColumn, matching: Matching, wanted: bool) -> list[int]:
    """The rows of the left column that have (or, not wanted, lack) a match in the right one."""
    memo = _pair_memo(left, right)
    found: list[int] | None = memo.get(("rows", matching, wanted))
    if found is None:
        others = set(keys(right, matching))
        found = [row for row, key in enumerate(keys(left, matching)) if (key in others) is wanted]
        memo["rows", matching, wanted] = found
    return found


def picked(values: Sequence[float], rows: Sequence[int] | None) -> Sequence[float]:
    """The values at these rows."""
    if rows is None:
        return values
    if len(rows) < 2:
        return [values[r] for r in rows]
    return itemgetter(*rows)(values)  # type: ignore[no-any-return]
