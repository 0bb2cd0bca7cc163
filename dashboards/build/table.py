"""The dashboards, by file."""

from __future__ import annotations

from collections.abc import Callable

from dashboards.build import agent, cluster, mirrors, nodes, overview, queues
from dashboards.build.house import Board
from grafana_foundation_sdk.cog.encoder import JSONEncoder

BOARDS: dict[str, Callable[[], Board]] = {
    "overview.json": overview.board,
    "cluster.json": cluster.board,
    "mirrors.json": mirrors.board,
    "queues.json": queues.board,
    "nodes.json": nodes.board,
    "agent.json": agent.board,
}


def files() -> dict[str, str]:
    """The content of each file."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {name: encoder.encode(board().build()) + "\n" for name, board in BOARDS.items()}
