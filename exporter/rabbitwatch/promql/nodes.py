"""The expression tree: what the parser's answer is converted to, once, so that nothing else depends on the parser.

Times and durations are milliseconds. Nodes are compared by identity, so they can be keys of a cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rabbitwatch.promql.labels import METRIC_NAME, Matchers, MatchOp


class ValueType(StrEnum):
    """What an expression evaluates to, by the names of Prometheus' HTTP API."""

    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


class Edge(StrEnum):
    """`@ start()` and `@ end()`."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Shift:
    """Where a selector or a subquery looks: at the evaluation's time, or at `at`, minus `offset_ms`."""

    offset_ms: int = 0
    at: int | Edge | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Number:
    """A number literal."""

    value: float


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Text:
    """A string literal; bytes that are no UTF-8 are surrogates, as `surrogateescape` makes them."""

    value: str


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Selector:
    """An instant vector selector; the metric's name is a matcher of `__name__`."""

    matchers: Matchers
    shift: Shift

    @property
    def metric(self) -> str:
        """The metric's name, "" where the selector does not say one."""
        return next((m.value for m in self.matchers if m.name == METRIC_NAME and m.op is MatchOp.EQUAL), "")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RangeSelector:
    """`selector[range]`."""

    selector: Selector
    range_ms: int


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Subquery:
    """`expr[range:step]`; step None means the engine's default."""

    expr: Node
    range_ms: int
    step_ms: int | None
    shift: Shift


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Negate:
    """`-expr`."""

    expr: Node


class Cardinality(StrEnum):
    """How many rows of each side may match."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


@dataclass(frozen=True, slots=True)
class Matching:
    """How the rows of two vectors find each other.

    on: `labels` are the ones to match by, otherwise the ones to ignore. include: labels that the "one" side adds.
    fill_left, fill_right: the value of a missing row of that side.
    """

    on: bool = False
    labels: tuple[str, ...] = ()
    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Binary:
    """An operator between two expressions; `matching` counts only between two vectors."""

    op: str
    left: Node
    right: Node
    return_bool: bool
    matching: Matching


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by (labels)`, or `without (labels)`; no clause is `by ()`."""

    without: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Aggregate:
    """An aggregation; `param` is the k of topk, the q of quantile, the label of count_values."""

    op: str
    expr: Node
    param: Node | None
    grouping: Grouping


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Call:
    """A function call."""

    name: str
    args: tuple[Node, ...]
    returns: ValueType


Node = Number | Text | Selector | RangeSelector | Subquery | Negate | Binary | Aggregate | Call
SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


def type_of(node: Node) -> ValueType:
    """What the expression evaluates to."""
    match node:
        case Number():
            return ValueType.SCALAR
        case Text():
            return ValueType.STRING
        case RangeSelector() | Subquery():
            return ValueType.MATRIX
        case Call():
            return node.returns
        case Negate():
            return type_of(node.expr)
        case Binary():
            both = {type_of(node.left), type_of(node.right)}
            return ValueType.SCALAR if both == {ValueType.SCALAR} else ValueType.VECTOR
        case _:
            return ValueType.VECTOR


def children(node: Node) -> tuple[Node, ...]:
    """The expressions directly below."""
    match node:
        case RangeSelector():
            return (node.selector,)
        case Subquery() | Negate():
            return (node.expr,)
        case Binary():
            return (node.left, node.right)
        case Aggregate():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case Call():
            return node.args
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Parsed:
    """An expression that is ready to be evaluated, with its text as it was written."""

    text: str
    root: Node

    @property
    def type(self) -> ValueType:
        """What the expression evaluates to."""
        return type_of(self.root)
