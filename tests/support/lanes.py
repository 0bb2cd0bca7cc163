"""What moves an integration in tests: a clock that a test sets, and no thread but the test's own."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """Monotonic seconds."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class NoThread:
    """Begins nothing: the test calls `step` itself."""

    def join(self, timeout: float | None = None) -> None:
        """There is nothing to wait for."""


def no_thread(run: Callable[[], None], name: str) -> NoThread:
    """See receivers.guard.Spawn."""
    return NoThread()
