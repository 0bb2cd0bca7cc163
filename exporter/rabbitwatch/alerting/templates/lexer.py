"""From a template's text to tokens, by the rules of Go's text/template."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rabbitwatch.errors import TemplateError

SPACES = " \t\r\n"
_KEYWORDS = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with", "true", "false")
)
_NUMBER = re.compile(
    r"""[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]+)?
           |0[bB][01_]+ | 0[oO][0-7_]+
           |[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]+)?)i?""",
    re.VERBOSE,
)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_TERMINATORS = frozenset(SPACES + ".,|:)(")


class Kind(StrEnum):
    """What a token is; the value is how a message calls it."""

    TEXT = "text"
    LEFT = "{{"
    RIGHT = "}}"
    OPEN = "("
    CLOSE = ")"
    SPACE = "a space"
    ASSIGN = "="
    DECLARE = ":="
    PIPE = "|"
    COMMA = ","
    DOT = "."
    STRING = "a string"
    RAW = "a raw string"
    CHARACTER = "a character"
    NUMBER = "a number"
    VARIABLE = "a variable"
    FIELD = "a field"
    IDENTIFIER = "a name"
    KEYWORD = "a keyword"
    END = "the end of the text"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    pos: int

    def __str__(self) -> str:
        return str(self.kind) if self.kind in {Kind.END, Kind.SPACE} else self.text


def position(text: str, pos: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, pos) + 1, pos - text.rfind("\n", 0, pos)


def syntax_error(text: str, pos: int, message: str) -> TemplateError:
    """An error at an offset of the text; the message says where, for a person who reads only the message."""
    line, column = position(text, pos)
    return TemplateError(f"{message} (at line {line}, column {column} of the template)", line, column)


def lex(text: str) -> list[Token]:
    """All tokens of a text, the last of kind END; TemplateError where the text is no template."""
    return list(_Lexer(text).tokens())


def alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def _meant(text: str, pos: int) -> str:
    """What a character that Go's templates do not know was probably meant for."""
    char = text[pos]
    if text.startswith("/*", pos):
        return ": a comment must touch its braces, {{/* so */}}"
    if char in "<>!":
        return ": compare with lt, le, gt, ge, eq or ne, as in {{if gt $value 5.0}}"
    if char in "*/%^":
        return ": templates do not calculate, do it in the expression or in a query"
    if char == "}":
        return ": }} ends an action"
    if char == "{":
        return ": actions do not nest"
    return ""


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pos = 0

    def _error(self, pos: int, message: str) -> TemplateError:
        return syntax_error(self._text, pos, message)

    def tokens(self) -> Iterator[Token]:
        trim = False  # the last action ended in -}}
        while True:
            start = self._pos
            left = self._text.find("{{", start)
            end = len(self._text) if left < 0 else left
            literal = self._text[start:end]
            if trim:
                literal = literal.lstrip(SPACES)
            trims_left = left >= 0 and self._text[left + 2 : left + 3] == "-" and self._at_space(left + 3)
            if trims_left:
                literal = literal.rstrip(SPACES)
            if literal:
                yield Token(Kind.TEXT, literal, start)
            if left < 0:
                yield Token(Kind.END, "", end)
                return
            self._pos = left + (4 if trims_left else 2)
            if self._text.startswith("/*", self._pos):
                trim = self._comment(left)
                continue
            yield Token(Kind.LEFT, "{{", left)
            yield from self._action(left)
            trim = self._text.startswith("-", self._pos - 3) and self._at_space(self._pos - 4)

    def _at_space(self, pos: int) -> bool:
        return pos < len(self._text) and self._text[pos] in SPACES

    def _right(self) -> int:
        """The length of the closing delimiter here, its trim marker included; 0 if there is none."""
        if self._text.startswith("}}", self._pos):
            return 2
        if self._at_space(self._pos) and self._text.startswith("-}}", self._pos + 1):
            return 4
        return 0

    def _comment(self, left: int) -> bool:
        """Step over a comment; whether it trims what follows."""
        close = self._text.find("*/", self._pos + 2)
        if close < 0:
            raise self._error(left, "this comment has no end: close it with */}}")
        self._pos = close + 2
        length = self._right()
        if not length:
            raise self._error(close, "a comment must fill its action: nothing may stand between */ and }}")
        self._pos += length
        return length == 4

    def _action(self, left: int) -> Iterator[Token]:
        """The tokens up to and with the closing delimiter."""
        opened: list[int] = []
        while True:
            length = self._right()
            if length:
                if opened:
                    raise self._error(opened[-1], "this parenthesis is not closed before }}")
                yield Token(Kind.RIGHT, "}}", self._pos)
                self._pos += length
                return
            if self._pos >= len(self._text):
                raise self._error(left, "this {{ is not closed: }} is missing")
            token = self._token()
            if token.kind is Kind.OPEN:
                opened.append(token.pos)
            elif token.kind is Kind.CLOSE:
                if not opened:
                    raise self._error(token.pos, "this ) closes nothing")
                opened.pop()
            yield token

    def _token(self) -> Token:
        text, start = self._text, self._pos
        char = text[start]
        if char in SPACES:
            self._pos += 1
            while self._at_space(self._pos) and not self._right():
                self._pos += 1
            return Token(Kind.SPACE, text[start : self._pos], start)
        if text.startswith(":=", start):
            return self._fixed(Kind.DECLARE, 2)
        single = {"=": Kind.ASSIGN, "|": Kind.PIPE, ",": Kind.COMMA, "(": Kind.OPEN, ")": Kind.CLOSE}.get(char)
        if single:
            return self._fixed(single, 1)
        if char in "\"`'":
            return self._literal(char)
        if char in string.digits + "+-" or (char == "." and text[start + 1 : start + 2] in set(string.digits)):
            return self._number()
        if char == "$":
            return self._word(Kind.VARIABLE)
        if char == ".":
            token = self._word(Kind.FIELD)
            return Token(Kind.DOT, ".", start) if token.text == "." else token
        if alphanumeric(char):
            token = self._word(Kind.IDENTIFIER)
            return Token(Kind.KEYWORD, token.text, start) if token.text in _KEYWORDS else token
        raise self._error(start, f"{char!r} means nothing inside {{{{ }}}}{_meant(text, start)}")

    def _fixed(self, kind: Kind, length: int) -> Token:
        start = self._pos
        self._pos += length
        return Token(kind, self._text[start : self._pos], start)

    def _literal(self, quote: str) -> Token:
        text, start = self._text, self._pos
        if quote == "`":
            end = text.find("`", start + 1)
            if end < 0:
                raise self._error(start, "this raw string is not closed: ` is missing")
            self._pos = end + 1
            return Token(Kind.RAW, text[start : self._pos], start)
        found = (_QUOTED if quote == '"' else _CHARACTER).match(text, start)
        if found is None:
            hint = "" if quote == '"' else ": strings stand in double quotes"
            raise self._error(start, f"this {quote} is not closed on its line{hint}")
        self._pos = found.end()
        return Token(Kind.STRING if quote == '"' else Kind.CHARACTER, found.group(), start)

    def _number(self) -> Token:
        start = self._pos
        found = _NUMBER.match(self._text, start)
        end = found.end() if found else start + 1
        while end < len(self._text) and alphanumeric(self._text[end]):
            end += 1
            found = None  # 3x, 0b12: no number at all
        self._pos = end
        word = self._text[start:end]
        if found is None or not any(char.isdigit() for char in word):
            raise self._error(start, f"{word!r} is no number")
        return Token(Kind.NUMBER, word, start)

    def _word(self, kind: Kind) -> Token:
        """A name with its leading $ or dot, up to something that may follow a name."""
        text, start = self._text, self._pos
        end = start + 1
        while end < len(text) and alphanumeric(text[end]):
            end += 1
        if end < len(text) and text[end] not in _TERMINATORS and not text.startswith("}}", end):
            word = text[start:end]
            raise self._error(end, f"{text[end]!r} cannot follow {word}{self._hint(kind, text[end])}")
        self._pos = end
        return Token(kind, text[start:end], start)

    @staticmethod
    def _hint(kind: Kind, char: str) -> str:
        if char in "=!<>" and kind is Kind.VARIABLE:
            return ": put spaces around = and :=, and compare with eq, ne, lt, gt"
        if char == "-" and kind in {Kind.FIELD, Kind.VARIABLE}:
            return ': a label whose name has a dash is read with index $labels "the-name"'
        if char == "[":
            return ': an element is read with index, as in index $labels "node"'
        if char in "+-*/%<>=!&":
            return ": templates have no operators, only functions such as eq, lt, and, or"
        return ": a space is missing"
