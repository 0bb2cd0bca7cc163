"""Threads that hold nobody up, and a call that is given up in time, whatever it does.

Time-outs of libraries are for single operations: a server whose headers drip, a resolver that hangs or a proxy that
sends a byte now and then would hold an integration for hours, and nobody would hear of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from rabbitwatch.errors import DeliveryError

T = TypeVar("T")


class Running(Protocol):
    """A thread, as far as those who began it care."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, but not longer than that."""
        ...


Spawn = Callable[[Callable[[], None], str], Running]
"""Begins a thread of that name."""


def daemon(run: Callable[[], None], name: str) -> threading.Thread:
    """A thread that does not keep the process alive; see Spawn."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


class _Call(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._value: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._value.append(self._call())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            self._error = error

    def value(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value[0]


class Guard:
    """Runs one call at a time, each on a daemon thread. A call that was given up is left behind, and until it has ended
    no other begins: a server that hangs is not made to hang twice. Not to be used from several threads."""

    def __init__(self, within: float, name: str) -> None:
        self._within = within
        self._name = name
        self._left_behind: threading.Thread | None = None

    def run(self, call: Callable[[], T]) -> T:
        """What the call returns or raises; DeliveryError when it takes longer than `within` seconds."""
        if self._left_behind is not None and self._left_behind.is_alive():
            raise DeliveryError("an earlier call still hangs")
        self._left_behind = None
        guarded = _Call(call)
        thread = daemon(guarded.run, self._name)
        thread.join(self._within)
        if thread.is_alive():
            self._left_behind = thread
            raise DeliveryError(f"no end within {self._within:.3g} s")
        return guarded.value()
