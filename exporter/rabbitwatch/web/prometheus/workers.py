"""Where the work of answering happens: beside the event loop, in few threads, with a bounded queue before them.

Threads of Python share one core, so more of them would only make every query slower, and the poll and the rules with
them. Two let a short query pass a long one. A page of a dashboard asks for all of its panels at once, so there is a
queue; past its end a request is refused at once with 503, as from a Prometheus that is overloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from rabbitwatch.web.prometheus.reply import ApiError, ErrorType

T = TypeVar("T")


class Workers:
    """threads: how many requests are worked on at a time. queue: how many may wait. patience_s: for how long."""

    def __init__(self, threads: int = 2, queue: int = 100, patience_s: float = 30.0) -> None:
        self._threads = threads
        self._bound = threads + queue
        self._patience_s = patience_s
        self._inside = 0
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """`work()` in a thread; ApiError (unavailable, timeout) when it is not begun."""
        if self._inside >= self._bound:
            raise ApiError(ErrorType.UNAVAILABLE, f"too many requests at once: {self._inside} are being answered")
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._threads)
        self._inside += 1
        try:
            with anyio.fail_after(self._patience_s):
                await self._limiter.acquire_on_behalf_of(token := object())
        except TimeoutError:
            self._inside -= 1
            raise ApiError(ErrorType.TIMEOUT, "query timed out in the queue: earlier queries take too long") from None
        except BaseException:
            self._inside -= 1
            raise
        try:
            return await to_thread.run_sync(work, limiter=CapacityLimiter(1))
        finally:
            self._limiter.release_on_behalf_of(token)
            self._inside -= 1
