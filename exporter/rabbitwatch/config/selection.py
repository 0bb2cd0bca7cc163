"""Which names to keep."""

from __future__ import annotations

from rabbitwatch.config.patterns import Pattern
from rabbitwatch.config.strict import Strict


class Selection(Strict):
    """Names to keep: those that fully match one of `include` and none of `exclude` (RE2 regexes, anchored)."""

    include: tuple[Pattern, ...] = (".*",)
    exclude: tuple[Pattern, ...] = ()
