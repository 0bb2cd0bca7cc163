"""Small observations, written as a person would tell them: who answers, whom it sees, which queues there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.broker import BrokerNode, Overview, Policy, Queue, Vhost
from rabbitwatch.model.observation import (
    ClusterObservation,
    Heard,
    Missed,
    NodeObservation,
    NotAsked,
    ObjectsObservation,
)

T = TypeVar("T")

AT = 1_700_000_000.0
A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"
ABC = (A, B, C)
CONFIG = ClusterConfig(name="orders")


def heard(value: T, flaws: tuple[str, ...] = ()) -> Heard[T]:
    return Heard(value, at=AT + 0.1, took=0.1, flaws=flaws)


def missed(failure: CallFailure = CallFailure.TIMEOUT, reason: str = "no answer within 10 s") -> Missed:
    return Missed(failure, reason, at=AT + 10, took=10.0)


def entry(name: str, running: bool = True, **more: Any) -> BrokerNode:
    """A node as /api/nodes tells it: one that is down has its name, type and running=false alone."""
    if not running:
        return BrokerNode(name=name, type=more.get("type", "disc"), running=False)
    fields: dict[str, Any] = {"type": "disc", "partitions": [], "mem_used": 1, "mem_limit": 10} | more
    return BrokerNode(name=name, running=True, **fields)


def sees(
    running: Iterable[str], among: Iterable[str] = ABC, more: Mapping[str, Mapping[str, Any]] | None = None
) -> Heard[tuple[BrokerNode, ...]]:
    """A node's own answer to /api/nodes."""
    up = set(running)
    return heard(tuple(entry(name, name in up, **(more or {}).get(name, {})) for name in among))


def node(name: str, view: Any, version: str | None = "3.10.8", **more: Any) -> NodeObservation:
    """A node that is asked. view: its answer to /api/nodes, or why there is none; then /api/overview fails too."""
    overview: Any = heard(Overview(node=name, rabbitmq_version=version)) if isinstance(view, Heard) else view
    fields: dict[str, Any] = {"overview": overview, "nodes": view} | more
    return NodeObservation(name=name, url=f"http://{name.partition('@')[2]}:15672", declared=True, **fields)


def objects(
    asked: str = A,
    component: Iterable[str] = ABC,
    queues: Any = (),
    policies: Any = (),
    operator_policies: Any = (),
    vhosts: Any = (),
) -> ObjectsObservation:
    """What one component tells; a part that is a tuple was heard, anything else stands as it is."""

    def part(value: Any) -> Any:
        return heard(value) if isinstance(value, tuple) else value

    return ObjectsObservation(
        asked=asked,
        component=frozenset(component),
        queues=part(queues),
        policies=part(policies),
        operator_policies=part(operator_policies),
        vhosts=part(vhosts),
    )


def cluster(
    nodes: Iterable[NodeObservation], *told: ObjectsObservation, missing: Iterable[str] = ()
) -> ClusterObservation:
    return ClusterObservation(
        cluster="orders", at=AT, took=0.4, nodes=tuple(nodes), objects=told, missing=frozenset(missing)
    )


def healthy(*told: ObjectsObservation, version: str = "3.10.8", **more: Any) -> ClusterObservation:
    """Three nodes that see each other."""
    return cluster([node(name, sees(ABC), version, **more) for name in ABC], *told)


def split(*told: ObjectsObservation) -> ClusterObservation:
    """The link to c is cut and noticed; every `partitions` is still empty."""
    return cluster([node(A, sees({A, B})), node(B, sees({A, B})), node(C, sees({C}))], *told)


def queue(name: str = "q", on: str = A, mirrors: Iterable[str] | None = None, **more: Any) -> Queue:
    """A classic queue in the cheap form. mirrors: their nodes; `synchronised` among `more`: by default all of them."""
    synchronised = more.pop("synchronised", mirrors)
    fields: dict[str, Any] = {"vhost": "/", "type": "classic", "state": "running", "durable": True, "exclusive": False}
    fields |= {"messages": 0, "messages_ready": 0, "messages_unacknowledged": 0} | more
    return Queue(
        name=name,
        node=on,
        slave_nodes=None if mirrors is None else list(mirrors),
        synchronised_slave_nodes=None if synchronised is None else list(synchronised),
        **fields,
    )


def policy(definition: Mapping[str, Any], name: str = "ha", **more: Any) -> Policy:
    fields: dict[str, Any] = {"vhost": "/", "pattern": ".*", "apply_to": "queues", "priority": 0} | more
    return Policy(name=name, definition=definition, **fields)


HA_ALL = policy({"ha-mode": "all"})

NOT_ASKED = NotAsked("switched off")


def vhost(name: str = "/", **states: str) -> Vhost:
    return Vhost(name=name, cluster_state={f"rabbit@{host}": state for host, state in states.items()})
