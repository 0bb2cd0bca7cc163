"""Binary operators: on numbers, between a vector and a number, and between two vectors."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat

from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.functions.elementwise import divide, modulo, power
from rabbitwatch.promql.join import FILLED, join, picked, rows_with_match
from rabbitwatch.promql.nodes import COMPARISONS, Binary, Cardinality
from rabbitwatch.promql.values import NO_ROWS, Drop, Vector

ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "%": modulo,
    "^": power,
    "atan2": math.atan2,
}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def on_numbers(op: str, left: float, right: float) -> float:
    """Two scalars; a comparison gives 1 or 0."""
    return float(COMPARE[op](left, right)) if op in COMPARISONS else ARITHMETIC[op](left, right)


def _arithmetic(op: str, left: Iterable[float], right: Iterable[float]) -> list[float]:
    """Pair by pair, as far as the shorter side goes: a number may be repeated without end."""
    if op == "/":
        return [a / b if b else divide(a, b) for a, b in zip(left, right, strict=False)]
    return list(map(ARITHMETIC[op], left, right))


def with_number(node: Binary, vector: Vector, number: float, number_is_left: bool) -> Vector:
    """A vector and a scalar. The result of a filter keeps its labels; any other is to lose its name (see `drop`)."""
    numbers = repeat(number)
    left, right = (numbers, vector.values) if number_is_left else (vector.values, numbers)
    if node.op in COMPARISONS:
        flags = list(map(COMPARE[node.op], left, right))
        if not node.return_bool:
            return keep_where(vector, flags)
        return Vector(vector.labels, list(map(float, flags)), drop=True)
    return Vector(vector.labels, _arithmetic(node.op, left, right), drop=True)


def keep_where(vector: Vector, flags: Sequence[bool]) -> Vector:
    """The rows whose flag is true; the vector itself where all are."""
    kept = sum(flags)
    if kept == len(flags):
        return vector
    if not kept:
        return NO_ROWS
    return vector.pick(list(compress(range(len(flags)), flags)))


def between_vectors(node: Binary, left: Vector, right: Vector, delayed_names: bool) -> Vector:
    """An arithmetic operator or a comparison between two vectors."""
    matching = node.matching
    filters = node.op in COMPARISONS and not node.return_bool
    many, one = (right, left) if matching.cardinality is Cardinality.ONE_TO_MANY else (left, right)
    plan = join(many.labels, one.labels, matching, keep_name=filters or delayed_names)
    fill_many, fill_one = matching.fill_left, matching.fill_right
    if many is right and matching.cardinality is Cardinality.ONE_TO_MANY:
        fill_many, fill_one = fill_one, fill_many
    many_values = _filled(many.values, plan.many_rows, fill_many)
    one_values = _filled(one.values, plan.one_rows, fill_one)
    swapped = matching.cardinality is Cardinality.ONE_TO_MANY
    left_values, right_values = (one_values, many_values) if swapped else (many_values, one_values)
    if node.op not in COMPARISONS:
        return Vector(plan.labels, _arithmetic(node.op, left_values, right_values), drop=True)
    flags = list(map(COMPARE[node.op], left_values, right_values))
    if node.return_bool:
        return Vector(plan.labels, list(map(float, flags)), drop=True)
    return keep_where(Vector(plan.labels, left_values, _drops(many, plan.many_rows)), flags)


def _filled(values: Sequence[float], rows: Sequence[int] | None, fill: float | None) -> Sequence[float]:
    if fill is None or rows is None or FILLED not in rows:
        return picked(values, rows)
    return [fill if row == FILLED else values[row] for row in rows]


def _drops(many: Vector, rows: Sequence[int] | None) -> Drop:
    if isinstance(many.drop, bool) or rows is None:
        return many.drop
    return [row != FILLED and many.drop[row] for row in rows]


def set_operation(node: Binary, left: Vector, right: Vector) -> Vector:
    """`and`, `or`, `unless`."""
    if node.op == "or":
        return _either(left, right, rows_with_match(right.labels, left.labels, node.matching, wanted=False))
    rows = rows_with_match(left.labels, right.labels, node.matching, wanted=node.op == "and")
    return left if len(rows) == len(left) else left.pick(rows) if rows else NO_ROWS


def _either(left: Vector, right: Vector, right_rows: Sequence[int]) -> Vector:
    if not right_rows:
        return left
    added = right if len(right_rows) == len(right) else right.pick(right_rows)
    if not len(left):
        return added
    drop: Drop = left.drop if left.drop is added.drop and left.drop in (True, False) else left.drops() + added.drops()
    return Vector(LabelColumn([*left.labels.sets, *added.labels.sets]), [*left.values, *added.values], drop)
