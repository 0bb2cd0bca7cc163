"""Which values an expression can have at all, as far as its form tells: to find comparisons that never change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rabbitwatch.promql.nodes import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Negate,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
)

_INF = math.inf
_PREFIXES = ("rabbitwatch_", "rabbitmq_")
_CALLS = {
    **dict.fromkeys(("rate", "irate", "increase", "count_over_time", "changes", "resets"), (0.0, _INF)),
    **dict.fromkeys(("abs", "sqrt", "stddev_over_time", "stdvar_over_time", "exp"), (0.0, _INF)),
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), (1.0, 1.0)),
    "hour": (0.0, 23.0),
    "minute": (0.0, 59.0),
    "month": (1.0, 12.0),
    "day_of_week": (0.0, 6.0),
    "day_of_month": (1.0, 31.0),
    "sgn": (-1.0, 1.0),
}
_KEEPING_CALLS = frozenset(
    {"avg_over_time", "min_over_time", "max_over_time", "last_over_time", "sort", "sort_desc"}
    | {"label_replace", "label_join", "vector", "scalar", "first_over_time"}
)
_KEEPING_AGGREGATES = frozenset({"min", "max", "avg", "topk", "bottomk", "limitk", "limit_ratio"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and highest value, both included; unbounded where nothing is known."""

    low: float = -_INF
    high: float = _INF

    def decides(self, op: str, value: float) -> bool | None:
        """Whether `x op value` is true for every x in the bounds, false for every one, or None for it depends."""
        if value != value:
            return op == "!="
        always = {
            ">": self.low > value,
            ">=": self.low >= value,
            "<": self.high < value,
            "<=": self.high <= value,
            "==": self.low == self.high == value,
            "!=": not self.low <= value <= self.high,
        }
        never = {
            ">": self.high <= value,
            ">=": self.high < value,
            "<": self.low >= value,
            "<=": self.low > value,
            "==": not self.low <= value <= self.high,
            "!=": self.low == self.high == value,
        }
        return True if always[op] else False if never[op] else None


ANY = Bounds()
_NATURAL = Bounds(0.0)


def bounds(node: Node) -> Bounds:
    """The bounds of an expression's values, NaN aside. Series of a broker's metrics are taken as not negative."""
    match node:
        case Number():
            return Bounds(node.value, node.value)
        case Selector():
            return _of_metric(node.metric)
        case RangeSelector():
            return bounds(node.selector)
        case Subquery():
            return bounds(node.expr)
        case Negate():
            inner = bounds(node.expr)
            return Bounds(-inner.high, -inner.low)
        case Aggregate():
            return _of_aggregate(node)
        case Call():
            return _of_call(node)
        case Binary():
            return _of_binary(node)
        case _:
            return ANY


def _of_metric(name: str) -> Bounds:
    if name == "up":
        return Bounds(0.0, 1.0)
    return _NATURAL if name.startswith(_PREFIXES) else ANY


def _of_aggregate(node: Aggregate) -> Bounds:
    if node.op in ("count", "group"):
        return Bounds(1.0, 1.0 if node.op == "group" else _INF)
    inner = bounds(node.expr)
    if node.op in _KEEPING_AGGREGATES:
        return inner
    if node.op == "sum":
        return Bounds(inner.low if inner.low >= 0 else -_INF, inner.high if inner.high <= 0 else _INF)
    return _NATURAL if node.op in ("stddev", "stdvar", "count_values") else ANY


def _of_call(node: Call) -> Bounds:
    if node.name in _CALLS:
        return Bounds(*_CALLS[node.name])
    if node.name in _KEEPING_CALLS and node.args:
        return bounds(node.args[0])
    if node.name == "sum_over_time":
        return _NATURAL if bounds(node.args[0]).low >= 0 else ANY
    return ANY


def _of_binary(node: Binary) -> Bounds:
    left, right = bounds(node.left), bounds(node.right)
    if node.op in COMPARISONS:
        return Bounds(0.0, 1.0) if node.return_bool else left
    if node.op in ("and", "unless"):
        return left
    if node.op == "or":
        return Bounds(min(left.low, right.low), max(left.high, right.high))
    if node.op == "+":
        return Bounds(left.low + right.low, left.high + right.high)
    if node.op == "*" and min(left.low, right.low) >= 0:
        return Bounds(_times(left.low, right.low), _times(left.high, right.high))
    if node.op == "/" and min(left.low, right.low) >= 0:
        return _quotient(node, left, right)
    return ANY


def _times(a: float, b: float) -> float:
    return 0.0 if 0.0 in (a, b) else a * b


def _quotient(node: Binary, left: Bounds, right: Bounds) -> Bounds:
    """A part of a whole, `a / (a + b)` or `100 * a / (a + b)`, is bounded; a positive constant scales the bounds."""
    whole = node.right
    factor, part = _factor(node.left)
    if isinstance(whole, Binary) and whole.op == "+" and spelt(part) in (spelt(whole.left), spelt(whole.right)):
        return Bounds(0.0, factor)
    if right.low == right.high and 0 < right.low < _INF:
        return Bounds(left.low / right.low, left.high / right.low)
    return _NATURAL


def _factor(node: Node) -> tuple[float, Node]:
    """`100 * a` as 100 and a; anything else as 1 and itself."""
    if isinstance(node, Binary) and node.op == "*":
        for number, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(number, Number) and number.value > 0:
                return number.value, other
    return 1.0, node


def spelt(node: Node) -> object:
    """A value that is equal for expressions of the same form, for those forms that a ratio's parts have."""
    match node:
        case Selector():
            return ("selector", tuple(sorted(map(str, node.matchers))), node.shift)
        case RangeSelector():
            return ("range", spelt(node.selector), node.range_ms)
        case Number():
            return ("number", node.value)
        case Aggregate():
            return ("aggregate", node.op, node.grouping, spelt(node.expr), node.param and spelt(node.param))
        case Call():
            return ("call", node.name, tuple(spelt(arg) for arg in node.args))
        case _:
            return id(node)
