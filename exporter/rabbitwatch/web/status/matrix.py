"""What each node says of each other, as a table: rows are those who tell, columns those of whom they tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rabbitwatch.model.cluster import ClusterState, NodeState
from rabbitwatch.web.picture.card import Level
from rabbitwatch.web.picture.nodes import Dot

MOST_NODES = 30


@dataclass(frozen=True, slots=True)
class Cell:
    """What one node says of one other, in words."""

    word: str
    level: Level


@dataclass(frozen=True, slots=True)
class Row:
    """One observer. cells: one a column; none where it tells nothing, and then silent says why."""

    name: str
    cells: Sequence[Cell]
    silent: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """columns: the nodes' names. left_out: nodes for which there is no room."""

    columns: Sequence[str]
    rows: Sequence[Row]
    left_out: int


def matrix(state: ClusterState, dots: Sequence[Dot]) -> Matrix:
    """dots: the nodes as they are drawn, which gives their short names."""
    short = {dot.name: dot.short for dot in dots}
    nodes = state.nodes[:MOST_NODES]
    rows = [_row(state, node, nodes, short) for node in nodes]
    return Matrix([short.get(node.name, node.name) for node in nodes], rows, len(state.nodes) - len(nodes))


def _row(state: ClusterState, node: NodeState, nodes: Sequence[NodeState], short: dict[str, str]) -> Row:
    name = short.get(node.name, node.name)
    if node.name not in state.views.running:
        return Row(name, (), _why(node))
    return Row(name, [_cell(state, node.name, other.name) for other in nodes])


def _why(node: NodeState) -> str:
    if node.poll_state is None:
        return "was not asked"
    return f"tells nothing: {node.poll_state}{f', {node.poll_reason}' if node.poll_reason else ''}"


def _cell(state: ClusterState, observer: str, other: str) -> Cell:
    if observer == other:
        return Cell("itself", Level.OK)
    if state.views.partitioned.get(observer, {}).get(other):
        return Cell("partitioned", Level.CRITICAL)
    sees = state.views.running[observer].get(other, False)
    linked = state.views.connected.get(observer, {}).get(other)
    if not sees:
        return Cell("does not see it", Level.CRITICAL)
    return Cell("sees it, no link", Level.WARNING) if linked is False else Cell("sees it", Level.OK)
