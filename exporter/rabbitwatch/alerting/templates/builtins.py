"""The functions that Go itself gives to every template. Their errors are worded as Go words them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from rabbitwatch.alerting.templates.formatting import escape_html, escape_js, escape_query
from rabbitwatch.alerting.templates.gotime import Duration, Month, Weekday
from rabbitwatch.alerting.templates.printf import sprint, sprintf, sprintln
from rabbitwatch.alerting.templates.signatures import Signature
from rabbitwatch.alerting.templates.values import (
    CallFailed,
    GoType,
    Labels,
    TemplateSample,
    Uint8,
    from_bytes,
    go_type,
    to_bytes,
    truth,
    type_name,
)

_INTEGER_TYPES = frozenset((GoType.INT, GoType.INT64, GoType.UINT8, GoType.DURATION, GoType.MONTH, GoType.WEEKDAY))
_INCOMPATIBLE = "incompatible types for comparison"
_INVALID = "invalid type for comparison"


def basic_kind(kind: GoType) -> str | None:
    """The kind by which eq and lt compare: bool, int, float, string; None for what has no such kind."""
    if kind in _INTEGER_TYPES:
        return "int"
    return {GoType.BOOL: "bool", GoType.FLOAT: "float", GoType.STRING: "string", GoType.HTML: "string"}.get(kind)


def _kind(value: object) -> str | None:
    return None if value is None else basic_kind(go_type(value))


def _plain(value: object) -> object:
    """A value that Python compares as Go does."""
    if isinstance(value, Duration):
        return value.nanoseconds
    if isinstance(value, (Month, Weekday)):
        return value.number
    return to_bytes(value) if isinstance(value, str) else value


def _eq(first: object, *others: object) -> bool:
    if not others:
        raise CallFailed("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(left: object, right: object) -> bool:
    for value in (left, right):
        if isinstance(value, (dict, list)):
            raise CallFailed(f"non-comparable type {sprint([value])}: {type_name(value)}")
    if left is None or right is None:
        return left is right
    one, two = _kind(left), _kind(right)
    if one != two:
        raise CallFailed(_INCOMPATIBLE)
    if one is None:
        return left is right  # pointers: the same thing or not
    return _plain(left) == _plain(right)


def _ne(left: object, right: object) -> bool:
    return not _equal(left, right)


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[object, object], bool]:
    def ordered(left: object, right: object) -> bool:
        one, two = _kind(left), _kind(right)
        if one is None or two is None:
            raise CallFailed(_INVALID)
        if one != two:
            raise CallFailed(_INCOMPATIBLE)
        if one == "bool":
            raise CallFailed(_INVALID)
        return bool(compare(_plain(left), _plain(right)))

    return ordered


def _len(item: object) -> int:
    if item is None:
        raise CallFailed("len of nil pointer")
    if isinstance(item, str):
        return len(to_bytes(item))
    if isinstance(item, (dict, list)):
        return len(item)
    raise CallFailed(f"len of type {type_name(item)}")


def _position(index: object, limit: int) -> int:
    """An index into a string or a slice, between 0 and limit, both included."""
    if index is None:
        raise CallFailed("cannot index slice/array with nil")
    if isinstance(index, bool) or not isinstance(index, int):
        raise CallFailed(f"cannot index slice/array with type {type_name(index)}")
    if not 0 <= index <= limit:
        raise CallFailed(f"index out of range: {index}")
    return index


def _index(item: object, *indexes: object) -> object:
    if item is None:
        raise CallFailed("index of untyped nil")
    for index in indexes:
        item = _element(item, index)
    return item


def _element(item: object, index: object) -> object:
    if item is None:
        raise CallFailed("index of nil pointer")
    if isinstance(item, dict):
        if index is None:
            raise CallFailed("value is nil; should be of type string")
        if type(index) is not str:
            raise CallFailed(f"value has type {type_name(index)}; should be string")
        return item.get(index, "" if isinstance(item, Labels) else None)
    if isinstance(item, str):
        data = to_bytes(item)
        return Uint8(data[_position(index, len(data) - 1)])
    if isinstance(item, list):
        return item[_position(index, len(item) - 1)]
    raise CallFailed(f"can't index item of type {type_name(item)}")


def _slice(item: object, *indexes: object) -> object:
    if item is None:
        raise CallFailed("slice of untyped nil")
    if len(indexes) > 3:
        raise CallFailed(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str):
        if len(indexes) == 3:
            raise CallFailed("cannot 3-index slice a string")
        data = to_bytes(item)
        start, end = _bounds(indexes, len(data))
        return from_bytes(data[start:end])
    if isinstance(item, list):
        start, end = _bounds(indexes, len(item))
        return item[start:end]
    raise CallFailed(f"can't slice item of type {type_name(item)}")


def _bounds(indexes: tuple[object, ...], length: int) -> tuple[int, int]:
    given = [_position(index, length) for index in indexes]
    start, end, *cap = given + [0, length][len(given) :]
    for low, high in pairwise((start, end, *cap)):
        if low > high:
            raise CallFailed(f"invalid slice index: {low} > {high}")
    return start, end


def joined(values: tuple[object, ...]) -> str:
    """The text that html, js and urlquery escape: one string itself, or all values as print shows them."""
    shown = ["<no value>" if value is None else _pointed(value) for value in values]
    return sprint(shown)


def _pointed(value: object) -> object:
    """A sample prints here without the ampersand of a pointer, as in an action."""
    return sprint([[value]])[1:-1] if isinstance(value, TemplateSample) else value


def _call(function: object, *_: object) -> object:
    raise CallFailed("call of nil" if function is None else f"non-function of type {type_name(function)}")


_ANY, _STRING, _BOOL, _INT = GoType.ANY, GoType.STRING, GoType.BOOL, GoType.INT

AND, OR = "and", "or"
"""These two stop at the first argument that decides; the evaluator does that, and their entries only have the shape."""

BUILTINS: Mapping[str, Signature] = {
    function.name: function
    for function in (
        Signature(AND, (_ANY, _ANY), None, lambda *values: values[-1], variadic=True),
        Signature(OR, (_ANY, _ANY), None, lambda *values: values[-1], variadic=True),
        Signature("not", (_ANY,), _BOOL, lambda value: not truth(value)),
        Signature("eq", (_ANY, _ANY), _BOOL, _eq, variadic=True),
        Signature("ne", (_ANY, _ANY), _BOOL, _ne),
        Signature("lt", (_ANY, _ANY), _BOOL, _ordered(operator.lt)),
        Signature("le", (_ANY, _ANY), _BOOL, _ordered(operator.le)),
        Signature("gt", (_ANY, _ANY), _BOOL, _ordered(operator.gt)),
        Signature("ge", (_ANY, _ANY), _BOOL, _ordered(operator.ge)),
        Signature("len", (_ANY,), _INT, _len),
        Signature("index", (_ANY, _ANY), None, _index, variadic=True),
        Signature("slice", (_ANY, _ANY), None, _slice, variadic=True),
        Signature("print", (_ANY,), _STRING, lambda *values: sprint(values), variadic=True),
        Signature("println", (_ANY,), _STRING, lambda *values: sprintln(values), variadic=True),
        Signature("printf", (_STRING, _ANY), _STRING, lambda form, *values: sprintf(form, values), variadic=True),
        Signature("html", (_ANY,), _STRING, lambda *values: escape_html(joined(values)), variadic=True),
        Signature("js", (_ANY,), _STRING, lambda *values: escape_js(joined(values)), variadic=True),
        Signature("urlquery", (_ANY,), _STRING, lambda *values: escape_query(joined(values)), variadic=True),
        Signature("call", (_ANY, _ANY), None, _call, variadic=True),
    )
}
