"""Matchers on labels, in Alertmanager's language: `severity="critical"`, `{queue=~"orders\\..*", vhost!="/"}`.

Regexes are RE2 and anchored at both ends. A label that an alert lacks is the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator

from rabbitwatch.config.patterns import compiled
from rabbitwatch.config.problems import KeyedError


class Operator(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"

    @property
    def regex(self) -> bool:
        return self in (Operator.MATCHES, Operator.NOT_MATCHES)


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One condition on one label. ValueError where the name is empty or the regex is none."""

    name: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a matcher needs the name of a label")
        if self.operator.regex:
            compiled(self.value)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels satisfy it."""
        value = labels.get(self.name, "")
        operator = self.operator
        if operator is Operator.EQUAL:
            return value == self.value
        if operator is Operator.NOT_EQUAL:
            return value != self.value
        return _fits(self.value, value) is (operator is Operator.MATCHES)

    def __str__(self) -> str:
        """As Alertmanager spells it, also where it is part of a group's key."""
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else quoted(self.name)
        return f"{name}{self.operator}{quoted(self.value)}"


Matchers = tuple[Matcher, ...]
"""All of them must match; an empty list matches everything."""


def match_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy every one of these matchers."""
    return all(matcher.matches(labels) for matcher in matchers)


def ordered(matchers: Iterable[Matcher]) -> Matchers:
    """In Alertmanager's order: by name, value and operator (=, !=, =~, !~)."""
    return tuple(sorted(matchers, key=lambda each: (each.name, each.value, _OPERATORS.index(each.operator))))


def spelled(matchers: Iterable[Matcher]) -> str:
    """`{a="b",c=~"d"}`, as Alertmanager writes a list; `{}` for an empty one."""
    return "{" + ",".join(map(str, matchers)) + "}"


def quoted(text: str) -> str:
    """As Alertmanager (and OpenMetrics) write a value: in double quotes; backslash, quote and line end escaped."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'


def parse_matchers(text: str) -> Matchers:
    """`{a="b", c=~"d"}`, with or without braces, quotes optional around plain values. ValueError says what is wrong."""
    inner = text.strip()
    if inner.startswith("{") != inner.endswith("}") or inner == "{":
        raise ValueError(f"{text!r} is no list of matchers: a brace is missing")
    if inner.startswith("{"):
        inner = inner[1:-1].strip()
    return tuple(_split(inner, text)) if inner else ()


def parse_matcher(text: str) -> Matcher:
    """Exactly one matcher; ValueError otherwise."""
    found = parse_matchers(text)
    if len(found) != 1:
        raise ValueError(f'{text!r} is not one matcher; write it like severity="critical"')
    return found[0]


_OPERATORS = tuple(Operator)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_UNESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
_PLAIN_NAME = re.compile(r"[^\s{}!=~,\\\"'`]+")
_TOKEN = re.compile(
    # nothing is given back (++, *+): a client's matcher that is none must cost time in proportion to its length
    r"""\s*+(?P<name>"(?:[^"\\]|\\.)*+"|[^\s{}!=~,\\"'`]++)\s*+(?P<operator>=~|!~|!=|=)\s*+"""
    r"""(?P<value>"(?:[^"\\]|\\.)*+"|[^\s{},"'`]*+)\s*+(?P<end>,|$)""",
    re.DOTALL,
)


@lru_cache(maxsize=50_000)
def _fits(regex: str, value: str) -> bool:
    """Remembered, because thousands of alerts share few values and RE2's call from Python takes microseconds."""
    return compiled(regex).fullmatch(value) is not None


def _split(inner: str, whole: str) -> Iterator[Matcher]:
    at = 0
    while at < len(inner):
        found = _TOKEN.match(inner, at)
        if found is None:
            raise ValueError(f'{whole!r} is no matcher from {inner[at:][:40]!r} on; write it like severity="critical"')
        yield Matcher(_plain(found["name"]), Operator(found["operator"]), _plain(found["value"]))
        at = found.end()


def _plain(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", lambda escape: _UNESCAPES.get(escape[1], escape[0]), text[1:-1], flags=re.DOTALL)


def _read(value: Any) -> Any:
    """From a file: a list of texts (each one or more matchers), or matchers already made."""
    if isinstance(value, str):
        raise ValueError("must be a list of matchers, such as ['severity=\"critical\"']")  # noqa: TRY004 - pydantic's protocol
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(each for index, item in enumerate(value) for each in _item(item, index))


def _item(item: Any, index: int) -> Matchers:
    if isinstance(item, Matcher):
        return (item,)
    if not isinstance(item, str):
        raise KeyedError(index, "must be text: put it in quotes, such as 'severity=\"critical\"'")
    try:
        return parse_matchers(item)
    except ValueError as error:
        raise KeyedError(index, str(error)) from None


MatcherList = Annotated[Matchers, BeforeValidator(_read)]
"""A key of the configuration that holds matchers."""
