"""What tests of the shipped rules share: names, bounds, and words to a node."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.cluster.conftest import Lab
from tests.cluster.observer import observing

NOTICED = 150.0
MENDED = 240.0
"""Real seconds, ten times what a quiet machine of two processors takes."""
ONE, TWO, THREE = "rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"
ALWAYS = {"RabbitwatchHeartbeat"}
YOUNG = {"RabbitMQNodeRestarted"}
"""The lab is never ten minutes old."""
IMPATIENT = "poll: {interval: 4s, timeout: 3s}\n"
"""Where nodes hang and each look lasts as long as the time-out."""
SEVERAL_MINUTES = 290.0
"""About the longest that a look may count as: a sample is forgotten after five minutes."""


def ctl(lab: Lab, node: str, *words: str) -> None:
    lab.run("exec", node, "--", "rabbitmqctl", *words)


def erlang(lab: Lab, node: str, expression: str) -> None:
    """Evaluate on the node; an exception there fails the test."""
    ctl(lab, node, "eval", expression)


def eventually(condition: Callable[[], object], what: str, within: float = NOTICED) -> None:
    """Ask again and again until it is so."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within:.0f} s: {what}"
        time.sleep(0.1)


def wait_until_whole(lab: Lab, folder: Path) -> None:
    with observing(lab.config_text(), folder) as observer:
        observer.until(
            lambda s: s.value("cluster_nodes_up") == 3 and set(s.rows("view_running").values()) == {1},
            MENDED,
            "all nodes answer and see each other",
        )
