"""Are the queues in a state in which they can be touched."""

from __future__ import annotations

from collections.abc import Iterable

from rabbitwatch.actions.guards.judge import guard, running
from rabbitwatch.actions.ports import Case
from rabbitwatch.actions.reach import matched, policy_of
from rabbitwatch.cluster.side import RUNNING
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.cluster import QueueState

_SYNCING = "syncing"


@guard
def mirroring(case: Case) -> str:
    """All nodes run a version that has classic mirrors. Passes for a policy without ha-* keys."""
    definition = case.step.body.get("definition")
    if definition is not None and not any(key.startswith("ha-") for key in definition):
        return ""
    supported = case.look.state.mirroring_supported
    if supported is None:
        return "whether every node's version has mirroring is unknown, or differs between nodes"
    return "" if supported else "RabbitMQ 4 has no mirroring"


@guard
def no_sync(case: Case) -> str:
    """No queue of the cluster is being synchronised, watched or not."""
    look = case.look
    if look.syncing is None:
        return "whether a queue is being synchronised is unknown: not all of the cluster's queues were listed"
    busy = look.syncing | {key for key, detail in look.queues.items() if detail.syncing}
    said = names(f"{vhost}/{name}" for vhost, name in busy)
    return f"{counted(len(busy), 'queue')} being synchronised: {said}; wait for the end" if busy else ""


@guard
def settled(case: Case) -> str:
    """The vhost runs on every node, and every queue that the step touches works: queues crashed when a policy changed
    while they were promoted or half joined (rabbitmq-server#803, #1007)."""
    state = case.look.state
    row = state.vhosts.get(case.step.vhost, {})
    down = {node.name for node in running(state) if row.get(node.name) is False}
    if down:
        return f"vhost {case.step.vhost!r} is down on {names(down)}: rabbitmqctl restart_vhost"
    blank = {node.name for node in running(state)} - set(row)
    if blank or not row:
        return f"whether vhost {case.step.vhost!r} runs on {names(blank) or 'every node'} is unknown"
    if not state.queues.complete:
        return "in which state queues are is unknown: a part of the cluster did not list its queues"
    broken = [queue for queue in _touched(case) if queue.state not in (RUNNING, _SYNCING)]
    said = ", ".join(f"{queue.name} is {queue.state}" for queue in broken[:3])
    return f"{counted(len(broken), 'queue')} of vhost {case.step.vhost!r} not working: {said}" if broken else ""


def _touched(case: Case) -> Iterable[QueueState]:
    """The queue of a sync; the queues that a policy matches, and all of the vhost where that is unknown."""
    step, queues = case.step, case.look.state.queues.all
    there = [queue for queue in queues if queue.vhost == step.vhost]
    if "pattern" not in step.body:
        return [queue for queue in there if queue.name == step.object]
    found = matched(policy_of(step), case.look.state)
    return there if found is None else found
