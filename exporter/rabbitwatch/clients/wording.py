"""Foreign text made fit for one line of a log or a page."""

from __future__ import annotations

from collections.abc import Sequence

LINE_LIMIT = 240
FLAW_LIMIT = 20


def readable(text: str, limit: int = LINE_LIMIT) -> str:
    """One printable line of at most `limit` characters: control and other unprintable characters are escaped.

    Brokers, proxies and commands put anything into their answers; a newline in it would forge a second log line.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def capped(flaws: Sequence[str], limit: int = FLAW_LIMIT) -> tuple[str, ...]:
    """At most `limit` flaws; the last line says how many more there are."""
    if len(flaws) <= limit:
        return tuple(flaws)
    return (*flaws[: limit - 1], f"and {len(flaws) - limit + 1} more of this kind")
