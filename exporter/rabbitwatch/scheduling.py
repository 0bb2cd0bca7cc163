"""The clock of the program: jobs that start at fixed intervals and never hold up the end of the process.

APScheduler keeps the time; its own thread pool would be joined when the interpreter ends, so that one hanging call
could keep the process alive for minutes. Here every run has a daemon thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler


class _DaemonThreads(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Runs each job in a daemon thread; the scheduler's `max_instances` bounds how many there are."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        def run() -> None:
            try:
                events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001
            except BaseException as error:  # noqa: BLE001 - the executor's contract: every end is reported
                self._run_job_error(job.id, error, error.__traceback__)
            else:
                self._run_job_success(job.id, events)

        threading.Thread(target=run, name=f"job {job.id}", daemon=True).start()


class Scheduler:
    """Jobs by name, each at its interval, never two runs of one job at the same time.

    A run that takes longer than the interval makes the next one late; runs that were missed are not caught up.
    """

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            daemon=True,
            timezone=UTC,
            executors={"default": _DaemonThreads()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin; jobs may be added before and after."""
        self._scheduler.start()

    def every(self, seconds: float, name: str, job: Callable[[], None], *, delay: float = 0.0) -> None:
        """Run `job` after `delay` seconds and then at the interval; a job of the same name is replaced."""
        first = datetime.now(UTC) + timedelta(seconds=delay)
        self._scheduler.add_job(
            job, "interval", seconds=seconds, id=name, name=name, next_run_time=first, start_date=first,
            replace_existing=True,
        )  # fmt: skip

    def drop(self, name: str) -> None:
        """Forget a job; a run of it that has begun goes on."""
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)

    def stop(self) -> None:
        """Start no more runs; those that have begun are left behind."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
