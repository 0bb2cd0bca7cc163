"""Does any node lack memory or disk."""

from __future__ import annotations

from rabbitwatch.actions.guards.judge import guard, members, unknown
from rabbitwatch.actions.ports import Case
from rabbitwatch.cluster.wording import names


@guard
def no_alarm(case: Case) -> str:
    """No memory and no disk alarm on any node. A sync waits, with its queue blocked, while any node has a memory alarm,
    and fills the disk of its mirrors without regard to a disk alarm."""
    nodes = members(case.look.state)
    for what, field, remedy in (
        ("memory", "mem_alarm", "consume messages or raise vm_memory_high_watermark"),
        ("disk", "disk_free_alarm", "free disk space or lower disk_free_limit"),
    ):
        ringing = {node.name for node in nodes if node.figures is not None and getattr(node.figures, field)}
        if ringing:
            return f"{what} alarm on {names(ringing)}: {remedy}"
    blank = {
        node.name
        for node in nodes
        if node.figures is None or node.figures.mem_alarm is None or node.figures.disk_free_alarm is None
    }
    return unknown("the state of alarms", blank or ["every node"]) if blank or not nodes else ""
