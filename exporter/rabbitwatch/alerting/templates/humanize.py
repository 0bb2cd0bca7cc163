"""Figures for people, as Prometheus' templates write them."""

from __future__ import annotations

import math
import re

from rabbitwatch.alerting.templates.formatting import format_float, quote
from rabbitwatch.alerting.templates.gotime import Duration, Time
from rabbitwatch.alerting.templates.literals import INT_MAX, INT_MIN
from rabbitwatch.alerting.templates.values import CallFailed, Int64, type_name

_DECIMAL = re.compile(r"[+-]?(?:[0-9_]+\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?[pP][+-]?[0-9]+")
_WORDS = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}


def to_float(value: object) -> float:
    """A number, or the number that a string spells."""
    if isinstance(value, str):
        return _parse_float(value)
    if isinstance(value, float) or type(value) in {int, Int64}:
        return float(value)  # type: ignore[arg-type]
    raise CallFailed(f"can't convert {type_name(value)} to float")


def _parse_float(text: str) -> float:
    """Go's strconv.ParseFloat."""
    word = text.lower().lstrip("+-")
    if word in _WORDS and len(text) - len(word) <= 1:
        return -_WORDS[word] if text[0] == "-" else _WORDS[word]
    number: float | None
    try:
        if _HEXADECIMAL.fullmatch(text):
            return float.fromhex(text.replace("_", ""))
        number = float(text) if _DECIMAL.fullmatch(text) else None
    except OverflowError:
        number = math.inf
    except ValueError:
        number = None
    if number is None:
        raise CallFailed(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    if math.isinf(number):
        raise CallFailed(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return number


def _four(value: float) -> str:
    """%.4g"""
    return format_float(value, "g", 4)


def humanize(value: object) -> str:
    """1234567 is 1.235M, 0.12 is 120m."""
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return _four(number)
    if abs(number) >= 1:
        number, prefix = _scaled(number, 1000, ("k", "M", "G", "T", "P", "E", "Z", "Y"))
    else:
        number, prefix = _enlarged(number)
    return f"{_four(number)}{prefix}"


def humanize_1024(value: object) -> str:
    """1048576 is 1Mi."""
    number = to_float(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return _four(number)
    number, prefix = _scaled(number, 1024, ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"))
    return f"{_four(number)}{prefix}"


def _scaled(number: float, base: int, prefixes: tuple[str, ...]) -> tuple[float, str]:
    used = ""
    for prefix in prefixes:
        if abs(number) < base:
            break
        used = prefix
        number /= base
    return number, used


def _enlarged(number: float) -> tuple[float, str]:
    used = ""
    for prefix in ("m", "u", "n", "p", "f", "a", "z", "y"):
        if abs(number) >= 1:
            break
        used = prefix
        number *= 1000
    return number, used


def humanize_duration(value: object) -> str:
    """Seconds: 90000 is 1d 1h 0m 0s, 0.1 is 100ms."""
    seconds = to_float(value)
    if not math.isfinite(seconds):
        return _four(seconds)
    if seconds == 0:
        return f"{_four(seconds)}s"
    if abs(seconds) < 1:
        seconds, prefix = _enlarged(seconds)
        return f"{_four(seconds)}{prefix}s"
    sign = "-" if seconds < 0 else ""
    whole = min(int(abs(seconds)), INT_MAX)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {rest}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {rest}s"
    if minutes:
        return f"{sign}{minutes}m {rest}s"
    return f"{sign}{_four(abs(seconds))}s"


def humanize_percentage(value: object) -> str:
    """0.1234567 is 12.35%."""
    return f"{_four(to_float(value) * 100)}%"


def to_time(value: object) -> Time:
    """Seconds since the epoch, cut to milliseconds as Prometheus cuts them."""
    seconds = to_float(value)
    if not math.isfinite(seconds):
        raise CallFailed("value is NaN or Inf")
    nanoseconds = seconds * 1e9
    if not INT_MIN <= nanoseconds <= INT_MAX:
        shown = format_float(seconds)
        raise CallFailed(f"{shown} cannot be represented as a nanoseconds timestamp since it overflows int64")
    milliseconds = abs(int(nanoseconds)) // 1_000_000
    return Time((milliseconds if nanoseconds >= 0 else -milliseconds) * 1_000_000)


def humanize_timestamp(value: object) -> str:
    """Seconds since the epoch: 1435065584.128 is 2015-06-23 13:19:44.128 +0000 UTC."""
    seconds = to_float(value)
    return to_time(seconds).string() if math.isfinite(seconds) else _four(seconds)


def to_duration(value: object) -> Duration:
    """Seconds as a *time.Duration."""
    nanoseconds = to_float(value) * 1e9
    if not math.isfinite(nanoseconds) or not INT_MIN <= nanoseconds <= INT_MAX:
        raise CallFailed(f"{format_float(to_float(value))} seconds do not fit into a time.Duration")
    return Duration(int(nanoseconds), pointer=True)
