"""A server of Debian's as a child process: on a port of its own, waited for, and ended by its pid."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests

READY_WITHIN_S = 60.0


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def running(name: str, command: Sequence[str], url: str, log: Path) -> Iterator[int]:
    """The process, from when `url`/-/ready answers on; yields its pid. name: for what is said when it does not."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            _until_ready(name, url, process, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_ready(name: str, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/-/ready", timeout=5).status_code == requests.codes.ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"{name} did not become ready:\n{log.read_text(errors='replace')[-2000:]}")
