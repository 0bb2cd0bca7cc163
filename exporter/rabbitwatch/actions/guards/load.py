"""Can the cluster bear the synchronisations that the step leads to. Each passes for a step that leads to none."""

from __future__ import annotations

from collections import Counter

from rabbitwatch.actions.guards.judge import figures, guard
from rabbitwatch.actions.guards.syncs import Sync, syncs
from rabbitwatch.actions.ports import Case

_MIB = 1024 * 1024


@guard
def size(case: Case) -> str:
    """Each queue holds at most `guards.size.limit` bytes, and all that a node would receive is at most
    `guards.size.memory_share` of the memory that it has left before its alarm. RabbitMQ was seen to take five times a
    queue's bytes while it copies (rabbitmq-server#7658)."""
    found = syncs(case)
    if isinstance(found, str):
        return found
    arriving: Counter[str] = Counter()
    for each in found:
        if each.message_bytes is None:
            return f"how many bytes queue {each.name!r} holds is unknown"
        if each.message_bytes > case.guards.size.limit:
            return (
                f"queue {each.name!r} holds {_mib(each.message_bytes)}, more than the limit of "
                f"{_mib(case.guards.size.limit)}: let consumers empty it, or raise guards.size.limit"
            )
        arriving.update(dict.fromkeys(each.nodes, each.message_bytes))
    return next(filter(None, (_too_much(case, node, size) for node, size in sorted(arriving.items()))), "")


def _too_much(case: Case, node: str, arriving: int) -> str:
    entry = figures(case.look.state).get(node)
    if entry is None or entry.mem_limit is None or entry.mem_used is None:
        return f"how much memory {node} has left is unknown"
    free = max(entry.mem_limit - entry.mem_used, 0)
    share = case.guards.size.memory_share
    if arriving <= share * free:
        return ""
    return (
        f"{node} would receive {_mib(arriving)}, more than {share:.0%} of the {_mib(free)} it has left before its alarm"
    )


@guard
def rate(case: Case) -> str:
    """Each queue's published and delivered messages are at most `guards.rate.limit` a second, because it answers nobody
    while it copies. Passes inside one of `guards.rate.windows`."""
    if case.window:
        return ""
    found = syncs(case)
    if isinstance(found, str):
        return found
    limit = case.guards.rate.limit
    for each in found:
        if each.rate is None:
            return f"how many messages a second pass queue {each.name!r} is unknown"
        if each.rate > limit:
            return (
                f"{each.rate:.1f} messages a second pass queue {each.name!r}, more than {limit:g}, and a sync blocks "
                "it: wait for a quiet time, or for a window of guards.rate"
            )
    return ""


@guard
def batch(case: Case) -> str:
    """A batch crosses the wire, at `guards.batch.bandwidth`, within `guards.batch.ticktime_share` of net_ticktime:
    nodes that hear nothing of each other for that long suspect a partition."""
    found = syncs(case)
    if isinstance(found, str):
        return found
    if not found:
        return ""
    entries = figures(case.look.state)
    ticks = [entry.net_ticktime for entry in entries.values() if entry.net_ticktime is not None]
    if not ticks or len(ticks) < len(entries):
        return "net_ticktime of a node is unknown"
    return next(filter(None, (_too_slow(case, each, min(ticks)) for each in found)), "")


def _too_slow(case: Case, sync: Sync, tick: int) -> str:
    limits = case.guards.batch
    if sync.messages is None or sync.message_bytes is None:
        return f"how large the messages of queue {sync.name!r} are is unknown"
    if not sync.messages:
        return ""
    count = min(sync.batch or limits.default_batch, sync.messages)
    took = count * sync.message_bytes / sync.messages / limits.bandwidth
    allowed = limits.ticktime_share * tick
    if took <= allowed:
        return ""
    return (
        f"a batch of {count} messages of queue {sync.name!r} takes {took:.1f} s at {_mib(limits.bandwidth)} a second, "
        f"more than {limits.ticktime_share:.0%} of net_ticktime ({tick} s): set a smaller ha-sync-batch-size"
    )


def _mib(size: float) -> str:
    return f"{size / _MIB:.1f} MiB"
