"""Is every node there, healthy, and for long enough."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.actions.guards.judge import figures, guard, members, running, unknown
from rabbitwatch.actions.ports import Case
from rabbitwatch.cluster.wording import names
from rabbitwatch.config.durations import format_duration
from rabbitwatch.model.cluster import ClusterState, NodeState, PollState

_ABOUT_OTHERS = frozenset({"if_node_is_quorum_critical", "if_node_is_mirror_sync_critical"})
"""Health checks that say what would happen to others if the node went. A lagging mirror fails the second on its
leader's node, and is what a repair is for."""


@guard
def nodes_running(case: Case) -> str:
    """Every declared node, and every other one that any answer lists, runs in every view, and tells its own."""
    state = case.look.state
    if not state.views.running:
        return "which nodes run is unknown: no node tells what it sees"
    for node in members(state):
        deniers = [observer for observer, row in state.views.running.items() if row.get(node.name) is False]
        silent = [observer for observer, row in state.views.running.items() if node.name not in row]
        if node.missing or deniers:
            what = (
                "was a member, and nobody lists it any more" if node.missing else f"is not running to {names(deniers)}"
            )
            return f"{node.name} {what}: start it, or remove it with rabbitmqctl forget_cluster_node"
        if silent or node.name not in state.views.running:
            why = f" ({node.poll_reason})" if node.poll_reason else ""
            who = names(silent) if silent else "itself"
            return f"whether {node.name} runs is unknown by the word of {who}{why}"
    return ""


@guard
def healthy(case: Case) -> str:
    """At most one node is unhealthy, or of unknown health. Health checks about other nodes do not count."""
    ill = {node.name: why for node in members(case.look.state) if (why := next(_ailments(node, case.look.state), ""))}
    if not case.look.state.nodes:
        return "the health of every node is unknown"
    if len(ill) < 2:
        return ""
    return f"{len(ill)} nodes are unhealthy, and more than one stops everything: " + ", ".join(
        f"{name} ({why})" for name, why in sorted(ill.items())
    )


def _ailments(node: NodeState, state: ClusterState) -> Iterator[str]:
    told = node.figures
    if node.missing or not node.running:
        yield "not running" if node.missing or node.running is False else "unknown whether it runs"
    if node.poll_state is not PollState.OK:
        yield f"does not answer: {node.poll_state}" if node.poll_state else "was not asked"
    if told is None or told.mem_alarm is None or told.disk_free_alarm is None:
        yield "its alarms are unknown"
    elif told.mem_alarm or told.disk_free_alarm:
        yield "resource alarm"
    if told is not None and told.being_drained:
        yield "in maintenance mode"
    if node.name in state.partitions.nodes:
        yield "partitioned"
    if node.cookie_mismatch:
        yield "another Erlang cookie"
    if any(row.get(node.name) is False for row in state.vhosts.values()):
        yield "a vhost is down there"
    yield from (
        f"check {name} fails" for name, passed in node.checks.items() if not passed and name not in _ABOUT_OTHERS
    )


@guard
def uptime(case: Case) -> str:
    """Every node has run for `guards.uptime.at_least`: after a start mirrors join and queues move."""
    wanted = case.guards.uptime.at_least
    told = {name: entry.uptime / 1000 for name, entry in figures(case.look.state).items() if entry.uptime is not None}
    blank = {node.name for node in members(case.look.state)} - set(told)
    if blank or not told:
        return unknown("the uptime", blank or ["every node"])
    shortest = min(told, key=lambda name: told[name])
    if told[shortest] >= wanted:
        return ""
    ran = format_duration(round(told[shortest]))
    return f"{shortest} has run for {ran}, and every node must have for {format_duration(wanted)}"


def up(state: ClusterState) -> frozenset[str]:
    """Names of the nodes that run."""
    return frozenset(node.name for node in running(state))
