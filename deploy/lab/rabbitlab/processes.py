"""Processes that the lab started: recorded by pid and start time, found again by a mark in their environment.

A pid alone may belong to somebody else by the time it is used. The start time (field 22 of /proc/PID/stat, in clock
ticks since boot) tells a recycled pid from ours. The mark (an environment variable that every descendant inherits)
finds what a crashed lab started in the instant before it could write the pid down.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "RABBITLAB_ID"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process, for good: pid and start time together never come twice between two boots."""

    pid: int
    start: int


def stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name, state first; None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def identify(pid: int) -> Process | None:
    """The process that has this pid now; a zombie counts as gone."""
    fields = stat_fields(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return Process(pid, int(fields[19]))


def alive(process: Process | None) -> bool:
    """Whether exactly this process still runs."""
    return process is not None and identify(process.pid) == process


def spawn(argv: Sequence[str], env: Mapping[str, str], log: Path) -> Process:
    """Start a process that outlives the lab: own session, no terminal, output appended to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(  # its end is watched by pid and start time, also by later calls of the lab
            argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    child.returncode = 0  # this object is not the one that waits for it: keep it from warning when collected
    process = identify(child.pid)
    return process if process is not None else Process(child.pid, 0)


def send(process: Process, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone. The pidfd keeps the pid from changing owner in between."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if not alive(process):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Wait until all are gone, at most `seconds`; returns those that still run."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if alive(process)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        _reap(left)
        left = [process for process in left if alive(process)]
    return left


def end(processes: Iterable[Process], grace: float = 0.0) -> None:
    """End these processes: SIGTERM and `grace` seconds where grace is above 0, then SIGKILL."""
    left = [process for process in processes if alive(process)]
    if grace > 0:
        for process in left:
            send(process, signal.SIGTERM)
        left = wait_gone(left, grace)
    for process in left:
        send(process, signal.SIGKILL)
    wait_gone(left, 10.0)


def marked(mark: str) -> list[Process]:
    """Every process whose environment carries this lab's mark, except the caller and its ancestors."""
    needle = f"{MARK}={mark}".encode()
    spare = _ancestors()
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) in spare:
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if needle in environment.split(b"\0"):
            process = identify(int(entry.name))
            if process is not None:
                found.append(process)
    return found


def _ancestors() -> set[int]:
    """The caller and those who called it: `lab down` typed in a shell that `lab exec` opened must not end itself."""
    pids, pid = set(), os.getpid()
    while pid > 1:
        pids.add(pid)
        fields = stat_fields(pid)
        if fields is None:
            break
        pid = int(fields[1])
    return pids


def _reap(processes: Iterable[Process]) -> None:
    """Collect those of our own children that have ended; others' children are not ours to wait for."""
    for process in processes:
        try:
            os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            continue
