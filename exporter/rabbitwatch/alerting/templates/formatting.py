"""How Go spells single values: floats, quoted strings, escaped text."""

from __future__ import annotations

import math
from urllib.parse import quote_plus

_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}
_HTML = str.maketrans(
    {"\0": "\N{REPLACEMENT CHARACTER}", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def format_float(value: float, verb: str = "g", precision: int | None = None, *, sharp: bool = False) -> str:
    """Go's strconv.FormatFloat for the verbs e, E, f, g, G; g without precision has the shortest digits.

    The shortest form takes an exponent below 0.0001 and from 1000000 on: 1234567 is 1.234567e+06.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if precision is not None or verb not in "gG" or sharp:
        return f"%{'#' if sharp else ''}.{6 if precision is None else precision}{verb}" % value
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0:
        return f"{sign}0"
    digits, exponent = _shortest(abs(value))
    if -4 <= exponent < 6:
        return sign + _plain(digits, exponent)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}{'e' if verb == 'g' else 'E'}{exponent:+03d}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits of a positive float that read back, and the decimal exponent of the first of them."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    significant = digits.lstrip("0")
    exponent = int(power or "0") + len(whole) - 1 - (len(digits) - len(significant))
    return significant.rstrip("0"), exponent


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    padded = digits.ljust(exponent + 1, "0")
    fraction = padded[exponent + 1 :]
    return padded[: exponent + 1] + (f".{fraction}" if fraction else "")


def hex_float(value: float, *, upper: bool = False) -> str:
    """%x of a float: 1.5 is 0x1.8p+00."""
    if math.isnan(value) or math.isinf(value):
        return format_float(value)
    mantissa, _, power = value.hex().partition("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    text = f"{whole}{'.' + fraction if fraction else ''}p{int(power):+03d}"
    return text.upper() if upper else text


def quote(text: str, *, mark: str = '"') -> str:
    """Go's strconv.Quote: printable characters as they are, all others as escapes."""
    return mark + "".join(_quoted(char, mark) for char in text) + mark


def _quoted(char: str, mark: str) -> str:
    if char == mark:
        return f"\\{mark}"
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escape_html(text: str) -> str:
    return text.translate(_HTML)


def escape_js(text: str) -> str:
    return "".join(_js(char) for char in text)


def _js(char: str) -> str:
    if char in _JS:
        return _JS[char]
    return char if char.isprintable() else f"\\u{ord(char):04X}"


def escape_query(text: str) -> str:
    """Go's url.QueryEscape."""
    return quote_plus(text, safe="", errors="replace")
