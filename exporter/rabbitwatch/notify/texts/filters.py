"""Filters for templates of notices, besides Jinja2's own: times, durations and figures as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from rabbitwatch.alerting.templates import humanize as prometheus

_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_FORMAT = re.compile(r"%(?:%|[-+ 0#]?\d{0,2}(?:\.\d{1,2})?[sdfgex])|%")
_HARMLESS = re.compile(r"[0-9A-Za-z :.+-]*")
_VALUE = 120
_MARKERS = {
    "critical": "🔴",
    "error": "🔴",
    "page": "🔴",
    "warning": "🟠",
    "info": "🔵",
    "none": "⚪",
    "resolved": "🟢",
}


def duration(seconds: float) -> str:
    """The two largest units: `4 m 12 s`, `2 d 3 h`."""
    left = round(max(0.0, seconds))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts)) or "0 s"


@pass_context
def ago(context: Context, at: float) -> str:
    """`4 m ago`, counted from the notice's own time, so that the same notice always reads the same."""
    return f"{duration(float(context['now']) - at)} ago"


def time(at: float, style: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    """Seconds since the epoch, in UTC; not escaped where it holds nothing that could be markup."""
    text = datetime.fromtimestamp(at, UTC).strftime(style)
    return Markup(text) if _HARMLESS.fullmatch(text) else text  # noqa: S704 - just checked


def humanize(value: float | str) -> str:
    """1234567 is 1.235M, as Prometheus' templates write it."""
    number = float(value)
    return prometheus.humanize(number) if math.isfinite(number) else str(number)


def truncate(text: object, length: int = 200) -> str:
    """At most that many characters, the last of them `…` where something is missing."""
    whole = str(text)
    if len(whole) <= length:
        return text if isinstance(text, str) else whole
    if isinstance(text, Markup):
        raise TypeError("truncate what is inserted, not what is formatted already")
    return whole[: length - 1].rstrip() + "…"


def text_format(pattern: str, *values: object) -> str:
    """`"%.1f"|format(x)`, with small widths."""
    if isinstance(pattern, Markup) or "%" in _FORMAT.findall(pattern):
        raise ValueError("the format may hold %s, %d, %f, %g, %e and %x with a width below 100")
    return str(pattern) % values


def pairs(labels: Mapping[str, str], *without: str) -> list[tuple[str, str]]:
    """Labels by name, without the named ones, long values cut."""
    return [(name, truncate(value, _VALUE)) for name, value in sorted(labels.items()) if name not in without]


def labels_text(labels: Mapping[str, str], *without: str) -> str:
    """`node=rabbit@a, vhost=/`"""
    return ", ".join(f"{name}={value}" for name, value in pairs(labels, *without))


def marker(severity: str) -> str:
    """A coloured dot for a severity, green for `resolved`, white for one that is unknown here."""
    return _MARKERS.get(severity.lower(), "⚪")


FILTERS = {
    "ago": ago,
    "duration": duration,
    "format": text_format,
    "humanize": humanize,
    "labels": labels_text,
    "marker": marker,
    "pairs": pairs,
    "time": time,
    "truncate": truncate,
}
