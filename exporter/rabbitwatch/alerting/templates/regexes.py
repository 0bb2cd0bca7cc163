"""match and reReplaceAll: RE2 with Go's wording of errors and Go's replacement syntax."""

from __future__ import annotations

import re
from typing import Any

import re2

from rabbitwatch.alerting.templates.formatting import quote
from rabbitwatch.alerting.templates.limits import check_length
from rabbitwatch.alerting.templates.values import CallFailed, from_bytes, to_bytes

_GO_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
}
_MAX_COPIED = 500_000_000
"""RE2's Python binding copies the whole text for every match; so many bytes take about a tenth of a second."""
_REFERENCE = re.compile(r"\$(?:(\$)|([0-9A-Za-z_]+)|\{([0-9A-Za-z_]+)\})")


def compiled(pattern: str) -> Any:
    """The RE2 regex; CallFailed with Go's message."""
    options = re2.Options()
    options.log_errors = False  # the error is raised; RE2's own log would only repeat it on stderr
    try:
        return re2.compile(to_bytes(pattern), options)
    except re2.error as error:
        said = error.args[0]
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        what, _, where = reason.partition(": ")
        if reason.startswith("trailing \\"):
            what, where = "trailing backslash at end of expression", ""
        where = pattern if what in {"missing )", "unexpected )"} else where
        raise CallFailed(f"error parsing regexp: {_GO_WORDS.get(what, what)}: `{where}`") from None


def match(pattern: str, text: str) -> bool:
    """Whether the pattern occurs anywhere in the text: Go's match is not anchored."""
    return compiled(pattern).search(to_bytes(text)) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Go's ReplaceAllString: $1, ${1}, $name and ${name} stand for groups, $$ for a dollar."""
    try:
        regex = compiled(pattern)
    except CallFailed as error:
        shown = quote(pattern) if "`" in pattern or not pattern.isprintable() else f"`{pattern}`"
        raise CallFailed(f"regexp: Compile({shown}): {error}") from None
    data = to_bytes(text)  # bytes: with text RE2's binding counts characters at every match
    out: list[bytes] = []
    at = length = copied = 0
    previous = -1
    for found in regex.finditer(data):
        copied += len(data)
        if copied > _MAX_COPIED:
            raise CallFailed("too many matches in a text this long")
        start, end = found.span()
        if start == end and (start == previous or _inside_character(data, start)):
            continue  # Go takes no empty match right behind another one
        out += (data[at:start], _expanded(replacement, found, regex))
        length += len(out[-2]) + len(out[-1])
        check_length(length)
        at = previous = end
    out.append(data[at:])
    return from_bytes(b"".join(out))


def _inside_character(data: bytes, at: int) -> bool:
    return at < len(data) and 0x80 <= data[at] < 0xC0


def _expanded(replacement: str, found: Any, regex: Any) -> bytes:
    def group(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        number = int(name[:6]) if name.isascii() and name.isdigit() else regex.groupindex.get(name.encode(), -1)
        if not 0 <= number <= regex.groups:
            return ""
        part: bytes = found.group(number) or b""
        return from_bytes(part)

    return to_bytes(_REFERENCE.sub(group, replacement))
