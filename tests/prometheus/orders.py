"""The cluster `orders`, to which things happen: what a poll of it hears, from the poll's number alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.prometheus.incidents import INTERVAL, Incident, incidents
from tests.unit.cluster.build import (
    ABC,
    HA_ALL,
    A,
    B,
    C,
    cluster,
    heard,
    missed,
    node,
    objects,
    policy,
    queue,
    sees,
    vhost,
)

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.broker import Overview, Queue
from rabbitwatch.model.observation import (
    CheckResult,
    ClusterObservation,
    NodeObservation,
    ObjectsObservation,
    PluginView,
)


def wave(number: int, low: int, high: int, period: int, phase: int = 0) -> int:
    """A whole number that goes up and down between low and high."""
    return low + round((high - low) * (1 + math.sin((number + phase) * math.tau / period)) / 2)


def orders(number: int) -> ClusterObservation:
    """The observation of that poll."""
    now = incidents(number)
    if Incident.SILENCE in now:
        return cluster([node(name, missed(CallFailure.REFUSED, "connection refused")) for name in ABC])
    nodes = [_node(name, number, now) for name in ABC]
    if Incident.STRANGER in now:
        nodes.append(node("rabbit@d", missed()))
    told = [_objects(A, _component(A, now), number, now)]
    if Incident.SPLIT in now:
        told.append(_objects(C, (C,), number, now))
    return cluster(nodes, *told, missing=["rabbit@gone"] if Incident.MISSING_NODE in now else ())


def _component(name: str, now: frozenset[Incident]) -> tuple[str, ...]:
    if Incident.SPLIT in now:
        return (C,) if name == C else (A, B)
    if Incident.ONE_WAY in now and name == A:
        return (A, B)
    if Incident.MINORITY in now:
        return (A,)
    if Incident.NODE_DOWN in now:
        return (A, C)
    return ABC


def _figures(name: str, number: int, now: frozenset[Incident]) -> dict[str, Any]:
    place = ABC.index(name)
    since = number if Incident.RESTART.began(number) is None else number - (Incident.RESTART.began(number) or 0)
    uptime = max(since + 5000, 0) if since == number or name != B else since
    full = Incident.ALARMS in now and name == A
    return {
        "uptime": uptime * INTERVAL * 1000,
        "mem_used": 970 if full else wave(number, 300, 950, 90, place * 7),
        "mem_limit": 1000,
        "mem_alarm": full,
        "disk_free": 3_000 if full else _disk(number, now),
        "disk_free_limit": 5_000,
        "disk_free_alarm": full,
        "fd_used": wave(number, 100, 950, 110, place),
        "fd_total": 1024,
        "sockets_used": wave(number, 50, 850, 130, place),
        "sockets_total": 900,
        "proc_used": wave(number, 1000, 9500, 70),
        "proc_total": 10_000,
        "run_queue": 40 + number % 5 if Incident.BUSY in now else number % 3,
        "processors": 4,
        "net_ticktime": 60,
        "being_drained": Incident.DRAINING in now and name == C,
        "partitions": [C] if Incident.PARTITION_REPORTED in now and name == A else [],
        "type": "ram" if Incident.ALL_RAM in now or (Incident.RAM in now and name != A) else "disc",
    }


def _disk(number: int, now: frozenset[Incident]) -> int:
    return 8_000 if Incident.DISK_LOW in now else 9_000_000 - 20_000 * number - 1000 * (number % 3)


_CHECKS = ("alarms", "port_connectivity", "if_node_is_mirror_sync_critical", "if_node_is_quorum_critical")


def _node(name: str, number: int, now: frozenset[Incident]) -> NodeObservation:
    if (Incident.NODE_DOWN in now and name == B) or (Incident.MINORITY in now and name != A):
        return node(name, missed(CallFailure.REFUSED, "connection refused"), declared_type="disc")
    if Incident.LOCKED_OUT in now and name == C:
        return node(name, missed(CallFailure.UNAUTHORISED, "wrong password"), declared_type="disc")
    if Incident.DEAF in now and name == C:
        return node(name, missed(), declared_type="disc")
    view = sees(_component(name, now), more={peer: _figures(peer, number, now) for peer in ABC})
    opened = number + 20_000 if not now & {Incident.RESTART} else number
    overview = Overview(
        node=name,
        rabbitmq_version="3.10.9" if Incident.UPGRADE in now and name == B else "3.10.8",
        erlang_version="25.2",
        object_totals={
            "connections": wave(number, 90, 300, 60),
            "channels": 400,
            "consumers": 40,
            "exchanges": 17 + (3 if Incident.LOST_QUEUES in now and name == C else 0),
            "queues": 20 - (4 if Incident.LOST_QUEUES in now and name == C else 0),
        },
        churn_rates={"connection_created": opened * 37, "connection_closed": opened * 36},
        message_stats={"drop_unroutable": max(opened, 0) // 3, "return_unroutable": 1},
    )
    links = {peer: 3 for peer in ABC if peer != name}
    if Incident.ODD_LINK in now and name == B:
        del links[C]
    told = replace(heard(overview), took=4.0 + number % 3 if Incident.SLOW in now else 0.01)
    return node(
        name,
        view if Incident.SLOW not in now else replace(view, took=4.5 + number % 3),
        declared_type="disc",
        overview=missed() if Incident.NO_OVERVIEW in now and name == B else told,
        plugin=missed() if Incident.SLOW in now else heard(PluginView(links)),
        consumers=heard(_consumers(number, now) if name == A else {}),
        cookie_hash=heard("eB==" if Incident.COOKIE in now and name == C else "eA=="),
        cookie_file_hash=heard("eC==" if Incident.COOKIE in now else "eA=="),
        checks={
            check: heard(CheckResult(Incident.CHECKS not in now, ""))
            for check in (
                "alarms",
                "port_connectivity",
                "if_node_is_mirror_sync_critical",
                "if_node_is_quorum_critical",
            )
        },
    )


_NAMES = ("new", "paid", "sent", "mail", "audit", "orders.dlq", "jobs", "reply.1", "amq.gen-x", 'ätzend \\ "q"')


def _consumers(number: int, now: frozenset[Incident]) -> dict[tuple[str, str], int]:
    gone = Incident.NO_CONSUMERS in now
    return {("/", name): 0 if gone and name != "mail" else 1 + (number + i) // 50 for i, name in enumerate(_NAMES)}


def _objects(asked: str, component: tuple[str, ...], number: int, now: frozenset[Incident]) -> ObjectsObservation:
    drifted = (policy({"ha-mode": "exactly", "ha-params": 2}), policy({}, "z"))
    queues = list(_queues(number, now, leader=C if component == (C,) else A))
    return objects(
        asked,
        component,
        queues=tuple(queues) if Incident.FLAWS not in now else heard(tuple(queues), ("odd",)),
        policies=drifted if Incident.DRIFT in now else (HA_ALL,),
        operator_policies=missed() if Incident.FLAWS in now else (),
        vhosts=(
            vhost("/", a="running", b="stopped" if Incident.VHOST_DOWN in now else "running"),
            vhost("shop", a="running"),
        ),
    )


_KEEP = {"ha-promote-on-failure": "when-synced"}


def _queues(number: int, now: frozenset[Incident], leader: str) -> Iterator[Queue]:
    lagging = bool(now & {Incident.LAGGING, Incident.LAGGING_AGAIN})
    others = [name for name in ABC if name != leader][: 1 if Incident.MISSING_MIRRORS in now else 2]
    for i, name in enumerate(_NAMES):
        if Incident.QUEUES_GONE in now and i % 3 == 0:
            continue
        ready = _depth(i, number, now)
        held = 7 if name == "mail" else (number * (i + 3)) % 50
        synchronised = others[: i % 2] if lagging else others
        syncing: dict[str, Any] = {"state": "syncing", "sync_messages": 400} if lagging and name == "jobs" else {}
        if Incident.CRASHED in now and i == 2:
            yield Queue(name=name, vhost="/", state="down", node=B, type="classic", durable=True)
            continue
        yield queue(
            name,
            on=leader,
            mirrors=others,
            synchronised=synchronised,
            policy="ha",
            effective_policy_definition={
                "ha-mode": "all",
                **({"ha-promote-on-failure": "when-synced"} if i == 4 else {}),
            },
            messages=ready + held,
            messages_ready=ready,
            messages_unacknowledged=held if i != 3 or not lagging else 12_000,
            durable=i != 8,
            **syncing,
        )
    for i in range(number // 40 % 4):
        yield queue(f"tmp.{number // 40}.{i}", on=B, vhost="shop", messages=i, messages_ready=i)
    if Incident.HOLLOW in now:
        yield queue("hollow", messages=None, messages_ready=None, messages_unacknowledged=None)
    online = [A, B, C]
    if Incident.NODE_DOWN in now or Incident.QUORUM_LOST in now:
        online = [A] if Incident.QUORUM_LOST in now else [A, C]
    leads = A if Incident.QUORUM_LOST not in now else None
    yield queue("ledger", type="quorum", leader=leads, members=list(ABC), online=online, vhost="shop", messages=number)
    yield queue("pair", type="quorum", leader=A, members=[A, B], online=[A, B], vhost="shop", messages=3)
    log: dict[str, Any] = dict.fromkeys(("messages", "messages_ready", "messages_unacknowledged"))
    yield queue("log", type="stream", leader=B, members=list(ABC), online=list(ABC), vhost="shop", **log)


def _depth(i: int, number: int, now: frozenset[Incident]) -> int:
    if Incident.GROWTH in now and i in (0, 5, 6):
        return 400 + (number - (Incident.GROWTH.began(number) or 0)) ** 2 * (i + 1)
    if i == 1:
        return 150_000 + number
    if i == 3:
        return 2_000 + number // 30
    return wave(number, 0, 900, 37 + i, i * 11)
