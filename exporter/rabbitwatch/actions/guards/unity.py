"""Is the cluster one, to itself and to everyone who looks."""

from __future__ import annotations

from rabbitwatch.actions.guards.judge import guard, members, running, unknown
from rabbitwatch.actions.ports import Case
from rabbitwatch.cluster.wording import counted, names


@guard
def one_component(case: Case) -> str:
    """All nodes see each other, directly or through others."""
    state = case.look.state
    if not state.components:
        return "whether the cluster is one is unknown: no node tells what it sees"
    if len(state.components) > 1:
        sides = " | ".join(names(group) for group in state.components)
        return f"the cluster has fallen into {len(state.components)} groups that cannot see each other: {sides}"
    outside = {node.name for node in members(state)} - state.components[0]
    return unknown("the view", outside) if outside else ""


@guard
def views_agree(case: Case) -> str:
    """Every node has the same answer to which nodes run, and no node's runtime lacks a connection to one of those.

    How many objects nodes count is not compared: statistics follow each other by seconds on a healthy cluster.
    """
    views = case.look.state.views
    if not views.running:
        return "whether views agree is unknown: no node tells what it sees"
    if len(views.running_sets) > 1:
        said = "; ".join(f"{who} sees {names(n for n, up in row.items() if up)}" for who, row in views.running.items())
        return f"nodes disagree about which nodes run: {said}"
    silent = {node.name for node in running(case.look.state)} - set(views.running)
    if silent:
        return unknown("the view", silent)
    up = {node.name for node in running(case.look.state)}
    for observer, row in views.connected.items():
        cut = {peer for peer, there in row.items() if peer in up and not there}
        if observer in up and cut:
            return f"{observer} has no connection to {names(cut)}, although all say that they run"
    contested = case.look.state.queues.contested
    return f"{counted(contested, 'queue')} with a leader on more than one side" if contested else ""


@guard
def no_partition(case: Case) -> str:
    """No node reports a partition, and every node was heard about it. Brokers report one only once the link has healed,
    and those with Khepri never do; until then, and there, `one_component` sees it."""
    state = case.look.state
    if state.partitions.reported:
        said = ", ".join(f"{node} from {peer}" for node, peer in sorted(state.partitions.reported)[:3])
        return f"a partition is reported ({said}), until the nodes of the untrusted side were restarted"
    blank = {node.name for node in members(state) if node.figures is None or node.figures.partitions is None}
    if state.partitions.reportable:
        blank |= {node.name for node in members(state)} - set(state.partitions.own)
    if blank or not state.nodes:
        return unknown("the report of partitions", blank or ["every node"])
    return ""
