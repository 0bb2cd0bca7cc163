"""How figures and names are written on the status page. What is unknown is never written as a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

UNKNOWN = "unknown"
_SIZES = ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


@dataclass(frozen=True, slots=True)
class Capped(Generic[T]):
    """The first of a list, and how many are left out."""

    rows: Sequence[T]
    more: int = 0

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows) + self.more


def capped(found: Iterable[T], limit: int) -> Capped[T]:
    """At most `limit` of them."""
    every = list(found)
    return Capped(every[:limit], max(0, len(every) - limit))


def number(value: int | None) -> str:
    """With thousands apart: `12,345`."""
    return UNKNOWN if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """Bytes in the largest unit that leaves a number: `1.5 GB`."""
    if value is None:
        return UNKNOWN
    for unit, letters in _SIZES:
        if value >= unit:
            scaled = value / unit
            return f"{scaled:.0f} {letters}" if scaled >= 100 else f"{scaled:.1f} {letters}"
    return f"{value} B"


def rate(per_second: float) -> str:
    """Messages that come on top, in the unit that leaves a number: `+12 a minute`."""
    if abs(per_second) >= 10:
        return f"{per_second:+,.0f} a second"
    if abs(per_second) >= 1:
        return f"{per_second:+.1f} a second"
    per_minute = per_second * 60
    return f"{per_minute:+.0f} a minute" if abs(per_minute) >= 1 else f"{per_minute * 60:+.0f} an hour"


def anchor(kind: str, *names: str) -> str:
    """An id for the page that stays the same while the names do: `cluster-orders`. Without anything that would have to
    be escaped in an address."""
    return "-".join((kind, *("".join(map(_plain, name)) for name in names)))


def _plain(letter: str) -> str:
    return letter if letter.isascii() and (letter.isalnum() or letter == "_") else f".{ord(letter):x}."
