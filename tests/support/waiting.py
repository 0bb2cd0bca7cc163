"""Waiting for what a test asserts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

NOTICED = 150.0
"""Real seconds, ten times what a quiet machine of two processors takes for anything that a test waits for."""
_PAUSE_S = 0.1

T = TypeVar("T")


def until(found: Callable[[], T], what: str = "it happens", within: float = NOTICED, log: Callable[[], str] = str) -> T:
    """What is found, once it is something; fails after `within` seconds with what was waited for, and the log."""
    end = time.monotonic() + within
    while not (value := found()):
        assert time.monotonic() < end, f"not within {within:.0f} s: {what}\n{log()}"
        time.sleep(_PAUSE_S)
    return value
