"""The audit's file: lines that are only ever added, each on the disk before `append` returns.

One process at a time holds it, by a lock of the kernel that goes with the process. Only a half-written last line is
ever cut, because whatever was to follow it has not happened: nothing acts before its line is whole.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from rabbitwatch.actions.record import LONGEST_LINE
from rabbitwatch.errors import StorageError

_MODE = 0o600
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe would wait for a reader
_LONGEST_READ = 16 * LONGEST_LINE


class AuditFile:
    """Not thread-safe: Audit serialises."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._left: tuple[int, int, int] | None = None

    def open(self) -> None:
        """Open it, making it where it is missing; again after it was changed or moved. Raises StorageError."""
        self.close()
        try:
            existed = self.path.exists()
            self._fd = os.open(self.path, _FLAGS, _MODE)
            if not existed:
                _sync_folder(self.path.parent)
            ordinary = stat.S_ISREG(os.fstat(self._fd).st_mode)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refusal("another rabbitwatch writes its audit here; give each its own") from None
        except OSError as error:
            raise self._refusal(
                f"the audit cannot be opened ({error.strerror}); mend that, or choose another"
            ) from None
        if not ordinary:
            raise self._refusal("is no ordinary file; choose another")

    def _refusal(self, why: str) -> StorageError:
        self.close()
        return StorageError(f"{self.path}: {why} actions.audit_file")

    def close(self) -> None:
        """Let go of it; calling it twice does no harm."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._left = -1, None

    def as_left(self) -> bool:
        """Nobody has moved, cut or lengthened it since this process last wrote."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return self._fd >= 0 and self._left == (now.st_dev, now.st_ino, now.st_size)

    def mend(self) -> bytes:
        """Cut a last line that has no end, and give what was cut. Raises StorageError."""
        size = os.fstat(self._fd).st_size
        start = _start_of_last_line(self._fd, size)
        torn = os.pread(self._fd, min(size - start, _LONGEST_READ), start)
        if torn:
            self._cut(start)
        self._remember()
        return torn

    def lines(self) -> Iterator[tuple[int, str]]:
        """(number of the line, text without its end)."""
        yield from read_lines(self.path)

    def append(self, lines: Iterable[str]) -> None:
        """Add lines, on the disk when this returns. After an error none of them, or nobody knows: open it again."""
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        before = os.fstat(self._fd).st_size
        self._left = None
        try:
            _write(self._fd, data)
            os.fsync(self._fd)
        except OSError as error:
            self._cut(before)
            raise StorageError(
                f"{self.path}: the audit cannot be written ({error.strerror}), and nothing is done without it"
            ) from None
        self._remember()

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
            os.fsync(self._fd)
        except OSError as error:
            raise StorageError(
                f"{self.path}: ends in half a line, which cannot be cut ({error.strerror}); take that line away by hand"
            ) from None

    def _remember(self) -> None:
        now = os.fstat(self._fd)
        self._left = (now.st_dev, now.st_ino, now.st_size)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number of the line, text without its end) of anybody's file; a last line without an end is given as it is.

    Raises StorageError. What is no text is given with escapes, and a line too long to be an entry in pieces.
    """
    try:
        with path.open("rb") as opened:
            yield from _pieces(opened)
    except OSError as error:
        raise StorageError(f"{path}: the audit cannot be read ({error.strerror})") from None


def _pieces(opened: BinaryIO) -> Iterator[tuple[int, str]]:
    number = 1
    while raw := opened.readline(_LONGEST_READ):
        yield number, raw.removesuffix(b"\n").decode("ascii", "backslashreplace")
        number += raw.endswith(b"\n")


def _write(fd: int, data: bytes) -> None:
    """All of it; an OSError says why not, also where the first try took a part."""
    while data:
        data = data[os.write(fd, data) :]


def _start_of_last_line(fd: int, size: int) -> int:
    """Where what follows the last line's end begins."""
    end = size
    while end > 0:
        begin = max(0, end - LONGEST_LINE)
        found = os.pread(fd, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
