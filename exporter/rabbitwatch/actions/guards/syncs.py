"""The synchronisations that a step leads to: of the queue that it is about, or of every queue that a policy with
`ha-sync-mode: automatic` would have synchronised. Guards judge each of them, and all together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rabbitwatch.actions.ports import Case
from rabbitwatch.actions.reach import policy_of, synchronises, to_synchronise, unwatched
from rabbitwatch.cluster.mirrors import mirror_rule
from rabbitwatch.cluster.wording import counted
from rabbitwatch.model.action import QueueLook
from rabbitwatch.model.broker import Policy
from rabbitwatch.model.cluster import QueueState


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One queue whose mirrors would copy it. nodes: those that would receive it, or may. rate: messages a second,
    published and delivered. batch: what a policy says, None where the broker's default holds. None: unknown."""

    name: str
    nodes: frozenset[str]
    messages: int | None
    message_bytes: int | None
    rate: float | None
    batch: int | None


def syncs(case: Case) -> tuple[Sync, ...] | str:
    """All of them, empty when the step leads to none; or why it is unknown which."""
    step, look = case.step, case.look
    if step.action == "sync_queue":
        detail = look.queues.get((step.vhost, step.object))
        if detail is None:
            return f"queue {step.object!r} could not be looked at"
        nodes = frozenset(detail.unsynchronised)
        return (_sync(detail.name, nodes, detail.messages, detail, detail.batch),) if nodes else ()
    if "pattern" not in step.body:
        return ()
    policy = policy_of(step)
    if not synchronises(policy):
        return ()
    queues = to_synchronise(policy, look.state)
    if queues is None:
        return "which queues the policy matches, and would have synchronised at once (ha-sync-mode), is unknown"
    if hidden := unwatched(look.state):
        return (
            f"it would have queues synchronised at once (ha-sync-mode), and {counted(hidden, 'queue')} are not watched"
        )
    return tuple(_of_policy(case, policy, queue) for queue in queues)


def _of_policy(case: Case, policy: Policy, queue: QueueState) -> Sync:
    definition = policy.definition or {}
    detail = case.look.queues.get((queue.vhost, queue.name))
    return _sync(queue.name, _receivers(case, definition, queue, detail), queue.messages, detail, _batch(definition))


def _receivers(
    case: Case, definition: Mapping[str, Any], queue: QueueState, detail: QueueLook | None
) -> frozenset[str]:
    rule = mirror_rule(definition)
    up = frozenset(node.name for node in case.look.state.nodes if node.running)
    candidates = up if rule is None or not rule.nodes else up & rule.nodes
    have = frozenset((detail.synchronised or ()) if detail is not None else ())
    return candidates - have - {queue.node}


def _batch(definition: Mapping[str, Any]) -> int | None:
    batch = definition.get("ha-sync-batch-size")
    return batch if isinstance(batch, int) else None


def _sync(name: str, nodes: frozenset[str], messages: int | None, detail: QueueLook | None, batch: int | None) -> Sync:
    rates = (detail.publish_rate, detail.deliver_rate) if detail is not None else (None, None)
    return Sync(
        name=name,
        nodes=nodes,
        messages=messages,
        message_bytes=0 if messages == 0 else detail.message_bytes if detail is not None else None,
        rate=None if rates[0] is None or rates[1] is None else rates[0] + rates[1],
        batch=batch,
    )
