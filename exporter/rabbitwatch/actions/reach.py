"""Which queues a policy matches, and which of them it would have synchronised. Pure.

Only queues that are watched are known here: those that `vhosts` and `queues` of the cluster's configuration leave out
are in no count (`unwatched` tells how many there are).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rabbitwatch.cluster.drift import differences
from rabbitwatch.cluster.mirrors import mirror_rule
from rabbitwatch.cluster.policies import applies, compiles
from rabbitwatch.config.models import DeclaredPolicy
from rabbitwatch.model.action import Step
from rabbitwatch.model.broker import Policy
from rabbitwatch.model.cluster import ClusterState, QueueState

CLASSIC = frozenset({"", "classic"})


def as_policy(declared: DeclaredPolicy) -> Policy:
    """The declared policy as the broker would tell it."""
    return Policy(
        vhost=declared.vhost,
        name=declared.name,
        pattern=declared.pattern,
        apply_to=declared.apply_to,
        priority=declared.priority,
        definition=declared.definition,
    )


def policy_of(step: Step) -> Policy:
    """The policy that a step of apply_policy sets."""
    body = step.body
    return Policy(
        vhost=step.vhost,
        name=step.object,
        pattern=body["pattern"],
        apply_to=body["apply-to"],
        priority=body["priority"],
        definition=body["definition"],
    )


def matched(policy: Policy, state: ClusterState) -> tuple[QueueState, ...] | None:
    """The watched queues that the policy matches, whether it takes effect there or one of higher priority does.

    None when unknown: a component did not tell its queues, or RE2 cannot read the pattern.
    """
    if not state.queues.complete or not compiles(policy):
        return None
    return tuple(queue for queue in state.queues.all if queue.vhost == policy.vhost and applies(policy, queue))


def mirrored(policy: Policy, state: ClusterState) -> tuple[QueueState, ...] | None:
    """Those of the matched queues that can have mirrors."""
    found = matched(policy, state)
    return None if found is None else tuple(q for q in found if q.type in CLASSIC and not q.exclusive)


def synchronises(policy: Policy) -> bool:
    """Does it ask for mirrors that synchronise by themselves?"""
    definition = policy.definition or {}
    return mirror_rule(definition) is not None and definition.get("ha-sync-mode") == "automatic"


def to_synchronise(policy: Policy, state: ClusterState) -> tuple[QueueState, ...] | None:
    """The queues that setting this policy would have synchronised at once: all that hold messages, or may, and have
    fewer synchronised mirrors than it asks for. Empty for a policy that leaves that to a person."""
    if not synchronises(policy):
        return ()
    found = mirrored(policy, state)
    return (
        None
        if found is None
        else tuple(queue for queue in found if queue.messages != 0 and _short(policy, queue, state))
    )


def _short(policy: Policy, queue: QueueState, state: ClusterState) -> bool:
    rule = mirror_rule(policy.definition or {})
    running = frozenset(node.name for node in state.nodes if node.running)
    return rule is not None and rule.expected(running, queue.node) > (queue.synchronised or 0)


def to_ask(
    state: ClusterState, declared: Iterable[DeclaredPolicy], policies: Mapping[tuple[bool, str, str], Policy]
) -> list[tuple[str, str]]:
    """The queues, by vhost and name, that restoring drifted policies would have synchronised: guards judge by their
    sizes and rates. policies: what the broker has, by (operator, vhost, name)."""
    found: dict[tuple[str, str], None] = {}
    for wanted in declared:
        there = policies.get((wanted.operator, wanted.vhost, wanted.name))
        if there is None or differences(there, wanted):
            queues = to_synchronise(as_policy(wanted), state) or ()
            found.update(dict.fromkeys((queue.vhost, queue.name) for queue in queues))
    return list(found)


def messages_in(queues: Sequence[QueueState]) -> int | None:
    """How many messages they hold; None when one does not tell."""
    depths = [queue.messages for queue in queues if queue.messages is not None]
    return sum(depths) if len(depths) == len(queues) else None


def unwatched(state: ClusterState) -> int:
    """How many queues brokers count that are not watched, by the largest count; 0 where nobody counts."""
    counts = [row["queues"] for row in state.views.objects.values() if "queues" in row]
    return max(max(counts, default=0) - len(state.queues.all), 0)


def as_told(policy: Policy | None) -> dict[str, Any] | None:
    """A policy as the API spells it, for the record; None for none."""
    if policy is None:
        return None
    return {
        "pattern": policy.pattern,
        "apply-to": policy.apply_to or "all",
        "priority": policy.priority or 0,
        "definition": dict(policy.definition or {}),
    }
