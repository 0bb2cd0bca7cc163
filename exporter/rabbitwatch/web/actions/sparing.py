"""What any stranger can make happen is put on record now and then only, with how often it happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Sparing:
    """Lets the first of each kind pass, and then one of it every `seconds`. Kinds are words of the program's own, so
    that there are few. clock: monotonic seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._passed: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self._lock = threading.Lock()

    def held_back(self, kind: str) -> int | None:
        """None: this one is not put on record; otherwise it is, and so many were not since the last."""
        now = self._clock()
        with self._lock:
            if kind in self._passed and now - self._passed[kind] < self._seconds:
                self._held[kind] = self._held.get(kind, 0) + 1
                return None
            self._passed[kind] = now
            return self._held.pop(kind, 0)
