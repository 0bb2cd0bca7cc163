"""What an expression will ask for, and which labels its result can carry: known without evaluating it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rabbitwatch.promql.functions.elementwise import DATES
from rabbitwatch.promql.functions.labelling import labels_for_absent
from rabbitwatch.promql.functions.ranges import KEEP_NAME
from rabbitwatch.promql.labels import METRIC_NAME, Matchers
from rabbitwatch.promql.nodes import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Cardinality,
    Negate,
    Node,
    Number,
    Parsed,
    RangeSelector,
    Selector,
    Shift,
    Subquery,
    Text,
    ValueType,
    children,
    type_of,
)
from rabbitwatch.promql.storage import LOOKBACK_MS


@dataclass(frozen=True, slots=True)
class Need:
    """What one selector of an expression reads when the expression is evaluated at a time T.

    It reads samples in (T - back_ms, T + ahead_ms]; where `fixed_ms` is not None, T is that time, whenever the
    evaluation happens (`@ 1600000000`). range_ms: of a range selector, its own range; 0 for an instant selector.
    """

    matchers: Matchers
    back_ms: int
    ahead_ms: int
    range_ms: int
    fixed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far before and after the evaluation's time the surrounding subqueries evaluate."""

    back_ms: int = 0
    ahead_ms: int = 0
    fixed_ms: int | None = None

    def shifted(self, shift: Shift, range_ms: int) -> _Reach:
        base = _Reach(0, 0, shift.at) if isinstance(shift.at, int) else self
        if shift.at is not None and not isinstance(shift.at, int):
            base = _Reach(0, 0, None)  # `@ start()` and `@ end()` of an instant query are its own time
        return _Reach(base.back_ms + shift.offset_ms + range_ms, base.ahead_ms - shift.offset_ms, base.fixed_ms)


def selectors(parsed: Parsed, lookback_ms: int = LOOKBACK_MS) -> list[Need]:
    """Each selector, with the span that it reads: its range or the lookback, its offset, and those of subqueries."""
    return list(_needs(parsed.root, _Reach(), lookback_ms))


def _needs(node: Node, reach: _Reach, lookback_ms: int) -> Iterator[Need]:
    match node:
        case Selector():
            yield _need(node, reach.shifted(node.shift, lookback_ms), 0)
        case RangeSelector():
            yield _need(node.selector, reach.shifted(node.selector.shift, node.range_ms), node.range_ms)
        case Subquery():
            yield from _needs(node.expr, reach.shifted(node.shift, node.range_ms), lookback_ms)
        case _:
            for child in children(node):
                yield from _needs(child, reach, lookback_ms)


def _need(selector: Selector, reach: _Reach, range_ms: int) -> Need:
    return Need(selector.matchers, max(0, reach.back_ms), max(0, reach.ahead_ms), range_ms, reach.fixed_ms)


@dataclass(frozen=True, slots=True)
class Carried:
    """Which labels the rows of a result can carry. only: no others than these; None where any is possible.
    never: certainly not these.
    """

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def cannot_have(self, label: str) -> bool:
        """Whether no row can have the label."""
        return label in self.never or (self.only is not None and label not in self.only)

    def less(self, *labels: str) -> Carried:
        """Without these labels."""
        gone = frozenset(labels)
        return Carried(None if self.only is None else self.only - gone, self.never | gone)

    def plus(self, *labels: str) -> Carried:
        """Possibly with these labels."""
        more = frozenset(labels)
        return Carried(None if self.only is None else self.only | more, self.never - more)

    def among(self, labels: frozenset[str]) -> Carried:
        """With no others than these."""
        return Carried(frozenset(label for label in labels if not self.cannot_have(label)))

    def either(self, other: Carried) -> Carried:
        """What a row can carry that comes from one or the other."""
        only = None if self.only is None or other.only is None else self.only | other.only
        never = frozenset(label for label in self.never | other.never if self._neither(other, label))
        return Carried(only, never)

    def _neither(self, other: Carried, label: str) -> bool:
        return self.cannot_have(label) and other.cannot_have(label)


