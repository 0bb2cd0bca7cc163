"""Clusters in every state that the pages must show, polled a moment ago: for tests in a browser, and for pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.cluster.build import ABC, HA_ALL, A, B, C, cluster, healthy, missed, node, objects, queue, sees
from tests.unit.web.picture.test_card import firing

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.findings import findings
from rabbitwatch.cluster.sentence import sentence
from rabbitwatch.config.models import ClusterConfig, DeclaredPolicy
from rabbitwatch.metrics.samples import blocks
from rabbitwatch.model.broker import Queue
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.notify.ports import AlertStatus
from rabbitwatch.promql.window import Window
from rabbitwatch.web.ports import Watched
from rabbitwatch.web.status.trend import DEPTH, HISTORY

INTERVAL = 15.0
POLLED_AGO = 4.0
HOSTILE = "<img src=x onerror=alert(1)>\u202egpj.exe{{ 7*7 }}&amp;\u05e9\u05dc\u05d5\u05dd"
"""Markup, a template, an entity, and characters that turn the direction of what follows."""
_GIB = 1 << 30
_POLLS_BEFORE, _STEP = 40, 30.0
_DECLARED = (DeclaredPolicy(name="ha", pattern=".*", apply_to="queues", definition={"ha-mode": "all"}),)
_TYPES = {A: "disc", B: "disc", C: "ram"}
_SMALL = (("carts", A, 12), ("emails", B, 340), ("invoices", C, 0), ("shipments", A, 51))


@dataclass(frozen=True, slots=True)
class Scene:
    """What an agent knows. memory: how deep queues were over the last 20 minutes; None before there is any past."""

    watched: Sequence[Watched]
    alerts: Sequence[AlertStatus] = ()
    memory: Window | None = None


# -- observations


def _figures(name: str) -> Mapping[str, Any]:
    used = {A: 2.3, B: 1.9, C: 2.1}[name]
    memory = {"mem_used": round(used * _GIB), "mem_limit": 8 * _GIB, "mem_alarm": False}
    disk = {"disk_free": 61 * _GIB, "disk_free_limit": 5 * _GIB, "disk_free_alarm": False}
    return {"type": _TYPES[name], "uptime": 900_000_000, **memory, **disk}


FIGURES = {name: _figures(name) for name in ABC}


def _whole(*queues: Queue) -> ClusterObservation:
    told = objects(queues=queues, policies=(HA_ALL,))
    return cluster([node(name, sees(ABC, more=FIGURES)) for name in ABC], told)


def _halves(*queues: Queue) -> ClusterObservation:
    """The ram node is cut off; each side tells what it holds, and the first queue has a leader on both."""
    near, far = sees({A, B}, more=FIGURES), sees({C}, more=FIGURES)
    there = tuple(queue(each.name, C, [], messages=each.messages) for each in queues[:1])
    return cluster(
        [node(A, near), node(B, near), node(C, far)],
        objects(A, (A, B), queues, (HA_ALL,)),
        objects(C, (C,), there, (HA_ALL,)),
    )


def _small() -> tuple[Queue, ...]:
    return tuple(_mirrored(name, on, messages) for name, on, messages in _SMALL)


def _mirrored(name: str, on: str, messages: int, synchronised: Sequence[str] | None = None) -> Queue:
    """A queue with a mirror on each of the other nodes. synchronised: by default all of them."""
    others = [each for each in ABC if each != on]
    kept = others if synchronised is None else list(synchronised)
    return queue(name, on, others, synchronised=kept, messages=messages, messages_ready=messages, policy="ha")


def _lagging() -> tuple[Queue, ...]:
    lag = (
        _mirrored("orders.created", A, 123_456, ()),
        _mirrored("orders.paid", B, 20_500, ()),
        _mirrored("orders.archived", A, 1_200, (B,)),
    )
    return (*lag, *_small())


def _thousands(count: int) -> tuple[Queue, ...]:
    return tuple(
        _mirrored(f"tenant-{n:04}.events", ABC[n % 3], n * 7919 % 977, None if n % 50 else ()) for n in range(count)
    )


# -- scenes


def _watched(name: str, observation: ClusterObservation, at: float, **more: Any) -> Watched:
    state = assess(replace(observation, cluster=name, at=at), ClusterConfig(name=name, policies=_DECLARED))
    told: dict[str, Any] = {
        "state": state,
        "findings": findings(state),
        "sentence": sentence(state, None),
        "trouble": "",
    }
    return Watched(name=name, interval=INTERVAL, polled=True, **(told | more))


def _unseen(name: str) -> Watched:
    return Watched(name=name, interval=INTERVAL, polled=False, trouble="", state=None, findings=(), sentence="")


def _alert(name: str, severity: str, summary: str, since: float, **labels: str) -> AlertStatus:
    status = firing(severity, name, cluster=labels.pop("cluster", "orders"), since=since)
    alert = replace(status.alert, labels={**status.alert.labels, **labels}, annotations={"summary": summary})
    return replace(status, alert=alert)


def _remembering(states: Sequence[ClusterState], now: float) -> Window:
    """The past of these: what is deep has grown, the others went up and down."""
    window = Window()
    window.retain([HISTORY])
    depths = [(state.cluster, block) for state in states for block in blocks([state]) if block.family.name == DEPTH]
    for number in range(-_POLLS_BEFORE, 1):
        for cluster_name, block in depths:
            rows = [(labels, _depth(float(value), number, place)) for place, (labels, value) in enumerate(block.rows)]
            window.ingest(round((now + number * _STEP) * 1000), (replace(block, rows=rows),), cluster_name)
    return window


def _depth(value: float, number: int, place: int) -> float:
    if value > 10_000:
        return round(value * (1 + number / (_POLLS_BEFORE + 5)))
    return value if number == 0 else round(value * (1 + 0.3 * math.sin(number / 3 + place)))


def _scene(watched: Sequence[Watched], now: float, *alerts: AlertStatus) -> Scene:
    states = [each.state for each in watched if each.state is not None]
    return Scene(watched, alerts, _remembering(states, now - POLLED_AGO))


def _others(at: float) -> Iterator[Watched]:
    for name in ("billing", "search"):
        yield _watched(name, _whole(*_small()), at)


def well(now: float) -> Scene:
    """Three clusters without a fault."""
    at = now - POLLED_AGO
    return _scene([_watched("orders", _whole(*_small()), at), *_others(at)], now)


def broken_in_two(now: float) -> Scene:
    """One of three is split."""
    at = now - POLLED_AGO
    alerts = (
        _alert(
            "RabbitMQClusterSplit", "critical", "orders is split into 2 groups that do not see each other", now - 75
        ),
        _alert(
            "RabbitMQContestedQueues", "critical", "1 queue of orders has a leader on both sides of the split", now - 70
        ),
        _alert(
            "RabbitMQNoConsumers",
            "warning",
            "emails in vhost / of orders has messages and nobody reads them",
            now - 900,
        ),
    )
    return _scene([_watched("orders", _halves(*_small()), at), *_others(at)], now, *alerts)


def lagging(now: float) -> Scene:
    """Mirrors of one cluster lag, and messages hang on one node."""
    at = now - POLLED_AGO
    alerts = (
        _alert(
            "RabbitMQMessagesAtRisk",
            "critical",
            "Messages in vhost / that hang on a single node: 144k",
            now - 2280,
            vhost="/",
        ),
        _alert(
            "RabbitMQMirrorsLag",
            "warning",
            "3 queues in vhost / of orders have mirrors that lag",
            now - 2700,
            vhost="/",
        ),
    )
    return _scene([_watched("orders", _whole(*_lagging()), at), *_others(at)], now, *alerts)


def hostile(now: float) -> Scene:
    """Names that were chosen to break a page."""
    at = now - POLLED_AGO
    names = (HOSTILE, "x" * 250, "</script><script>alert(2)</script>", "'\"`;--", "\u0000\n\t", " ")
    queues = [_mirrored(name, A, 1000 + place, ()) for place, name in enumerate(names)]
    summary = f"{HOSTILE} has lost its mind {'y' * 300}"
    bad = _alert("RabbitMQMirrorsLag", "critical", summary, now - 60, cluster=HOSTILE, queue=HOSTILE, vhost="\u202e/")
    return _scene(
        [_watched(HOSTILE + "z" * 80, _halves(*queues), at), _watched(HOSTILE, _whole(*queues), at)], now, bad
    )


def thousands(now: float) -> Scene:
    """One cluster with 5,000 queues, a hundred of which lag."""
    return _scene([_watched("events", _whole(*_thousands(5000)), now - POLLED_AGO)], now)


def many(now: float) -> Scene:
    """Sixteen clusters: one is split, one lags, one was last polled long ago, one cannot be, the others are well."""
    at = now - POLLED_AGO
    split = "orders is split into 2 groups that do not see each other"
    bad = [
        _watched("orders", _halves(*_small()), at),
        _watched("billing", _whole(*_lagging()), at),
        _watched("ledger", _whole(*_small()), now - 500),
        _watched(
            "legacy", healthy(), at, state=None, trouble="no node answers: http://legacy1:15672: connection refused"
        ),
    ]
    good = [_watched(f"shop-{n:02}", _whole(_mirrored("carts", A, n * 700)), at) for n in range(1, 13)]
    alerts = (
        _alert("RabbitMQClusterSplit", "critical", split, now - 75),
        _alert(
            "RabbitMQMessagesAtRisk", "warning", "Messages in vhost / that hang on a single node: 144k", now - 7500,
            cluster="billing", vhost="/",
        ),
    )  # fmt: skip
    return _scene([*good, *bad], now, *alerts)


def first_minute(now: float) -> Scene:
    """Just started: one poll has ended, the others are under way."""
    return Scene([_watched("orders", _whole(*_small()), now - 1), _unseen("billing"), _unseen("search")])


def silent_node(now: float) -> Scene:
    """A node is down, and another does not answer."""
    at = now - POLLED_AGO
    told = objects(queues=_lagging(), policies=(HA_ALL,))
    nodes = [node(A, sees({A, B}, more=FIGURES)), node(B, missed()), node(C, missed())]
    alerts = (
        _alert("RabbitMQNodeDown", "critical", "rabbit@c of orders is down", now - 320, node=C),
        _alert(
            "RabbitMQNodeSilent",
            "warning",
            "rabbit@b of orders does not answer: no answer within 10 s",
            now - 200,
            node=B,
        ),
    )
    return _scene([_watched("orders", cluster(nodes, told), at), *_others(at)], now, *alerts)


def alone(now: float) -> Scene:
    """A single cluster, as most have it, and it is split."""
    found = broken_in_two(now)
    return Scene(found.watched[:1], found.alerts, found.memory)


SCENES: Mapping[str, Callable[[float], Scene]] = {
    "healthy": well,
    "split": broken_in_two,
    "alone": alone,
    "down": silent_node,
    "lagging": lagging,
    "many": many,
    "hostile": hostile,
    "queues": thousands,
    "first": first_minute,
}
