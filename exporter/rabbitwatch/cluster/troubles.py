"""Findings about queues, vhosts and resources: many objects, so one sentence counts them and names the worst."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.cluster.side import RUNNING
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.cluster import ClusterState, Finding, QueueState, Severity


def _called(queue: QueueState) -> str:
    return queue.name if queue.vhost == "/" else f"{queue.vhost}/{queue.name}"


def _listed(queues: list[QueueState]) -> str:
    """The deepest few, by name."""
    deepest = sorted(queues, key=lambda q: q.messages or 0, reverse=True)
    return ", ".join(repr(_called(queue)) for queue in deepest[:3]) + (
        ", ..." if len(queues) > len(deepest[:3]) else ""
    )


def broken_queues(state: ClusterState) -> Iterator[Finding]:
    """Queues that do not work, by state; one that is being synchronised is only blocked for a while."""
    broken: dict[str, list[QueueState]] = {}
    for queue in state.queues.unhealthy:
        if queue.state != RUNNING:
            broken.setdefault(queue.state, []).append(queue)
    for found, queues in sorted(broken.items()):
        severity = Severity.WARNING if found == "syncing" else Severity.CRITICAL
        yield Finding(
            severity, f"queues_{found}", state.cluster, f"{counted(len(queues), 'queue')} {found}: {_listed(queues)}"
        )


def leaderless(state: ClusterState) -> Iterator[Finding]:
    """Quorum queues and streams without a leader, or with members that are away."""
    without = [queue for queue in state.queues.unhealthy if queue.has_leader is False]
    away = [
        q for q in state.queues.unhealthy if q.members is not None and q.online is not None and q.online < q.members
    ]
    if without:
        sentence = f"{counted(len(without), 'queue')} without a leader that runs: {_listed(without)}"
        yield Finding(Severity.CRITICAL, "leaderless", state.cluster, sentence)
    if away:
        sentence = f"{counted(len(away), 'queue')} with members that are offline: {_listed(away)}"
        yield Finding(Severity.WARNING, "members_offline", state.cluster, sentence)


def lagging_mirrors(state: ClusterState) -> Iterator[Finding]:
    """Messages that hang on one node, and mirrors that lag or lack."""
    risky = [queue for queue in state.queues.unhealthy if queue.at_risk]
    lagging = [queue for queue in state.queues.unhealthy if queue.unsynchronised]
    lacking = [queue for queue in state.queues.unhealthy if queue.missing]
    if risky:
        messages = counted(sum(queue.at_risk or 0 for queue in risky), "message")
        sentence = f"{messages} in {counted(len(risky), 'mirrored queue')} without a synchronised mirror: "
        yield Finding(Severity.CRITICAL, "messages_at_risk", state.cluster, sentence + _listed(risky))
    if lagging:
        mirrors = counted(sum(queue.unsynchronised for queue in lagging), "mirror")
        sentence = f"{mirrors} of {counted(len(lagging), 'queue')} not synchronised: {_listed(lagging)}"
        yield Finding(Severity.WARNING, "unsynchronised", state.cluster, sentence)
    if lacking:
        mirrors = counted(sum(queue.missing for queue in lacking), "mirror")
        sentence = f"{mirrors} of {counted(len(lacking), 'queue')} missing that the policies ask for: "
        yield Finding(Severity.WARNING, "missing_mirrors", state.cluster, sentence + _listed(lacking))


def unmirrored(state: ClusterState) -> Iterator[Finding]:
    """Durable queues that live on one node only: perhaps meant so, so only a note."""
    totals = state.queues.totals
    if totals and totals.unmirrored:
        sentence = f"{counted(totals.unmirrored, 'durable classic queue')} that no policy mirrors"
        yield Finding(Severity.NOTE, "unmirrored", state.cluster, sentence)


def vhosts_down(state: ClusterState) -> Iterator[Finding]:
    """Vhosts that do not run on a node that runs."""
    running = {node.name for node in state.nodes if node.running}
    for vhost, states in state.vhosts.items():
        down = [node for node, runs in states.items() if not runs and node in running]
        if down:
            sentence = f"vhost {vhost!r} does not run on {names(down)}"
            yield Finding(Severity.CRITICAL, "vhost_down", vhost, sentence)


def resources(state: ClusterState) -> Iterator[Finding]:
    """Alarms, which block publishers in the whole cluster."""
    for node in state.nodes:
        figures = node.figures
        if figures is not None and figures.mem_alarm:
            sentence = f"the memory alarm of {node.name} blocks publishers: {figures.mem_used} bytes used"
            yield Finding(Severity.CRITICAL, "memory_alarm", node.name, sentence)
        if figures is not None and figures.disk_free_alarm:
            sentence = f"the disk alarm of {node.name} blocks publishers: {figures.disk_free} bytes free"
            yield Finding(Severity.CRITICAL, "disk_alarm", node.name, sentence)
