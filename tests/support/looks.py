"""Looks at a cluster that nobody asked, for tests of what is decided by them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.action import Look, QueueLook
from rabbitwatch.model.broker import BrokerNode, Overview
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.observation import ClusterObservation, Heard, Missed, NodeObservation

AT = 1_700_000_000.0


def queue_look(name: str, vhost: str = "/", **told: Any) -> QueueLook:
    """A classic queue without mirrors that holds nothing; `told` says otherwise."""
    usual: dict[str, Any] = {
        "type": "classic",
        "node": None,
        "state": "running",
        "policy": None,
        "exclusive": False,
        "messages": 0,
        "message_bytes": 0,
        "publish_rate": 0.0,
        "deliver_rate": 0.0,
        "mirrors": None,
        "synchronised": None,
        "sync_messages": None,
        "batch": None,
    }
    return QueueLook(vhost=vhost, name=name, **{**usual, **told})


def state_of(
    urls: Mapping[str, str],
    *,
    silent: Collection[str] = (),
    down: Collection[str] = (),
    components: Sequence[Iterable[str]] | None = None,
) -> ClusterState:
    """The state of nodes by name and address. silent: those that do not answer; down: those that do not run either.
    components: other groups than those that follow."""
    gone = Missed(CallFailure.TIMEOUT, "no answer within 1 s", AT, 1.0)
    running = [name for name in urls if name not in down]
    view = tuple(BrokerNode(name=name, running=name in running, type="disc") for name in urls)
    nodes = tuple(
        NodeObservation(
            name=name,
            url=url,
            declared=True,
            overview=gone if quiet else Heard(Overview(node=name, rabbitmq_version="3.10.8"), AT, 0.1),
            nodes=gone if quiet else Heard(view, AT, 0.1),
        )
        for name, url in urls.items()
        for quiet in [name in silent or name in down]
    )
    state = assess(ClusterObservation(cluster="lab", at=AT, took=0.1, nodes=nodes, objects=()), ClusterConfig())
    return state if components is None else replace(state, components=tuple(frozenset(each) for each in components))


def look_at(urls: Mapping[str, str], *, queues: Iterable[QueueLook] = (), **state: Any) -> Look:
    """A look at `state_of` those nodes."""
    found = {(queue.vhost, queue.name): queue for queue in queues}
    return Look(state=state_of(urls, **state), declared=(), policies={}, queues=found, syncing=frozenset())
