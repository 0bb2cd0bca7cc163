"""Which confirmed messages are gone, which fault took them, and whether the agent is to blame. Pure.

Between two clusters that suffer the same faults, losses differ by more than the agent: after the first failover of a
round queues are led by different nodes, and then the same kill takes different messages. So the fair question is asked
of each message that both clusters had confirmed and that only the cluster with the agent has lost ("extra"): was a
repair of that queue under way (REPAIR: the agent's doing), did the queue stand otherwise in the two clusters when the
fault came (PLACES: chance), or neither (UNEXPLAINED: not to be waved through). A new round begins with new queues, led
by the same nodes in both, so that no difference outlives four faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.soak.places import Place, Places


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What could be read after a fault. began: when reading began; there: ids by queue, None where it was not
    readable."""

    fault: int
    began: float
    there: Mapping[str, frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Loss:
    """A message that was confirmed and never received. faults: those between when it was last there and first gone."""

    message: str
    queue: str
    faults: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repair:
    """One step of the agent: from the request to its recorded end. queue: "" for a policy, which reaches them all."""

    queue: str
    begun: float
    ended: float
    what: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A fault as it happened: from just before it began to the checkpoint after it; where queues were before, in
    the cluster with the agent and in the one without."""

    fault: int
    begun: float
    ended: float
    with_agent: Places
    without: Places


class Why(StrEnum):
    """See the module."""

    REPAIR = "a repair of this queue was under way"
    PLACES = "the queue stood otherwise in the two clusters"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Extra:
    """A loss with the agent that the other cluster did not have."""

    loss: Loss
    why: Why
    detail: str


def losses(
    confirmed: Mapping[str, float], received: frozenset[str], checkpoints: Sequence[Checkpoint], queue: str
) -> list[Loss]:
    """The losses of one queue in one round. confirmed: ids and when; received: at the end, everything healed;
    checkpoints: of the round, in order."""
    return [
        Loss(message, queue, _between(message, at, checkpoints, queue))
        for message, at in confirmed.items()
        if message not in received
    ]


def _between(message: str, confirmed: float, checkpoints: Sequence[Checkpoint], queue: str) -> tuple[int, ...]:
    """The faults since the last checkpoint at which it was there (or since it was confirmed) up to the first at which
    it was gone for good."""
    since: list[int] = []
    gone: tuple[int, ...] = ()
    for point in checkpoints:
        if point.began <= confirmed:
            continue
        since.append(point.fault)
        there = point.there.get(queue)
        if there is None:
            continue
        if message in there:
            since, gone = [], ()
        elif not gone:
            gone = tuple(since)
    return gone or tuple(since)


def extras(
    with_agent: Sequence[Loss],
    kept_without: frozenset[str],
    moments: Mapping[int, Moment],
    repairs: Sequence[Repair],
) -> list[Extra]:
    """Losses with the agent of messages that the other cluster had confirmed and kept, each with its reason."""
    return [_extra(loss, moments, repairs) for loss in with_agent if loss.message in kept_without]


def _extra(loss: Loss, moments: Mapping[int, Moment], repairs: Sequence[Repair]) -> Extra:
    during = [moments[fault] for fault in loss.faults if fault in moments]
    for moment in during:
        busy = [repair for repair in repairs if _under_way(repair, loss.queue, moment)]
        if busy:
            return Extra(loss, Why.REPAIR, "; ".join(repair.what for repair in _last(busy)))
    for moment in during:
        here, other = moment.with_agent.get(loss.queue), moment.without.get(loss.queue)
        if here is not None and other is not None and differ(here, other):
            return Extra(loss, Why.PLACES, f"{here} against {other}")
    stood = ((moment.with_agent.get(loss.queue), moment.without.get(loss.queue)) for moment in during)
    said = [f"{here or 'not told'} against {other or 'not told'}" for here, other in stood]
    return Extra(loss, Why.UNEXPLAINED, "; ".join(said) or "no fault is known to have taken it")


def _under_way(repair: Repair, queue: str, moment: Moment) -> bool:
    """Whether the step was open at some time of the fault, or has left mirrors behind that were not yet in step."""
    if repair.queue not in ("", queue):
        return False
    if repair.begun <= moment.ended and repair.ended >= moment.begun:
        return True
    here, other = moment.with_agent.get(queue), moment.without.get(queue)
    restored = repair.queue == "" and repair.ended < moment.begun
    return bool(restored and here and other and here.lagging and not other.lagging)


def _last(busy: Sequence[Repair]) -> list[Repair]:
    """Of policies only the one restored last: the queues before are gone."""
    policies = [repair for repair in busy if not repair.queue]
    return [*policies[-1:], *(repair for repair in busy if repair.queue)]


def differ(here: Place, other: Place) -> bool:
    """Whether a queue stood otherwise than in the other cluster, so that the same fault can lose more there. More
    mirrors in step are no such difference."""
    return here.leader != other.leader or not here.synchronised >= other.synchronised or here.state != other.state
