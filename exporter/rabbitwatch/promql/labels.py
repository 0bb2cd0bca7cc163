"""Labels: one series' set, and the matchers that choose among many.

A LabelSet keeps the metric's name apart from the other labels, and names apart from values. All series of one family
then share one `names` tuple, and the sets of one queue in different families can share one `values` tuple, so a
set costs 64 bytes, and dropping the name costs no sorting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import re2

from rabbitwatch.errors import QueryError

METRIC_NAME = "__name__"
METADATA = frozenset({"__type__", "__unit__"})
"""Labels that say more about the metric, and go where its name goes (Prometheus' proposal 39)."""
_META = frozenset("\\.+*?()[]{}^$")


class LabelSet:
    """The labels of one series: immutable, without empty values, equal by content.

    name: the metric's name, "" where there is none. names: the other labels, sorted. values: theirs, in that order.
    The constructor trusts its caller; `LabelSet.of` takes anything.
    """

    __slots__ = ("_hash", "name", "names", "values")

    def __init__(self, name: str, names: tuple[str, ...], values: tuple[str, ...]) -> None:
        self.name = name
        self.names = names
        self.values = values
        self._hash: int | None = None

    @classmethod
    def of(cls, labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> LabelSet:
        """From any labels, `__name__` included; empty values are left out, because to PromQL they are no label."""
        pairs = sorted((k, v) for k, v in dict(labels).items() if v and k != METRIC_NAME)
        return cls(dict(labels).get(METRIC_NAME, ""), tuple(k for k, _ in pairs), tuple(v for _, v in pairs))

    def get(self, name: str, default: str = "") -> str:
        """The label's value, `default` where the set has no such label."""
        if name in self.names:
            return self.values[self.names.index(name)]
        return self.name or default if name == METRIC_NAME else default

    def pairs(self) -> list[tuple[str, str]]:
        """Name and value of each label, `__name__` included, sorted by name."""
        pairs = list(zip(self.names, self.values, strict=True))
        return sorted([(METRIC_NAME, self.name), *pairs]) if self.name else pairs

    def as_dict(self) -> dict[str, str]:
        """All labels, `__name__` included, sorted by name."""
        return dict(self.pairs())

    def without_name(self) -> LabelSet:
        """The same labels without `__name__` (and METADATA)."""
        if "__type__" in self.names or "__unit__" in self.names:
            return self.drop(())
        return LabelSet("", self.names, self.values) if self.name else self

    def keep(self, names: Iterable[str]) -> LabelSet:
        """Only these labels, as `by` and `on` leave them."""
        wanted = set(names)
        kept = [(k, v) for k, v in zip(self.names, self.values, strict=True) if k in wanted]
        name = self.name if METRIC_NAME in wanted else ""
        return LabelSet(name, tuple(k for k, _ in kept), tuple(v for _, v in kept))

    def drop(self, names: Iterable[str]) -> LabelSet:
        """Without these labels and without the name, as `without` and `ignoring` leave them."""
        return self._less(METADATA.union(names), "")

    def drop_but_name(self, names: Iterable[str]) -> LabelSet:
        """Without these labels, with the name."""
        return self._less(frozenset(names), self.name)

    def _less(self, unwanted: frozenset[str], name: str) -> LabelSet:
        kept = [(k, v) for k, v in zip(self.names, self.values, strict=True) if k not in unwanted]
        return LabelSet(name, tuple(k for k, _ in kept), tuple(v for _, v in kept))

    def replace(self, changes: Mapping[str, str]) -> LabelSet:
        """With these labels set; an empty value removes the label."""
        return LabelSet.of({**self.as_dict(), **changes})

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, LabelSet):
            return NotImplemented
        return self.values == other.values and self.name == other.name and self.names == other.names

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.name, self.names, self.values))
        return self._hash

    def __lt__(self, other: LabelSet) -> bool:
        return self.pairs() < other.pairs()

    def __str__(self) -> str:
        """As Prometheus prints a metric: `name{label="value"}`, `{}` for none."""
        inner = ", ".join(f"{k}={quote(v)}" for k, v in zip(self.names, self.values, strict=True))
        return self.name if self.name and not inner else f"{self.name}{{{inner}}}"

    def __repr__(self) -> str:
        return f"LabelSet({str(self)!r})"


def quote(text: str) -> str:
    """A string in double quotes, escaped as Go's %q does for what labels hold."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in escaped) + '"'


class MatchOp(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


def full_match(pattern: str) -> Callable[[str], bool]:
    """A predicate that is true where the whole text matches; RE2 syntax, `.` matches a line break, as in Prometheus 3.

    QueryError where the pattern is no RE2 expression.
    """
    alternatives = pattern.split("|")
    if not _META.intersection(pattern):
        return frozenset(alternatives).__contains__
    if pattern == ".*":
        return lambda _text: True
    if pattern == ".+":
        return bool
    match = compile_regex(pattern).fullmatch
    return lambda text: match(text) is not None


def compile_regex(pattern: str) -> Any:
    """The pattern compiled by RE2 with `.` matching line breaks; QueryError where it is no RE2 expression."""
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown reason"
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise QueryError(f"invalid regular expression {quote(pattern)}: {text}") from None


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a selector; a label that a series does not have counts as empty."""

    op: MatchOp
    name: str
    value: str
    matches: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", self._predicate())

    def _predicate(self) -> Callable[[str], bool]:
        wanted = self.value
        if self.op is MatchOp.EQUAL:
            return lambda text: text == wanted
        if self.op is MatchOp.NOT_EQUAL:
            return lambda text: text != wanted
        found = full_match(wanted)
        return found if self.op is MatchOp.REGEX else lambda text: not found(text)

    def accepts(self, labels: LabelSet) -> bool:
        """Whether the series with these labels satisfies the condition."""
        return self.matches(labels.get(self.name))

    def __str__(self) -> str:
        return f"{self.name}{self.op}{quote(self.value)}"


Matchers = tuple[Matcher, ...]
