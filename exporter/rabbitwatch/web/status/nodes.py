"""The nodes with their resources, for a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rabbitwatch.model.cluster import ClusterState, NodeState, PollState
from rabbitwatch.web.picture.card import Level
from rabbitwatch.web.picture.nodes import Dot
from rabbitwatch.web.status.words import UNKNOWN, Capped, capped, size

MOST_NODES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node; what it does not tell is `unknown`. alarms: in words, `none` where it tells that it has none."""

    dot: Dot
    type: str
    version: str
    memory: str
    disk: str
    alarms: str
    alarm: Level
    cookie: str
    cookie_level: Level
    answer: str


def node_rows(state: ClusterState, dots: Sequence[Dot]) -> Capped[NodeRow]:
    """In the order in which they are drawn."""
    by_name = {node.name: node for node in state.nodes}
    return capped((_row(by_name[dot.name], dot) for dot in dots), MOST_NODES)


def _row(node: NodeState, dot: Dot) -> NodeRow:
    alarm, alarms = _alarms(node)
    cookie_level, cookie = _cookie(node)
    figures = node.figures
    return NodeRow(
        dot=dot,
        type=_type(node),
        version=node.version or UNKNOWN,
        memory=_of(figures.mem_used, figures.mem_limit) if figures else UNKNOWN,
        disk=_of(figures.disk_free, figures.disk_free_limit, "free, alarm below") if figures else UNKNOWN,
        alarms=alarms,
        alarm=alarm,
        cookie=cookie,
        cookie_level=cookie_level,
        answer=_answer(node),
    )


def _type(node: NodeState) -> str:
    return f"{node.type}, declared {node.declared_type}" if node.type_mismatch else node.type or UNKNOWN


def _of(part: int | None, whole: int | None, between: str = "of") -> str:
    return UNKNOWN if part is None else size(part) if whole is None else f"{size(part)} {between} {size(whole)}"


def _alarms(node: NodeState) -> tuple[Level, str]:
    figures = node.figures
    if figures is None:
        return Level.UNKNOWN, UNKNOWN
    told = {"memory": figures.mem_alarm, "disk": figures.disk_free_alarm}
    on = [name for name, alarm in told.items() if alarm]
    if on:
        return Level.CRITICAL, f"{' and '.join(on)} alarm"
    return (Level.UNKNOWN, UNKNOWN) if None in told.values() else (Level.OK, "none")


def _cookie(node: NodeState) -> tuple[Level, str]:
    if node.cookie_mismatch:
        return Level.CRITICAL, "another than most nodes"
    if node.cookie_file_differs:
        return Level.WARNING, "file changed since start"
    return (Level.UNKNOWN, UNKNOWN) if node.cookie_mismatch is None else (Level.OK, "as most nodes")


def _answer(node: NodeState) -> str:
    if node.poll_state is None:
        return "not asked"
    if node.poll_state is PollState.OK:
        return "answered"
    return f"{node.poll_state}: {node.poll_reason}" if node.poll_reason else str(node.poll_state)
