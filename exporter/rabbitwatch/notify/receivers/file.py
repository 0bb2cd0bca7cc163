"""A file, or standard output: one notice after the other, for a start, for the log's collector, for tests.

Text is for people, with control characters spelt out; JSON is one line a notice, in the webhook's form. A notice is
one write at the end of the file, which is opened for each, so that logrotate may move it away. It has arrived once the
system has taken it (fsync, where it is a file of a disk): a full disk is a failure, and is tried again.
"""

from __future__ import annotations

import os
import sys
import threading
from stat import S_ISREG
from typing import BinaryIO

import msgspec

from rabbitwatch.config.receivers import STANDARD_OUTPUT, FileConfig
from rabbitwatch.errors import DeliveryError
from rabbitwatch.logs import escape_controls
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.payload import payload
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import Texts, own_texts

_MODE = 0o640


class FileSender:
    """See the module. out: standard output, where the path says so."""

    def __init__(self, config: FileConfig, texts: Texts, out: BinaryIO | None = None) -> None:
        self._config = config
        self._texts = texts
        self._path = config.path
        self._out = out or sys.stdout.buffer
        self._lock = threading.Lock()

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender; a notice that may have been written in part is written again."""
        data = self._text(notice)
        try:
            with self._lock:
                self._print(data) if self._path == STANDARD_OUTPUT else self._append(data)
        except OSError as error:
            raise DeliveryError(f"cannot write to {self._path}: {error.strerror or error}") from None
        return {}

    def close(self) -> None:
        """Nothing is kept open."""

    def _text(self, notice: Notice) -> bytes:
        if self._config.format == "json":
            return msgspec.json.encode(payload(notice)) + b"\n"
        text = escape_controls(self._texts.render("file.text", notice), keep="\n\t")
        return f"{text}\n\n".encode("utf-8", "backslashreplace")

    def _print(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()

    def _append(self, data: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), _MODE)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if S_ISREG(os.fstat(descriptor).st_mode):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make(config: FileConfig, tools: Tools) -> FileSender:
    """See table.KINDS."""
    return FileSender(config, tools.texts.with_own(own_texts("file", config), where="file_configs"))
