"""Durations as Prometheus writes them: `15s`, `1h30m`, `0`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_SHAPE = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)


def parse_duration(text: object) -> float:
    """Seconds. Units from large to small, each at most once, as Prometheus demands; ValueError otherwise.

    A bare number is refused, because nobody can tell seconds from minutes in it; only 0 needs no unit.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool) and text == 0:
        return 0.0
    if not isinstance(text, str):
        raise ValueError(f"a duration needs a unit, such as 15s or 1h30m; this is {text!r}")  # noqa: TRY004
    if text == "0":
        return 0.0
    match = _SHAPE.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is no duration; write it like 15s, 5m or 1h30m")
    return sum(
        int(count) * _UNITS[unit]
        for count, unit in zip(match.groups(), ("y", "w", "d", "h", "m", "s", "ms"), strict=True)
        if count is not None
    )


def format_duration(seconds: float) -> str:
    """The shortest spelling that `parse_duration` reads back, from weeks down to milliseconds."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit] * 1000)
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _read(value: object) -> float:
    # pydantic re-validates defaults and model copies, which are seconds already
    return value if isinstance(value, float) else parse_duration(value)


Duration = Annotated[float, BeforeValidator(_read), PlainSerializer(format_duration, when_used="json")]

PositiveDuration = Annotated[Duration, Field(gt=0)]
