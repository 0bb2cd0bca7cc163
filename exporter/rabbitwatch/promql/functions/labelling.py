"""Functions that change or order labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import METRIC_NAME, LabelSet, Matchers, MatchOp, compile_regex, quote
from rabbitwatch.promql.values import Vector

_REFERENCE = re.compile(r"\$(?:\$|(?P<plain>\w+)|\{(?P<braced>\w+)\})", re.ASCII)
_CHUNK = re.compile(r"(\d+)", re.ASCII)


def check_label_name(name: str, message: str) -> None:
    """Raise QueryError unless it is a label name: any UTF-8 text but the empty one."""
    if not name or any("\ud800" <= c <= "\udfff" for c in name):
        raise QueryError(f"{message} {quote(name)}")


def _expander(template: str) -> Callable[[Any], str]:
    """Go's Regexp.Expand: `$1`, `${1}`, `$name`, `$$`; a reference to no group is empty."""

    def expand(match: Any) -> str:
        groups: Mapping[str, str | None] = {
            **match.groupdict(),
            **{str(i): g for i, g in enumerate((match.group(0), *match.groups()))},
        }

        def one(reference: re.Match[str]) -> str:
            key = reference["plain"] or reference["braced"]
            return "$" if key is None else groups.get(key) or ""

        return _REFERENCE.sub(one, template)

    return expand


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Set the target label to the expanded replacement in each row whose source label matches as a whole."""
    check_label_name(target, "invalid destination label name in label_replace():")
    regex, expand = compile_regex(pattern), _expander(replacement)
    memo: dict[str, str | None] = {}

    def new_value(labels: LabelSet) -> str | None:
        text = labels.get(source)
        if text not in memo:
            match = regex.fullmatch(text)
            memo[text] = None if match is None else expand(match)
        return memo[text]

    return _relabel(vector, target, new_value)


def label_join(vector: Vector, target: str, separator: str, *sources: str) -> Vector:
    """Set the target label to the source labels' values, joined."""
    check_label_name(target, "invalid destination label name in label_join():")
    for source in sources:
        check_label_name(source, "invalid source label name in label_join():")
    return _relabel(vector, target, lambda labels: separator.join([labels.get(s) for s in sources]))


def _relabel(vector: Vector, target: str, new_value: Callable[[LabelSet], str | None]) -> Vector:
    sets: list[LabelSet] = []
    drops = vector.drops()
    for row, labels in enumerate(vector.labels):
        value = new_value(labels)
        if value is None:
            sets.append(labels)
            continue
        sets.append(labels.replace({target: value}))
        if target == METRIC_NAME:
            drops[row] = False
    column = LabelColumn(sets)
    if not column.distinct():
        raise QueryError("vector cannot contain metrics with the same labelset")
    return Vector(column, vector.values, drops if any(drops) else False)


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(c), "") if c.isdigit() else (1, 0, c) for c in _CHUNK.split(text) if c]


def sort_by_label(vector: Vector, names: Sequence[str], descending: bool) -> Vector:
    """Rows by these labels, numbers in them by their value; ties by all labels."""
    sets = vector.labels.sets

    def key(row: int) -> tuple[list[list[tuple[int, int, str]]], list[tuple[str, str]]]:
        return [_natural(sets[row].get(n)) for n in names], sets[row].pairs()

    return vector.pick(sorted(range(len(sets)), key=key, reverse=descending))


def sort_by_value(vector: Vector, descending: bool) -> Vector:
    """Rows by value; NaN last in both directions."""
    sign = -1 if descending else 1
    values = vector.values
    order = sorted(range(len(values)), key=lambda i: (values[i] != values[i], sign * values[i]))
    return vector.pick(order)


def labels_for_absent(matchers: Matchers) -> LabelSet:
    """The labels that an absent series must have: those that exactly one matcher pins with `=`."""
    pinned: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op is MatchOp.EQUAL and matcher.name not in seen:
            pinned[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            pinned.pop(matcher.name, None)
    return LabelSet.of(pinned)
