"""What tests of the shipped rules share: names, bounds, and words to a node."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.conftest import Lab
from tests.cluster.observer import observing

MENDED = 240.0
"""Real seconds, as NOTICED, for a cluster that has to find itself again."""
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


def wait_until_whole(lab: Lab, folder: Path) -> None:
    with observing(lab.config_text(), folder) as observer:
        observer.until(
            lambda s: s.value("cluster_nodes_up") == 3 and set(s.rows("view_running").values()) == {1},
            MENDED,
            "all nodes answer and see each other",
        )
