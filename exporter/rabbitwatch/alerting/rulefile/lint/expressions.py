"""Expressions that parse and do not mean what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.rulefile.lint.bounds import bounds
from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject
from rabbitwatch.config.durations import format_duration
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
    ValueType,
    type_of,
    walk,
)

_NEEDS_TWO = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "changes", "resets"}
    | {"double_exponential_smoothing"}
)
_FILTERING_CALLS = frozenset({"absent", "absent_over_time", "vector"})
_SELECTS_STATE = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


def always_firing(subject: Subject) -> Iterator[Remark]:
    """An alert whose expression returns a series whatever its value is."""
    root = subject.root
    if not subject.is_alert or root is None:
        return
    if isinstance(root, Binary) and root.op in COMPARISONS and root.return_bool:
        yield Remark("expr", "'bool' makes the comparison return 0 or 1, and the alert fires for both: leave it out")
    elif type_of(root) is ValueType.VECTOR and not _filters(root):
        yield Remark("expr", "nothing is compared, so the alert fires for every series, whatever its value")


def _filters(node: Node) -> bool:
    """Whether the expression may return nothing while its series exist."""
    match node:
        case Selector():
            return node.metric in _SELECTS_STATE
        case Binary() if node.op in COMPARISONS:
            return not node.return_bool or _filters(node.left) or _filters(node.right)
        case Binary() if node.op in ("and", "unless"):
            return True
        case Binary() if node.op == "or":
            return _filters(node.left) and _filters(node.right)
        case Binary():
            return _filters(node.left) or _filters(node.right)
        case Aggregate() | Negate() | Subquery():
            return _filters(node.expr)
        case Call():
            return node.name in _FILTERING_CALLS or any(_filters(arg) for arg in node.args)
        case _:
            return False


def decided_comparisons(subject: Subject) -> Iterator[Remark]:
    """Comparisons that are true or false whatever the data are."""
    for node in walk(subject.root) if subject.root is not None else ():
        if not isinstance(node, Binary) or node.op not in COMPARISONS:
            continue
        flipped = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
        for side, number, op in (
            (node.left, node.right, node.op),
            (node.right, node.left, flipped.get(node.op, node.op)),
        ):
            if isinstance(number, Number) and not isinstance(side, Number):
                decided = bounds(side).decides(op, number.value)
                if decided is False or (decided is True and not _asks_for_existence(side)):
                    yield Remark("expr", _decided(side, op, number.value, true=decided))


def _asks_for_existence(side: Node) -> bool:
    """`count(x) > 0` is always true and yet asks something: whether there is an x, or one that passes a filter."""
    return _filters(side) or (isinstance(side, Aggregate) and side.op == "count")


def _decided(side: Node, op: str, value: float, *, true: bool) -> str:
    within = bounds(side)
    spans = f"{within.low:g}" if within.low == within.high else f"{within.low:g} to {within.high:g}"
    text = f"the comparison '{op} {value:g}' is {'always' if true else 'never'} true: the left side can only be {spans}"
    if isinstance(side, Aggregate) and side.op == "count" and not true:
        return text + " (a count of nothing is no series, not 0: use absent(), or add 'or vector(0)')"
    return text.replace("the left side", "what is compared")


def short_ranges(subject: Subject) -> Iterator[Remark]:
    """A rate over fewer than two samples gives nothing, or comes and goes."""
    needed = 2 * subject.data_interval_s
    for node in walk(subject.root) if subject.root is not None else ():
        if not isinstance(node, Call) or node.name not in _NEEDS_TWO:
            continue
        for arg in node.args:
            if isinstance(arg, RangeSelector) and arg.range_ms < needed * 1000:
                yield Remark(
                    "expr",
                    f"{node.name}(...[{format_duration(arg.range_ms / 1000)}]) needs two samples and data comes every "
                    f"{format_duration(subject.data_interval_s)}: use at least {format_duration(2 * needed)}",
                )
