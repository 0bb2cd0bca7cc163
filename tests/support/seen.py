"""What repairs see of small clusters: a healthy one of three nodes unless the test says otherwise.

All of it goes through the assessment, so that a look holds what a poll of such a cluster would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.unit.cluster.build import ABC, AT, B, C, cluster, entry, heard, node, objects, queue, vhost

from rabbitwatch.actions.ports import Case
from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.actions import GuardsConfig
from rabbitwatch.config.models import ClusterConfig, DeclaredPolicy
from rabbitwatch.model.action import Look, QueueLook, Step, Target
from rabbitwatch.model.broker import Overview, Policy, Queue
from rabbitwatch.model.observation import ClusterObservation

CLUSTER = "orders"
HOUR = 3600.0
GIB = 1024**3
HA = {"ha-mode": "all"}
WELL: Mapping[str, Any] = {
    "uptime": 24 * 3600 * 1000,
    "mem_used": GIB // 4,
    "mem_limit": 2 * GIB,
    "mem_alarm": False,
    "disk_free": 50 * GIB,
    "disk_free_alarm": False,
    "net_ticktime": 60,
}
"""What a node that lacks nothing tells of itself."""
DECLARED = DeclaredPolicy(name="ha", pattern=".*", apply_to="queues", priority=0, definition=HA)


def as_broker(declared: DeclaredPolicy) -> Policy:
    """The declared policy as the broker has it."""
    return Policy(
        vhost=declared.vhost,
        name=declared.name,
        pattern=declared.pattern,
        apply_to=declared.apply_to,
        priority=declared.priority,
        definition=declared.definition,
    )


def lagging(name: str = "q", *, synchronised: Iterable[str] = (B,), messages: int | None = 100, **more: Any) -> Queue:
    """A queue whose leader is a, with mirrors on b and c."""
    return queue(name, mirrors=[B, C], synchronised=list(synchronised), messages=messages, policy="ha", **more)


def detail(row: Queue, **other: Any) -> QueueLook:
    """What the queue itself tells besides its row: a kilobyte a message, and hardly any traffic."""
    fields: dict[str, Any] = {
        "vhost": row.vhost,
        "name": row.name,
        "type": row.type,
        "node": row.node,
        "state": row.state,
        "policy": row.policy,
        "exclusive": row.exclusive,
        "messages": row.messages,
        "message_bytes": None if row.messages is None else row.messages * 1000,
        "publish_rate": 0.5,
        "deliver_rate": 0.5,
        "mirrors": None if row.slave_nodes is None else tuple(row.slave_nodes),
        "synchronised": None if row.synchronised_slave_nodes is None else tuple(row.synchronised_slave_nodes),
        "sync_messages": row.sync_messages,
        "batch": None,
    }
    return QueueLook(**fields | other)


def observed(
    queues: Sequence[Queue] = (),
    policies: Sequence[Policy] = (),
    operator_policies: Sequence[Policy] = (),
    *,
    nodes: Mapping[str, Mapping[str, Any]] | None = None,
    version: str = "3.10.8",
    vhosts: Sequence[str] = ("/",),
    unseen: int = 0,
) -> ClusterObservation:
    """Three nodes that see each other. nodes: by name, what one tells otherwise than `WELL`. unseen: how many queues
    they count besides those that are told."""
    entries = tuple(entry(name, **{**WELL, **(nodes or {}).get(name, {})}) for name in ABC)
    running = tuple(vhost(name, a="running", b="running", c="running") for name in vhosts)
    told = objects(
        queues=tuple(queues), policies=tuple(policies), operator_policies=tuple(operator_policies), vhosts=running
    )
    overview = {"queues": len(queues) + unseen, "connections": 3}
    return cluster(
        [
            node(
                name,
                heard(entries),
                overview=heard(Overview(node=name, rabbitmq_version=version, object_totals=overview)),
            )
            for name in ABC
        ],
        told,
    )


def look(
    queues: Sequence[Queue] = (),
    policies: Sequence[Policy] = (),
    operator_policies: Sequence[Policy] = (),
    *,
    details: Mapping[tuple[str, str], QueueLook] | None = None,
    declared: Sequence[DeclaredPolicy] = (DECLARED,),
    observation: ClusterObservation | None = None,
    **more: Any,
) -> Look:
    """A look at such a cluster, with a detail of every queue that has mirrors unless `details` are given.

    observation: of another cluster, from which the state is taken, while policies and details still come from the
    arguments. more: fields of the look, or arguments of `observed`.
    """
    of_observed = {key: more.pop(key) for key in ("nodes", "version", "vhosts", "unseen") if key in more}
    observation = observation or observed(queues, policies, operator_policies, **of_observed)
    fields: dict[str, Any] = {
        "state": assess(observation, ClusterConfig(name=CLUSTER, policies=tuple(declared))),
        "declared": tuple(declared),
        "policies": {
            (operator, policy.vhost, policy.name): policy
            for operator, group in ((False, policies), (True, operator_policies))
            for policy in group
        },
        "queues": {(q.vhost, q.name): detail(q) for q in queues if q.slave_nodes is not None}
        if details is None
        else details,
        "syncing": frozenset((q.vhost, q.name) for q in queues if q.state == "syncing"),
    }
    return Look(**fields | more)


TARGET = Target(CLUSTER)


def case(step: Step, seen: Look, **other: Any) -> Case:
    """The case of a step that a person asks for, with the default limits, a moment after the look."""
    fields: dict[str, Any] = {
        "step": step,
        "look": seen,
        "past": (),
        "guards": GuardsConfig(),
        "binding": None,
        "now": AT + 1.0,
    }
    return Case(**fields | other)


def otherwise(seen: Look, **changes: Any) -> Look:
    """The same look with other fields of the state."""
    return replace(seen, state=replace(seen.state, **changes))
