"""Could the step itself lose messages. What a person approves passes."""

from __future__ import annotations

from typing import Any

from rabbitwatch.actions.guards.judge import approvable
from rabbitwatch.actions.ports import Case
from rabbitwatch.actions.reach import mirrored, policy_of, synchronises
from rabbitwatch.cluster.mirrors import PROMOTE_BY_DEFAULT, MirrorRule, mirror_rule
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.broker import Policy
from rabbitwatch.model.cluster import QueueState

_REMOVES = ("expires", "max-age", "max-length", "max-length-bytes", "message-ttl", "delivery-limit")
"""Keys of a definition that have the broker remove messages or queues."""


@approvable
def last_copy(case: Case) -> str:
    """Whoever could take over has everything, while the step is under way and after it. A sync empties the mirrors that
    lag before it fills them, so they must not be all there is besides the leader; a policy that asks for fewer mirrors
    removes some; and one that gives mirrors to queues that have none makes empty ones, which are promoted when the
    leader's node fails, where the messages of a queue without mirrors wait on its disk."""
    if case.step.action == "sync_queue":
        return _of_sync(case)
    return _of_policy(case) if "pattern" in case.step.body else ""


def _of_sync(case: Case) -> str:
    detail = case.look.queues.get((case.step.vhost, case.step.object))
    if detail is None or detail.mirrors is None or detail.synchronised is None or detail.messages is None:
        return f"whether queue {case.step.object!r} has another complete copy is unknown"
    if detail.synchronised or not detail.messages:
        return ""
    return (
        f"only the leader {detail.node} has all {counted(detail.messages, 'message')}; the sync first empties what "
        f"{names(detail.unsynchronised)} hold of them, so all is lost if {detail.node} fails meanwhile: needs approval"
    )


def _of_policy(case: Case) -> str:
    before, after = _rule_before(case), mirror_rule(policy_of(case.step).definition or {})
    if before is None and after is None:
        return ""
    queues = mirrored(policy_of(case.step), case.look.state)
    if queues is None:
        return f"which queues would {'get' if before is None else 'lose'} mirrors is unknown: needs approval"
    up = frozenset(node.name for node in case.look.state.nodes if node.running)
    fewer = [q for q in queues if before and (after.expected(up, q.node) if after else 0) < before.expected(up, q.node)]
    if fewer:
        return (
            "the declared policy asks for fewer mirrors than there are: "
            f"{_counted(fewer)} would lose some: needs approval"
        )
    exposed = [q for q in queues if after and _exposed(q, after, up) and not synchronises(policy_of(case.step))]
    if not exposed:
        return ""
    return (
        f"{_counted(exposed)} would get mirrors that hold nothing: if a leader's node fails before they are in step, "
        "an empty one is promoted and all is lost, where without mirrors it waits on disk: needs approval"
    )


def _exposed(queue: QueueState, after: MirrorRule, up: frozenset[str]) -> bool:
    """Does it survive the failure of its node now, and not any more once it has mirrors that lag?"""
    promoted = after.promote_on_failure == PROMOTE_BY_DEFAULT and after.expected(up, queue.node) > 0
    return promoted and not queue.mirrors and queue.messages != 0 and queue.durable is not False


def _rule_before(case: Case) -> MirrorRule | None:
    before = case.step.before.get("policy")
    return mirror_rule(before["definition"]) if before else None


@approvable
def keeps_messages(case: Case) -> str:
    """The policy that is restored gives no new or tighter limit by which the broker removes messages or queues at once.
    Passes for steps that set no policy."""
    if "pattern" not in case.step.body:
        return ""
    policy = policy_of(case.step)
    removing = [key for key in _REMOVES if _tighter(case, policy, key)]
    if not removing:
        return ""
    keys = ", ".join(removing)
    return f"the policy sets {keys}, by which the broker may remove messages or queues at once: needs approval"


def _tighter(case: Case, policy: Policy, key: str) -> bool:
    """Is there a limit that did not hold before for the same queues?"""
    wanted = (policy.definition or {}).get(key)
    before: dict[str, Any] = case.step.before.get("policy") or {}
    if wanted is None:
        return False
    same_queues = before.get("pattern") == policy.pattern and before.get("apply-to") == policy.apply_to
    return not (same_queues and before["definition"].get(key) == wanted and before["priority"] == policy.priority)


def _counted(queues: list[QueueState]) -> str:
    return f"{counted(len(queues), 'queue')} ({names(queue.name for queue in queues)})"
