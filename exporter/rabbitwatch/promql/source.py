"""The expression's text, made safe for the native parser.

promql-parser 0.11 recurses natively: 20,000 parentheses, or a chain of 5,000 operators, end the whole process, so depth
is bounded here. It also refuses what Prometheus takes: it checks escapes in raw (backquoted) strings, and regular
expressions by other rules than RE2's, and reading a negative `@` panics. So it never sees a string: each is decoded
here by Go's rules and stands in the text as one private character. Negative times are moved to where the parser can
carry them. `Guarded.restore` and `to_time` undo both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rabbitwatch.config.durations import parse_duration
from rabbitwatch.errors import QueryError

MAX_LENGTH = 65_536
MAX_DEPTH = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEGATIVE_BASE_S = 200_000_000_000
_NEGATIVE_LIMIT_S = _NEGATIVE_BASE_S // 2
_FIRST_MARK = 0xF0000
_MARK = re.compile("[\U000f0000-\U000ffffd]")
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<unclosed>["'`])
    |(?P<at>@\s*-\s*[\d.][\w.]*)
    |(?P<operator>[+\-*/%^]|==|!=|<=|>=|<|>)
    |(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*|[0-9.][A-Za-z0-9_.]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SIMPLE = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}


@dataclass(frozen=True, slots=True)
class Guarded:
    """What to hand to the parser, and the strings that were taken out of it."""

    text: str
    strings: tuple[str, ...]

    def restore(self, parsed: str) -> str:
        """A string, a name or a message of the parser, with the strings in it that stood there."""
        return _MARK.sub(lambda m: self.strings[ord(m.group()) - _FIRST_MARK], parsed)


def guard(text: str) -> Guarded:
    """The text made safe; QueryError where it is too long, nested too deeply, or a string in it is wrong."""
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the expression is {len(text):,} characters long; the limit is {MAX_LENGTH:,}")
    if _MARK.search(text):
        raise QueryError("the expression holds characters of Unicode's private plane 15")
    depth = _Depth()
    parts: list[str] = []
    strings: list[str] = []
    for token in _TOKEN.finditer(text):
        kind, piece = token.lastgroup, token.group()
        if kind == "unclosed":  # going on would look for the end once more from each quote behind it
            raise QueryError(f"parse error: unterminated quoted string {piece}")
        depth.see(kind, piece)
        if kind == "string":
            strings.append(decode_string(piece))
            piece = f'"{chr(_FIRST_MARK + len(strings) - 1)}"'
        elif kind == "at":
            piece = _move(piece)
        parts.append(piece)
    return Guarded("".join(parts), tuple(strings))


class _Depth:
    """Bounds the tree's depth while tokens go by: an open bracket, and an operator in a chain, may add one level."""

    def __init__(self) -> None:
        self._chains = [0]
        self._total = 0

    def see(self, kind: str | None, piece: str) -> None:
        """Take one token; QueryError where the tree could get too deep for the parser's stack."""
        if kind == "open":
            self._chains.append(0)
            self._total += 1
        elif kind == "close" and len(self._chains) > 1:
            self._total -= self._chains.pop() + 1
        elif kind == "comma":
            self._total -= self._chains[-1]
            self._chains[-1] = 0
        elif kind in ("operator", "at") or (kind == "word" and piece.lower() in _WORD_OPERATORS):
            self._chains[-1] += 1
            self._total += 1
        if self._total > MAX_DEPTH:
            raise QueryError(f"the expression nests, or chains operators, more than {MAX_DEPTH} levels deep")


def _move(piece: str) -> str:
    """`@ -5` as the time past the base that `to_time` turns back; what is no number is left to the parser's error."""
    number = piece.partition("-")[2].strip()
    try:
        seconds = float(number)
    except ValueError:
        try:
            seconds = parse_duration(number)
        except ValueError:
            return piece
    if seconds >= _NEGATIVE_LIMIT_S:
        raise QueryError(f"timestamp out of bounds for @ modifier: -{number}")
    return f"@ {_NEGATIVE_BASE_S + seconds:.3f}"


def decode_string(literal: str) -> str:
    """What the literal stands for; bytes that are no UTF-8 are surrogates, as `surrogateescape` makes them."""
    body = literal[1:-1].encode(errors="surrogatepass")
    decoded = body if literal[0] == "`" else _unescape(body, literal[0].encode())
    return decoded.decode(errors="surrogateescape")


def _unescape(body: bytes, quote: bytes) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        if code in _SIMPLE:
            return _SIMPLE[code]
        if code == quote:
            return code
        if code[:1] == b"x":
            return bytes([int(code[1:], 16)])
        if code[:1] in b"uU" and len(code) > 1 and int(code[1:], 16) <= 0x10FFFF:
            return chr(int(code[1:], 16)).encode(errors="surrogatepass")
        if len(code) == 3 and int(code, 8) <= 0xFF:
            return bytes([int(code, 8)])
        raise QueryError(f"unknown escape sequence \\{code.decode(errors='replace')} in a string")

    return _ESCAPE.sub(one, body)


def to_time(parsed: datetime) -> int:
    """The time of an `@`, in milliseconds."""
    milliseconds = (parsed - _EPOCH) // timedelta(milliseconds=1)
    if milliseconds > _NEGATIVE_LIMIT_S * 1000:
        return _NEGATIVE_BASE_S * 1000 - milliseconds
    return milliseconds
