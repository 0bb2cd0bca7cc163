"""What follows from matchers alone: that nothing can match them, or that some match whatever others match.

Equalities, inequalities and regexes that are plain alternatives (`a|b`) are decided; of other regexes only what is
plain to see. So a doubt is never called an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rabbitwatch.config.matchers import Matcher, Matchers, Operator

_PLAIN = re.compile(r"[\w \-:/@,]*")
_ANCHORED = re.compile(r"\^\(\?:(.*)\)\$", re.DOTALL)
# a value with a line end, which these do not match, is not worth a catch-all that nobody sees as one
_ANYTHING = frozenset({".*", "(.*)", "(?s).*", "(?s:.*)"})
_SOMETHING = frozenset({".+", "(.+)", "(?s).+", "(?s:.+)"})


def contradiction(matchers: Sequence[Matcher]) -> str | None:
    """Why no label set can match all of these; None where one may."""
    for matcher in matchers:
        if matcher.operator is Operator.NOT_MATCHES and _body(matcher) in _ANYTHING:
            return f"{matcher} refuses every value"
    for name in dict.fromkeys(matcher.name for matcher in matchers):
        about = [matcher for matcher in matchers if matcher.name == name]
        if _values(about) == frozenset():
            return f"{' and '.join(map(str, about))} exclude each other"
        for matcher in about:
            if _opposite(matcher) in about:
                return f"{matcher} and {_opposite(matcher)} exclude each other"
    return None


def covers(general: Matchers, special: Sequence[Matcher]) -> bool:
    """Whether whatever matches `special` certainly matches `general` too."""
    return all(_implied(matcher, special) for matcher in general)


def covered(special: Sequence[Matcher], others: Sequence[Matchers]) -> list[Matchers] | None:
    """Those of `others` that together match whatever `special` matches; None where something may get past them all."""
    whole = next((each for each in others if covers(each, special)), None)
    if whole is not None:
        return [whole]
    for name in dict.fromkeys(matcher.name for matcher in special):
        values = _values([matcher for matcher in special if matcher.name == name])
        if values is None:
            continue
        parts = [[*special, Matcher(name, Operator.EQUAL, value)] for value in sorted(values)]
        found = [next((each for each in others if covers(each, part)), None) for part in parts]
        if found and None not in found:
            return list(dict.fromkeys(each for each in found if each is not None))
    return None


def _implied(matcher: Matcher, given: Sequence[Matcher]) -> bool:
    if matcher in given or (matcher.operator is Operator.MATCHES and _body(matcher) in _ANYTHING):
        return True
    about = [each for each in given if each.name == matcher.name]
    values = _values(about)
    if values is not None:
        return all(matcher.matches({matcher.name: value}) for value in values)
    if _needs_a_value(matcher):
        return any(not each.matches({}) for each in about)
    return False


def _needs_a_value(matcher: Matcher) -> bool:
    """Whether it says no more than that the label is not empty."""
    if matcher.operator is Operator.NOT_EQUAL:
        return not matcher.value
    return matcher.operator is Operator.MATCHES and _body(matcher) in _SOMETHING


def _values(matchers: Iterable[Matcher]) -> frozenset[str] | None:
    """The values of one label that satisfy all of these, where they can be counted; None where they cannot."""
    every = list(matchers)
    for matcher in every:
        values = _listed(matcher)
        if values is not None:
            return frozenset(v for v in values if all(each.matches({each.name: v}) for each in every))
    return None


def _listed(matcher: Matcher) -> frozenset[str] | None:
    if matcher.operator is Operator.EQUAL:
        return frozenset({matcher.value})
    if matcher.operator is not Operator.MATCHES:
        return None
    body = _body(matcher)
    if body.startswith("(") and body.endswith(")"):
        body = body[1:-1].removeprefix("?:")
    parts = body.split("|")
    return frozenset(parts) if all(_PLAIN.fullmatch(part) for part in parts) else None


def _body(matcher: Matcher) -> str:
    """A regex without the anchors that change nothing."""
    found = _ANCHORED.fullmatch(matcher.value)
    return (found[1] if found else matcher.value).removeprefix("^").removesuffix("$")


def _opposite(matcher: Matcher) -> Matcher:
    return Matcher(matcher.name, _OPPOSITES[matcher.operator], matcher.value)


_OPPOSITES = {
    Operator.EQUAL: Operator.NOT_EQUAL,
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.MATCHES: Operator.NOT_MATCHES,
    Operator.NOT_MATCHES: Operator.MATCHES,
}
