"""What guards are made of.

A guard is written as a function that returns why it refuses, in one line with the figures and what would lift it, or
"" when nothing speaks against the step; `guard` makes the answer of it. What is unknown is a reason to refuse, and says
so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

from rabbitwatch.actions.ports import Case, Guard
from rabbitwatch.cluster.wording import names
from rabbitwatch.model.action import Answer
from rabbitwatch.model.broker import BrokerNode
from rabbitwatch.model.cluster import ClusterState, NodeState

Judge = Callable[[Case], str]


def guard(judge: Judge) -> Guard:
    """A guard of the function's name."""

    @wraps(judge)
    def asked(case: Case) -> Answer:
        return Answer(judge.__name__, judge(case))

    return asked


def approvable(judge: Judge) -> Guard:
    """Likewise, for a refusal that a person's approval lifts."""

    @wraps(judge)
    def asked(case: Case) -> Answer:
        refused = "" if case.approved else judge(case)
        return Answer(judge.__name__, refused, approvable=bool(refused))

    return asked


def members(state: ClusterState) -> tuple[NodeState, ...]:
    """The nodes that count: all declared ones, and all that any answer lists. One that left the cluster does not."""
    return tuple(node for node in state.nodes if node.declared or not node.missing)


def running(state: ClusterState) -> tuple[NodeState, ...]:
    """Those of the members that run by anybody's word."""
    return tuple(node for node in members(state) if node.running)


def figures(state: ClusterState) -> dict[str, BrokerNode]:
    """By running node, what is known of its resources; nodes of which nothing is known are absent."""
    return {node.name: node.figures for node in running(state) if node.figures is not None}


def unknown(what: str, whose: Iterable[str]) -> str:
    """`the uptime of rabbit@a, rabbit@b is unknown`."""
    return f"{what} of {names(whose)} is unknown"
