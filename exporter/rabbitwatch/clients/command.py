"""Commands of the system: an argument list, never a shell, that ends with all its children by a deadline.

One runner serves the whole agent, so that few Erlang VMs are booted at once however many nodes there are.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Literal

from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import CallError, CallFailure

AT_ONCE = 2
OUTPUT_LIMIT = 4 * 1024 * 1024
_PIECE = 65536
_LINGER = 1.0

Outcome = Literal["ended", "late", "overflown"]


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that came to its end by itself."""

    status: int
    stdout: bytes
    stderr: bytes
    took: float


class CommandRunner:
    """Runs commands, at most `at_once` of them at a time; safe to use from several threads.

    After `close` every running command is ended and none is started any more: both are a CallError for the caller.
    """

    def __init__(self, at_once: int = AT_ONCE, output_limit: int = OUTPUT_LIMIT) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._limit = output_limit
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def run(self, arguments: Sequence[str], *, within: float) -> Completed:
        """Wait for a free place (however long), then run; `within` counts from the start of the command.

        CallError: the executable is missing, the time is over (the command and its children are ended), it printed
        more than the limit, or the runner was closed.
        """
        name = readable(arguments[0], 80)
        if shutil.which(arguments[0]) is None:
            raise CallError(CallFailure.ERROR, f"{name} is not installed here, or not in PATH")
        with self._places:
            began = time.monotonic()
            process = self._start(arguments)
            try:
                out, err = (_Reader(pipe, self._limit) for pipe in _pipes(process))
                outcome = _watch(process, (out, err), began + within)
            finally:
                with self._guard:
                    self._running.discard(process)
                _kill(process)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LINGER)
            took = time.monotonic() - began
        if self._closed:
            raise CallError(CallFailure.ERROR, f"{name} was ended, because the agent ends")
        if outcome == "overflown":
            raise CallError(CallFailure.ERROR, f"{name} printed more than {self._limit} bytes: ended")
        if outcome == "late":
            raise CallError(CallFailure.TIMEOUT, f"{name} had not ended after {within:.3g} s: ended, with its children")
        return Completed(process.returncode, out.rest(), err.rest(), took)

    @property
    def running(self) -> int:
        """How many commands run now."""
        with self._guard:
            return len(self._running)

    def close(self) -> None:
        """End everything at once; returns without waiting for the threads in `run`, which reap what they started."""
        with self._guard:
            self._closed = True
            for process in self._running:
                _kill(process)

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._guard:
            if self._closed:
                raise CallError(CallFailure.ERROR, "the agent is ending: no command is started any more")
            try:
                process = subprocess.Popen(  # noqa: S603  an argument list from the configuration, never a shell
                    list(arguments),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise CallError(
                    CallFailure.ERROR, f"{readable(arguments[0], 80)} cannot be started: {error.strerror}"
                ) from None
            self._running.add(process)
            return process


class _Reader(threading.Thread):
    """Takes one pipe of a command until its end, or until the limit, and then leaves it: the pipe fills, or breaks."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        super().__init__(name="command output", daemon=True)
        self._pipe = pipe
        self._limit = limit
        self._pieces: list[bytes] = []
        self.overflown = False
        self.start()

    def run(self) -> None:
        size = 0
        with self._pipe:
            while piece := os.read(self._pipe.fileno(), _PIECE):
                size += len(piece)
                if size > self._limit:
                    self.overflown = True
                    return
                self._pieces.append(piece)

    def rest(self) -> bytes:
        """All that was printed, once the command has ended; something else that holds the pipe is not waited for."""
        self.join(_LINGER)
        return b"".join(self._pieces)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdout is None or process.stderr is None:
        raise AssertionError("a command is always started with both pipes")
    return process.stdout, process.stderr


def _watch(process: subprocess.Popen[bytes], readers: Sequence[_Reader], deadline: float) -> Outcome:
    """Wait for the end of the command, without reaping it: its number must stay taken until its group is ended."""
    pause = 0.005
    while not _has_ended(process) and not any(reader.overflown for reader in readers):
        if time.monotonic() >= deadline:
            return "late"
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return "overflown" if any(reader.overflown for reader in readers) else "ended"


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    if sys.platform == "win32":
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the command's process group. Only before it is reaped: until then nobody else has its number.

    The command was made the leader of the group, so its children are in it, also when it ended before them. A child
    that made itself a session of its own is not: epmd, which rabbitmq-diagnostics may start and which must live on. On
    Windows there are no groups: only the command itself is ended.
    """
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
