"""The scheduler's promises about time and threads; the time here is real, so the bounds are wide."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from rabbitwatch.scheduling import Scheduler


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler()
    made.start()
    yield made
    made.stop()


def test_a_job_runs_at_once_and_again_at_its_interval(scheduler: Scheduler) -> None:
    ran = threading.Semaphore(0)
    scheduler.every(0.2, "job", ran.release)
    assert all(ran.acquire(timeout=20) for _ in range(3))


def test_two_runs_of_one_job_are_never_under_way_at_once(scheduler: Scheduler) -> None:
    running, most, done = [0], [0], threading.Semaphore(0)

    def slow() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.3)
        running[0] -= 1
        done.release()

    scheduler.every(0.1, "job", slow)
    assert all(done.acquire(timeout=20) for _ in range(3))
    assert most == [1]


def test_a_slow_job_holds_up_no_other(scheduler: Scheduler) -> None:
    let_go, ran = threading.Event(), threading.Semaphore(0)
    scheduler.every(0.1, "hanging", lambda: let_go.wait(60) and None)
    scheduler.every(0.1, "quick", ran.release)
    assert all(ran.acquire(timeout=20) for _ in range(3))
    let_go.set()


def test_a_job_that_raises_runs_again(scheduler: Scheduler) -> None:
    ran = threading.Semaphore(0)

    def failing() -> None:
        ran.release()
        raise ZeroDivisionError

    scheduler.every(0.1, "job", failing)
    assert all(ran.acquire(timeout=20) for _ in range(2))


def test_a_dropped_job_runs_no_more_and_dropping_twice_is_fine(scheduler: Scheduler) -> None:
    ran = threading.Semaphore(0)
    scheduler.every(0.1, "job", ran.release)
    assert ran.acquire(timeout=20)
    scheduler.drop("job")
    scheduler.drop("job")
    time.sleep(0.3)
    while ran.acquire(blocking=False):
        pass
    assert not ran.acquire(timeout=0.5)


def test_a_job_that_hangs_does_not_keep_the_process_alive() -> None:
    program = (
        "import time\nfrom rabbitwatch.scheduling import Scheduler\n"
        "s = Scheduler(); s.every(1, 'job', lambda: time.sleep(600)); s.start(); time.sleep(1); s.stop()"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
