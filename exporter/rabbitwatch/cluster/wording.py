"""How sentences about a cluster are put together."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """`1 queue`, `2 queues`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def names(found: Iterable[str], limit: int = 5) -> str:
    """Names in order, the first few of them."""
    ordered = sorted(found)
    rest = len(ordered) - limit
    return ", ".join(ordered[:limit]) + (f" and {rest} more" if rest > 0 else "")
