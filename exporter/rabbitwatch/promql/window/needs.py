"""From an expression to the history that its evaluation needs."""

from __future__ import annotations

from rabbitwatch.promql.analysis import Need, selectors
from rabbitwatch.promql.nodes import Parsed
from rabbitwatch.promql.storage import LOOKBACK_MS
from rabbitwatch.promql.window.retention import Requirement


def requirements(parsed: Parsed, asked_by: str, *, late_ms: int = 0) -> list[Requirement]:
    """What the window must keep so that the expression can be evaluated `late_ms` after the fact (query_offset).

    The last poll answers an instant selector, so that asks for nothing. A selector at an absolute time (`@ 1600000000`)
    asks for nothing either: no window can promise a fixed moment, and such a query sees what there is.
    """
    return [
        Requirement(need.matchers, need.back_ms + late_ms, asked_by)
        for need in selectors(parsed)
        if need.fixed_ms is None and (late_ms or not _is_last_poll(need))
    ]


def _is_last_poll(need: Need) -> bool:
    return need.range_ms == 0 and need.back_ms <= LOOKBACK_MS
