"""From text to the expression tree, by way of promql-parser, whose traps are closed here and in `source`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import promql_parser as native

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.functions.table import is_supported, why_not
from rabbitwatch.promql.labels import METRIC_NAME, Matcher, Matchers, MatchOp
from rabbitwatch.promql.nodes import (
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Cardinality,
    Edge,
    Grouping,
    Matching,
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
)
from rabbitwatch.promql.source import Guarded, guard, to_time

_SHOWN = 120
_NEWER = ("anchored", "smoothed")


def parse(text: str) -> Parsed:
    """The expression, ready to be evaluated; QueryError, naming the expression, where it cannot be used."""
    try:
        guarded = guard(text)
        return Parsed(text, _Converter(guarded).convert(_native(guarded)))
    except QueryError as error:
        reason = error.message
    except (ValueError, OverflowError) as error:
        # reading an attribute of the native tree converts it: a time or a duration may not fit
        reason = f"parse error: {error}"
    raise QueryError(f"{reason}{_hint(text)}, in the expression {_shorten(text)}")


def _native(guarded: Guarded) -> Any:
    """The parser's own tree. A panic of the native code is a BaseException, which would end the calling thread."""
    try:
        return native.parse(guarded.text)
    except ValueError as error:
        raise QueryError(f"parse error: {guarded.restore(str(error))}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise QueryError(f"parse error: the parser gave up ({error})") from None


def _hint(text: str) -> str:
    found = [word for word in _NEWER if f" {word}" in text]
    return f" (the parser does not know the modifier {found[0]!r})" if found else ""


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + " ..."


def _milliseconds(duration: timedelta | None) -> int:
    return 0 if duration is None else duration // timedelta(milliseconds=1)


def _variant(native_enum: Any) -> str:
    """The name of a value of one of the parser's enumerations, which have neither equality nor hash."""
    return str(native_enum).rpartition(".")[2]


_MATCH_OPS = {
    "Equal": MatchOp.EQUAL,
    "NotEqual": MatchOp.NOT_EQUAL,
    "Re": MatchOp.REGEX,
    "NotRe": MatchOp.NOT_REGEX,
}
_CARDINALITIES = {
    "OneToOne": Cardinality.ONE_TO_ONE,
    "ManyToOne": Cardinality.MANY_TO_ONE,
    "OneToMany": Cardinality.ONE_TO_MANY,
    "ManyToMany": Cardinality.MANY_TO_MANY,
}


class _Converter:
    """Turns the parser's tree into ours."""

    def __init__(self, guarded: Guarded) -> None:
        self._restore = guarded.restore
        self._converters: dict[type, Callable[[Any], Node]] = {
            native.NumberLiteral: lambda e: Number(e.val),
            native.StringLiteral: lambda e: Text(self._restore(e.val)),
            native.VectorSelector: self._selector,
            native.MatrixSelector: lambda e: RangeSelector(self._selector(e.vector_selector), _milliseconds(e.range)),
            native.SubqueryExpr: self._subquery,
            native.UnaryExpr: self._negate,
            native.BinaryExpr: self._binary,
            native.AggregateExpr: self._aggregate,
            native.Call: self._call,
        }

    def convert(self, expr: Any) -> Node:
        """The node for a part of the parser's tree; parentheses have done their work and go."""
        while isinstance(expr, native.ParenExpr):
            expr = expr.expr
        return self._converters[type(expr)](expr)

    def _names(self, labels: Sequence[str] | None) -> tuple[str, ...]:
        """Sorted, as in label sets: keys made of all labels of a set are then its values as they stand."""
        return tuple(sorted(set(map(self._restore, labels or ()))))

    def _shift(self, expr: Any) -> Shift:
        at: int | Edge | None = None
        if expr.at is not None:
            kind = _variant(expr.at.type)
            at = to_time(expr.at.at) if kind == "At" else Edge(kind.lower())
        return Shift(_milliseconds(expr.offset), at)

    def _selector(self, expr: Any) -> Selector:
        if expr.matchers.or_matchers:
            raise QueryError(
                "'or' between label matchers is not PromQL; use a regular expression, or 'or' between two selectors"
            )
        found = [
            Matcher(_MATCH_OPS[_variant(m.op)], self._restore(m.name), self._restore(m.value))
            for m in expr.matchers.matchers
        ]
        if expr.name is not None:
            found.insert(0, Matcher(MatchOp.EQUAL, METRIC_NAME, expr.name))
        if all(m.matches("") for m in found):
            raise QueryError("parse error: vector selector must contain at least one non-empty matcher")
        matchers: Matchers = tuple(found)
        return Selector(matchers, self._shift(expr))

    def _subquery(self, expr: Any) -> Subquery:
        step = None if expr.step is None else _milliseconds(expr.step)
        return Subquery(self.convert(expr.expr), _milliseconds(expr.range), step, self._shift(expr))

    def _negate(self, expr: Any) -> Node:
        inner = self.convert(expr.expr)
        return Number(-inner.value) if isinstance(inner, Number) else Negate(inner)

    def _binary(self, expr: Any) -> Binary:
        op = str(expr.op).strip()
        left, right = self.convert(expr.lhs), self.convert(expr.rhs)
        modifier = expr.modifier
        cardinality = Cardinality.MANY_TO_MANY if op in SET_OPERATORS else Cardinality.ONE_TO_ONE
        if modifier is None:
            return Binary(op, left, right, False, Matching(cardinality=cardinality))
        if op not in SET_OPERATORS:
            cardinality = _CARDINALITIES[_variant(modifier.card)]
        matching, fill = modifier.matching, modifier.fill_values
        return Binary(
            op,
            left,
            right,
            bool(modifier.return_bool),
            Matching(
                on=matching is not None and _variant(matching.type) == "Include",
                labels=() if matching is None else self._names(matching.labels),
                cardinality=cardinality,
                include=self._names(modifier.group_labels),
                fill_left=None if fill is None else fill.lhs,
                fill_right=None if fill is None else fill.rhs,
            ),
        )

    def _aggregate(self, expr: Any) -> Aggregate:
        param = None if expr.param is None else self.convert(expr.param)
        grouping = Grouping()
        if expr.modifier is not None:
            grouping = Grouping(_variant(expr.modifier.type) == "Without", self._names(expr.modifier.labels))
        return Aggregate(str(expr.op).strip(), self.convert(expr.expr), param, grouping)

    def _call(self, expr: Any) -> Call:
        name = expr.func.name
        if not is_supported(name):
            raise QueryError(why_not(name))
        returns = ValueType[_variant(expr.func.return_type).upper()]
        return Call(name, tuple(map(self.convert, expr.args)), returns)
