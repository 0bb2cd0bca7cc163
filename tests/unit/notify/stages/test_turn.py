"""The second agent lets the first go ahead, and neither tells before it has looked what the other told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rabbitwatch.notify.peer import Peer
from rabbitwatch.notify.stages.stage import Flush, Later
from rabbitwatch.notify.stages.turn import Turn


class Asked:
    """Stands for the peer: `since` is when it was asked last."""

    def __init__(self, delay: float, since: float, *, busy: bool = False) -> None:
        self.delay = delay
        self.since = since
        self.busy = busy
        self.asked: list[float] = []
        self.config = SimpleNamespace(wait=15.0)

    def settled_since(self, moment: float) -> bool:
        self.asked.append(moment)
        return self.since >= moment

    def busy_with(self, group_key: str, now: float) -> bool:
        return self.busy


def flush(due: float, now: float) -> Flush:
    route: Any = SimpleNamespace()
    return Flush(route=route, group_key="{}", labels={}, alerts=(), due=due, now=now)


def turn(peer: Asked) -> Turn:
    return Turn(cast("Peer", peer))


@pytest.mark.parametrize(
    ("delay", "since", "now", "later"),
    [
        (15, 0, 100, 115),  # the second waits, whatever it knows
        (15, 200, 114.9, 115),
        (15, 114, 115, 115.1),  # then asks
        (15, 115, 115.1, None),
        (0, 99, 100, 100.1),  # the first asks at once
        (0, 100, 100.1, None),
    ],
)
def test_when_it_goes_on(delay: float, since: float, now: float, later: float | None) -> None:
    due = flush(100, now)
    got = turn(Asked(delay, since))(due)
    if later is None:
        assert got is due
    else:
        assert isinstance(got, Later)
        assert got.until == pytest.approx(later)


@pytest.mark.parametrize(
    ("delay", "now", "later"), [(0, 100.2, 100.7), (0, 114.9, 115.4), (0, 115, None), (15, 130, None)]
)
def test_while_the_other_tells_about_the_group_it_is_asked_again(delay: float, now: float, later: float | None) -> None:
    peer = Asked(delay, now, busy=True)
    got = turn(peer)(flush(100, now))
    if later is None:
        assert isinstance(got, Flush), "for the wait, and no longer"
    else:
        assert isinstance(got, Later)
        assert got.until == pytest.approx(later)
        assert now in peer.asked
