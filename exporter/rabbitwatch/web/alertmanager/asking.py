"""What a GET asks for: `filter`, `receiver`, and which states, read as Alertmanager reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from rabbitwatch.config.matchers import Matcher, Matchers, Operator, match_all, parse_matchers
from rabbitwatch.config.patterns import compiled
from rabbitwatch.notify.ports import AlertStatus
from rabbitwatch.web.alertmanager.reply import RefusedError

_TRUE = {"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"}
_PLAIN = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*+)\s*+(=~|!=|!~|=(?!~))\s*+([^"\s].*|)', re.DOTALL)
MOST_CHARACTERS = 8192
"""Of all filters of a request: each of their matchers is tried on each alert."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are asked for."""

    matchers: Matchers
    receiver: Callable[[str], bool]
    active: bool
    silenced: bool
    inhibited: bool
    muted: bool
    unprocessed: bool

    @classmethod
    def of(cls, query: QueryParams) -> Wanted:
        """From the query string; RefusedError where it cannot be read."""
        return cls(
            matchers(query.getlist("filter")),
            _receiver(query.get("receiver", "")),
            *(_flag(query, name) for name in ("active", "silenced", "inhibited", "muted", "unprocessed")),
        )

    def takes(self, status: AlertStatus, now: float) -> bool:
        """Whether this alert is one of them; one that has ended is none."""
        ended = status.alert.ends_at
        if ended is not None and ended < now:
            return False
        if status.state == "active" and not self.active:
            return False
        if status.state == "unprocessed" and not self.unprocessed:
            return False
        if (status.silenced_by and not self.silenced) or (status.inhibited_by and not self.inhibited):
            return False
        return not (status.muted_by and not self.muted) and match_all(self.matchers, status.alert.labels)

    def heard(self, receivers: Iterable[str]) -> bool:
        """Whether one of these receivers is asked for; an alert that nobody is told of is there as long as none is."""
        return any(map(self.receiver, list(receivers) or [""]))


def matchers(texts: Iterable[str]) -> Matchers:
    """All filters, of which each is a matcher; RefusedError where one is none."""
    texts = list(texts)
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise RefusedError(400, f"bad matcher format: the filters are longer than {MOST_CHARACTERS} characters in all")
    try:
        return tuple(matcher for text in texts for matcher in parsed(text))
    except ValueError as error:
        raise RefusedError(400, f"bad matcher format: {error}") from None


def parsed(text: str) -> Matchers:
    """What a person or a program writes as a filter; beside lists also what Alertmanager takes without quotes, up to
    the end: `queue=~a{2}`. ValueError where it is nothing."""
    plain = _PLAIN.fullmatch(text.strip())
    found = (Matcher(plain[1], Operator(plain[2]), plain[3]),) if plain else parse_matchers(text)
    if not found:
        raise ValueError(f'{text!r} is no matcher; write it like severity="critical"')
    return found


def _receiver(text: str) -> Callable[[str], bool]:
    if not text:
        return lambda _: True
    try:
        regex: Any = compiled(text)
    except ValueError as error:
        raise RefusedError(400, f"failed to parse receiver param: {error}") from None
    return lambda name: regex.fullmatch(name) is not None


def _flag(query: QueryParams, name: str) -> bool:
    """As go-swagger reads it: what is none of the words for true is false."""
    text = query.get(name)
    return True if text is None else text.lower() in _TRUE
