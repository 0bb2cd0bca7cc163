"""A call that is given up in time."""

from __future__ import annotations

import threading

import pytest

from rabbitwatch.errors import DeliveryError
from rabbitwatch.notify.receivers.guard import Guard


def test_what_a_call_returns_or_raises_comes_back() -> None:
    guard = Guard(30.0, "test")
    assert guard.run(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        guard.run(lambda: 1 // 0)
    assert guard.run(lambda: None) is None


def test_a_call_that_hangs_is_given_up_and_no_other_begins_until_it_has_ended() -> None:
    guard, release, begun = Guard(0.1, "test"), threading.Event(), []
    with pytest.raises(DeliveryError, match=r"no end within 0\.1 s"):
        guard.run(lambda: release.wait(60))
    with pytest.raises(DeliveryError, match="an earlier call still hangs"):
        guard.run(lambda: begun.append(1))
    assert begun == []
    hanging = next(thread for thread in threading.enumerate() if thread.name == "test")
    assert hanging.daemon
    release.set()
    hanging.join(30)
    guard.run(lambda: begun.append(2))
    assert begun == [2]