ANYTHING = Carried()
NOTHING = Carried(frozenset())
MetricLabels = Callable[[str], frozenset[str] | None]
"""The labels that the series of a metric can have; None where that is not known."""


def labels_of(parsed: Parsed, metric_labels: MetricLabels = lambda _name: None) -> Carried:
    """Which labels the result of the expression can carry, `__name__` included."""
    return _carried(parsed.root, metric_labels)


def _carried(node: Node, known: MetricLabels) -> Carried:
    match node:
        case Number() | Text():
            return NOTHING
        case Selector():
            return _of_selector(node, known)
        case RangeSelector():
            return _of_selector(node.selector, known)
        case Subquery():
            return _carried(node.expr, known)
        case Negate():
            return _carried(node.expr, known).less(METRIC_NAME)
        case Aggregate():
            return _of_aggregate(node, known)
        case Binary():
            return _of_binary(node, known)
        case Call():
            return _of_call(node, known)


def _of_selector(selector: Selector, known: MetricLabels) -> Carried:
    labels = known(selector.metric) if selector.metric else None
    found = ANYTHING if labels is None else Carried(labels | {METRIC_NAME})
    return found.less(*(m.name for m in selector.matchers if not m.value and m.op == "="))


def _of_aggregate(node: Aggregate, known: MetricLabels) -> Carried:
    inner = _carried(node.expr, known)
    if node.op in ("topk", "bottomk", "limitk", "limit_ratio"):
        return inner
    labels = node.grouping.labels
    found = inner.less(METRIC_NAME, *labels) if node.grouping.without else inner.among(frozenset(labels))
    if node.op == "count_values" and isinstance(node.param, Text):
        return found.plus(node.param.value)
    return found


def _of_binary(node: Binary, known: MetricLabels) -> Carried:
    left, right = _carried(node.left, known), _carried(node.right, known)
    if node.op in SET_OPERATORS:
        return left.either(right) if node.op == "or" else left
    keeps_name = node.op in COMPARISONS and not node.return_bool
    if ValueType.SCALAR in (type_of(node.left), type_of(node.right)):
        found = right if type_of(node.left) is ValueType.SCALAR else left
        return found if keeps_name else found.less(METRIC_NAME)
    matching = node.matching
    many = right if matching.cardinality is Cardinality.ONE_TO_MANY else left
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        many = many.among(frozenset(matching.labels)) if matching.on else many.less(*matching.labels)
    else:
        many = many.plus(*matching.include)
    return many if keeps_name else many.less(METRIC_NAME)


_TAKE_NO_LABELS = frozenset({"time", "pi", "start", "end", "step", "range", "min_of", "max_of", "vector", "scalar"})
_KEEPS_ALL = KEEP_NAME | {"sort", "sort_desc", "sort_by_label", "sort_by_label_desc"}


def _of_call(node: Call, known: MetricLabels) -> Carried:
    if node.name in _TAKE_NO_LABELS or (node.name in DATES and not node.args):
        return NOTHING
    if node.name in ("absent", "absent_over_time"):
        return _of_absent(node.args[0])
    if node.name in ("label_replace", "label_join"):
        target = node.args[1]
        inner = _carried(node.args[0], known)
        return inner.plus(target.value) if isinstance(target, Text) else ANYTHING
    vectors = [arg for arg in node.args if type_of(arg) in (ValueType.VECTOR, ValueType.MATRIX)]
    inner = _carried(vectors[0], known)
    if node.name in ("histogram_quantile", "histogram_fraction"):
        return inner.less(METRIC_NAME, "le")
    return inner if node.name in _KEEPS_ALL else inner.less(METRIC_NAME)


def _of_absent(node: Node) -> Carried:
    selector = node.selector if isinstance(node, RangeSelector) else node
    if not isinstance(selector, Selector):
        return NOTHING
    return Carried(frozenset(labels_for_absent(selector.matchers).names))
