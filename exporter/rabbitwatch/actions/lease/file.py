"""A lock on a file: for agents on one machine, or on a file system whose locks work between machines.

The kernel lets go of the lock with the process, so kill -9 frees it at once. The file itself stays: an agent that
removed it could remove the one that another has just locked. If somebody removes it all the same, the lock on the
removed file is worth nothing, because the next agent locks a new one: so a confirmation compares the file that is open
with the one that has the name.

Beware of NFS and other network file systems. Where locks are only local, or a server forgets them in a restart, two
agents on two machines hold the same lock. Use such a folder only where its locks are known to work (`flock` on both
machines), else the broker or Kubernetes.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from rabbitwatch.actions.lease.keeper import Standing
from rabbitwatch.clients.wording import readable
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig

if sys.platform != "win32":
    import fcntl

_TEXT_LIMIT = 300
_EVERY = 5.0


def file_grip(cluster: ClusterConfig, actions: ActionsConfig, storage: Path, holder: str) -> FileGrip:
    """For lease.kind `file`; see lease/table.py."""
    name = quote(f"{actions.lease.name}.{cluster.label}", safe="@")
    return FileGrip((actions.lease.path or storage) / f"{name}.lock", holder)


class FileGrip:
    """A keeper.Grip on one file. holder: written into it, for the one that is refused."""

    every = _EVERY

    def __init__(self, path: Path, holder: str) -> None:
        self._path = path
        self._holder = holder
        self._open: int | None = None
        self._woken = threading.Event()

    @property
    def name(self) -> str:
        return f"lock file {self._path}"

    def take(self) -> Standing:
        if sys.platform == "win32":
            return Standing(f"{self.name}: this kind of lease needs a POSIX system: use lease.kind broker")
        self.release()
        try:
            self._open = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            fcntl.flock(self._open, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._open, 0)
            os.pwrite(self._open, f"{self._holder}\n".encode(), 0)
        except BlockingIOError:
            who = self._read() or "another process"
            self.release()
            return Standing(f"{self.name} is held by {who}", elsewhere=True)
        except OSError as error:
            return self._lost(
                f"cannot be locked ({error.strerror}): give the agent's user its folder, or set lease.path"
            )
        return self.confirm()

    def confirm(self) -> Standing:
        if sys.platform == "win32" or self._open is None:
            return self._lost("is not open")
        try:
            fcntl.flock(self._open, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine, named = os.fstat(self._open), self._path.stat()
        except OSError as error:
            return self._lost(f"is lost ({error.strerror}): nobody may remove or replace it")
        if (mine.st_dev, mine.st_ino) != (named.st_dev, named.st_ino):
            return self._lost("is not the file that was locked: nobody may remove or replace it")
        return Standing()

    def rest(self, seconds: float) -> None:
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def release(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            os.close(opened)

    def _read(self) -> str:
        try:
            return readable(os.pread(self._open or 0, _TEXT_LIMIT, 0).decode("utf-8", "replace").strip())
        except OSError:
            return ""

    def _lost(self, why: str) -> Standing:
        self.release()
        return Standing(f"{self.name} {why}")
