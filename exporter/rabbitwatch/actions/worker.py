"""One thread, and the jobs that it does one after the other: repairs of one cluster never overlap."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

Job = Callable[[], None]


class Worker:
    """Begins with the first job. Whoever hands a job over never waits for it.

    run: calls a job; nothing that a job raises may leave it. after: another worker whose end comes first.
    """

    def __init__(self, name: str, run: Callable[[Job], None], after: Worker | None = None) -> None:
        self._name = name
        self._call = run
        self._after = after
        self._changed = threading.Condition()
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    def put(self, key: Hashable, job: Job) -> None:
        """Do this after what waits already. A job of the same key that waits is replaced and keeps its turn."""
        with self._changed:
            if self.stopping.is_set():
                return
            self._jobs[key] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"repairs of {self._name}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Begin nothing more, and drop what waits; a job under way sees `stopping`."""
        with self._changed:
            self.stopping.set()
            self._jobs.clear()
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the job under way, once stopped."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        if self._after is not None:
            self._after.join()
            self._after = None
        while (job := self._next()) is not None:
            self._call(job)

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self.stopping.is_set())
            if self.stopping.is_set():
                return None
            return self._jobs.popitem(last=False)[1]
