"""What a query may cost, and the account of one query."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.storage import LOOKBACK_MS

_MINUTE_MS = 60_000
_TICKS_PER_LOOK = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """max_samples: read from storage, or made by a subquery, in one query. max_points: steps of a range query.
    max_subquery_steps: evaluations of a subquery's expression. timeout_s: looked at between steps and series.

    The samples' default is below Prometheus' 50 million, because here they also bound the time: a query holds up the
    process that also polls and alerts.
    """

    max_samples: int = 10_000_000
    max_points: int = 11_000
    max_subquery_steps: int = 50_000
    timeout_s: float = 30.0
    lookback_ms: int = LOOKBACK_MS
    subquery_step_ms: int = _MINUTE_MS


class Budget:
    """What one query has used of its limits; each method raises QueryError, in Prometheus' words, once it is spent."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._deadline = clock() + limits.timeout_s
        self._samples = 0
        self._ticks = 0

    def take(self, samples: int) -> None:
        """Count samples."""
        self._samples += samples
        if self._samples > self.limits.max_samples:
            raise QueryError(
                "query processing would load too many samples into memory in query execution "
                f"(the limit is {self.limits.max_samples:,})"
            )

    def tick(self) -> None:
        """Look at the clock now and then."""
        self._ticks += 1
        if self._ticks % _TICKS_PER_LOOK == 0:
            self.check_time()

    def check_time(self) -> None:
        """Look at the clock now."""
        if self._clock() > self._deadline:
            raise QueryError(f"query timed out in expression evaluation (the limit is {self.limits.timeout_s:g} s)")

    def check_steps(self, start_ms: int, end_ms: int, step_ms: int) -> None:
        """Refuse a range query with too many steps, or none."""
        if step_ms <= 0:
            raise QueryError("zero or negative query resolution step widths are not accepted. Try a positive integer")
        if end_ms < start_ms:
            raise QueryError("end timestamp must not be before start time")
        if (end_ms - start_ms) // step_ms + 1 > self.limits.max_points:
            raise QueryError(
                f"exceeded maximum resolution of {self.limits.max_points:,} points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )

    def check_subquery(self, steps: int) -> None:
        """Refuse a subquery with too many evaluations."""
        if steps > self.limits.max_subquery_steps:
            raise QueryError(
                f"a subquery would evaluate {steps:,} steps; the limit is {self.limits.max_subquery_steps:,}. "
                "Give it a wider step or a shorter range"
            )
