"""What Go's literals mean: strings, characters and numbers. Every function raises ValueError with a plain reason."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_GROUPED = re.compile(r"(?:0[xXbBoO]_?)?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*")
INT_MAX = 2**63 - 1
INT_MIN = -(2**63)


def unquote(quoted: str) -> str:
    """The text of a "string" or 'c'haracter with Go's escapes; bytes that are no UTF-8 become U+FFFD."""
    quote, inner = quoted[0], quoted[1:-1]
    out = bytearray()
    at = 0
    for match in _ESCAPE.finditer(inner):
        out += inner[at : match.start()].encode("utf-8", "surrogatepass")
        out += _escaped(match.group(1), quote)
        at = match.end()
    out += inner[at:].encode("utf-8", "surrogatepass")
    return out.decode("utf-8", "replace")


def _escaped(code: str, quote: str) -> bytes:
    if code == quote:
        return quote.encode()
    if code in _SIMPLE:
        return _SIMPLE[code].encode()
    if len(code) == 1:
        raise ValueError(f"\\{code} is no escape that Go knows; write \\\\ for a backslash, or use `...`")
    number = int(code, 8) if code[0].isdigit() else int(code[1:], 16)
    if code[0] in "uU":
        if number > 0x10FFFF or 0xD800 <= number < 0xE000:
            raise ValueError(f"\\{code} is no character")
        return chr(number).encode()
    if number > 255:
        raise ValueError(f"\\{code} is no byte")
    return bytes([number])


def character(quoted: str) -> int:
    """'a' is the number of the character a."""
    text = unquote(quoted)
    if len(text) != 1:
        raise ValueError(f"{quoted} is not one character; strings stand in double quotes")
    return ord(text)


def number(text: str) -> tuple[int | float, int | None]:
    """A numeric constant: its own value, and its value where an int is wanted (None if it has none).

    It is a float64 by itself only when it is written like one (1.0, 1e3, 0x1p4).
    """
    if text.endswith("i") and not text.lower().startswith(("0x", "+0x", "-0x")):
        raise ValueError("complex numbers are not supported")
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    lower = digits.lower()
    hexadecimal = lower.startswith("0x")
    if hexadecimal and ("p" in lower or "." in lower):
        if "p" not in lower:
            raise ValueError(f"{text} lacks its exponent")
        return _real(float.fromhex(sign + digits.replace("_", "")))
    if not hexadecimal and ("." in lower or "e" in lower):
        return _real(float(text.replace("_", "")))
    return _integer(text, sign, lower)


def _integer(text: str, sign: str, digits: str) -> tuple[int, int]:
    if not _GROUPED.fullmatch(digits):
        raise ValueError(f"{text} is no number")
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "_01234567":
        digits = f"0o{digits[1:]}"  # Go reads 017 as octal, as C does
    try:
        value = int(sign + digits, 0)
    except ValueError:
        raise ValueError(f"{text} is no number: a leading 0 makes it octal") from None
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError(f"{text} does not fit into an int")
    return value, value


def _real(value: float) -> tuple[float, int | None]:
    whole = value.is_integer() and INT_MIN <= value <= INT_MAX
    return value, int(value) if whole else None
