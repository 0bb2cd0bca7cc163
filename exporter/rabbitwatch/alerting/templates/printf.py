"""Go's fmt: Sprint, Sprintln and Sprintf for the values that templates meet.

A mistake in a format is no error in Go: the place of the value shows it, such as %!d(string=hi).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rabbitwatch.alerting.templates.formatting import format_float
from rabbitwatch.alerting.templates.limits import check_length
from rabbitwatch.alerting.templates.values import type_name
from rabbitwatch.alerting.templates.verbs import Flags, format_value

_TOO_LARGE = 1_000_000  # fmt's own limit: beyond it a width is %!(BADWIDTH)
_DIRECTIVE = re.compile(
    r"""%(?P<marks>[+\-#\ 0]*)
        (?:\[(?P<width_index>[^]]*)\](?=\*))? (?P<width>\*|[0-9]+)?
        (?P<point>\. (?:\[(?P<precision_index>[^]]*)\](?=\*))? (?P<precision>\*|[0-9]+)?)?
        (?:\[(?P<index>[^]]*)\])? (?P<verb>.)?""",
    re.VERBOSE | re.DOTALL,
)


def sprint(values: Sequence[object]) -> str:
    """fmt.Sprint: a space between two values when neither is a string."""
    out: list[str] = []
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            out.append(" ")
        out.append(show(value))
    return "".join(out)


def sprintln(values: Sequence[object]) -> str:
    """fmt.Sprintln: a space between all values and a line feed after them."""
    return " ".join(show(value) for value in values) + "\n"


def show(value: object) -> str:
    """What %v prints."""
    if type(value) is str:
        return value
    if type(value) is float:
        return format_float(value)
    return format_value(value, "v", Flags())


def sprintf(template: str, values: Sequence[object]) -> str:
    """fmt.Sprintf; CallFailed when the result grows beyond the limit."""
    return _Printer(values).text(template)


def verbs(template: str) -> list[tuple[int, int]]:
    """Where the directives of a format stand, those that print a value: start and end offsets."""
    found = (match for match in _DIRECTIVE.finditer(template) if match["verb"] != "%")
    return [match.span() for match in found]


class _Printer:
    """One formatting: the values and which of them is next."""

    def __init__(self, values: Sequence[object]) -> None:
        self._values = values
        self._next = 0
        self._reordered = False  # an explicit [n] was seen: values left over are no mistake then
        self._bad_index = False

    def text(self, template: str) -> str:
        out: list[str] = []
        at = length = 0
        for match in _DIRECTIVE.finditer(template):
            out += (template[at : match.start()], self._directive(match))
            at = match.end()
            length += len(out[-2]) + len(out[-1])
            check_length(length)
        out.append(template[at:])
        if not self._reordered and self._next < len(self._values):
            out.append(self._extra())
        return "".join(out)

    def _extra(self) -> str:
        left = self._values[self._next :]
        shown = ("<nil>" if value is None else f"{type_name(value)}={show(value)}" for value in left)
        return f"%!(EXTRA {', '.join(shown)})"

    def _directive(self, match: re.Match[str]) -> str:
        self._bad_index = False
        marks = match["marks"]
        width, bad_width = self._measure(match["width"], match["width_index"], "%!(BADWIDTH)")
        minus = "-" in marks
        if width is not None and width < 0:
            width, minus = -width, True
        precision, bad_precision = self._measure(match["precision"], match["precision_index"], "%!(BADPREC)")
        if precision is not None and precision < 0:
            precision, bad_precision = None, "%!(BADPREC)"
        elif match["point"] and match["precision"] is None:
            precision = 0
        self._seek(match["index"])
        flags = Flags(
            plus="+" in marks,
            minus=minus,
            sharp="#" in marks,
            space=" " in marks,
            zero="0" in marks and not minus,
            width=width,
            precision=precision,
        )
        return bad_width + bad_precision + self._value(match["verb"], flags)

    def _value(self, verb: str | None, flags: Flags) -> str:
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if self._bad_index:
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{verb}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return format_value(value, verb, flags)

    def _seek(self, index: str | None) -> None:
        """Go to the value that an explicit [n] names."""
        if index is None:
            return
        self._reordered = True
        if index.isascii() and index.isdigit() and 1 <= int(index[:9]) <= len(self._values):
            self._next = int(index) - 1
        else:
            self._bad_index = True

    def _measure(self, digits: str | None, index: str | None, complaint: str) -> tuple[int | None, str]:
        """A width or a precision, and the complaint about it: literal, or the next value for a star."""
        if digits is None:
            return None, ""
        if digits != "*":
            # beyond the limit Go's scanner gives up on the number as a whole
            number = int(digits[:9])
            return (None, complaint) if number > _TOO_LARGE else (number, "")
        self._seek(index)
        if self._bad_index or self._next >= len(self._values):
            return None, complaint
        value = self._values[self._next]
        self._next += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _TOO_LARGE:
            return None, complaint
        return value, ""
