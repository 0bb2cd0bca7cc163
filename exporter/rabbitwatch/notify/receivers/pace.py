"""How fast a receiver is tried: so many tries a minute, and longer and longer pauses after failures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""A receiver that comes back is found within a minute."""

LONGEST_HOLD_S = 3600.0
"""What is believed of a Retry-After: more than an hour is a mistake, or malice."""

_MINUTE_S = 60.0


def pause(failures: int, chance: Callable[[], float]) -> float:
    """Seconds to wait after that many failures in a row: doubled each time, the upper half of it by chance.

    chance: between 0 and 1; without it, all that failed together would come back together.
    """
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(max(failures, 1) - 1, 30))
    return longest * (0.5 + 0.5 * chance())


class RateLimit:
    """At most `per_minute` tries in any 60 seconds; the times are remembered, so that no window holds more."""

    def __init__(self, per_minute: int) -> None:
        self._times: deque[float] = deque(maxlen=per_minute)

    def free_at(self) -> float:
        """The earliest time of the next try, on the clock that `took` is told of."""
        full = len(self._times) == self._times.maxlen
        return self._times[0] + _MINUTE_S if full else float("-inf")

    def took(self, now: float) -> None:
        """A try begins."""
        self._times.append(now)
