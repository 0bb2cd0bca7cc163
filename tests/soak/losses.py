"""Which confirmed messages are gone, which fault took them, and whether the agent is to blame. Pure.

Between two clusters that suffer the same faults, losses differ by more than the agent: after the first failover of a
round queues are led by different nodes, and then the same kill takes different messages. So the fair question is asked
of each message that both clusters had confirmed and that only the cluster with the agent has lost ("extra"):

- REPAIR, the agent's doing: a repair of that queue was under way.
- PLACES, chance: the queue stood otherwise in the two clusters when the fault came.
- EDGE, chance: both lost a stretch of the queue's messages, and here it began earlier or ended later, by no more than
  the fault itself did, for no two nodes stop or start in the same second. While its leader is away, what is published
  to a queue without mirrors is confirmed and dropped, so that a longer outage loses more. Whether outages are longer
  with the agent on average, which would be no chance, is for delays.py to say.
- UNEXPLAINED, not to be waved through: none of these.

A new round begins with new queues, led by the same nodes in both, so that no difference outlives four faults.
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
    the cluster with the agent and in the one without. reach_…: of either cluster, when the fault stood and when all was
    whole again."""

    fault: int
    begun: float
    ended: float
    with_agent: Places
    without: Places
    reach_with_agent: tuple[float, float]
    reach_without: tuple[float, float]


Stretch = tuple[int, int]
"""The first and the last number of messages that were lost in a row."""


class Why(StrEnum):
    """See the module."""

    REPAIR = "a repair of this queue was under way"
    PLACES = "the queue stood otherwise in the two clusters"
    EDGE = "the same outage began earlier or ended later"
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
    without: Sequence[Loss],
    kept_without: frozenset[str],
    moments: Mapping[int, Moment],
    repairs: Sequence[Repair],
    pace: float,
) -> list[Extra]:
    """Losses with the agent of messages that the other cluster had confirmed and kept, each with its reason. pace:
    seconds between two messages of a queue."""
    stretches = _stretches(without)
    return [
        _extra(loss, stretches.get((loss.queue, loss.faults)), moments, repairs, pace)
        for loss in with_agent
        if loss.message in kept_without
    ]


def _extra(
    loss: Loss, other_lost: Stretch | None, moments: Mapping[int, Moment], repairs: Sequence[Repair], pace: float
) -> Extra:
    during = [moments[fault] for fault in loss.faults if fault in moments]
    for moment in during:
        busy = [repair for repair in repairs if _under_way(repair, loss.queue, moment)]
        if busy:
            return Extra(loss, Why.REPAIR, "; ".join(repair.what for repair in _last(busy)))
    for moment in during:
        here, other = moment.with_agent.get(loss.queue), moment.without.get(loss.queue)
        if here is not None and other is not None and differ(here, other):
            return Extra(loss, Why.PLACES, f"{here} against {other}")
    for moment in during:
        if edge := _edge(loss, other_lost, moment, pace):
            return Extra(loss, Why.EDGE, edge)
    stood = ((moment.with_agent.get(loss.queue), moment.without.get(loss.queue)) for moment in during)
    said = [f"{here or 'not told'} against {other or 'not told'}" for here, other in stood]
    return Extra(loss, Why.UNEXPLAINED, "; ".join(said) or "no fault is known to have taken it")


def _stretches(lost: Sequence[Loss]) -> Mapping[tuple[str, tuple[int, ...]], Stretch]:
    """By queue and faults, the first and the last of the messages that were lost; those it was filled with have no
    moment of their own and are left out."""
    found: dict[tuple[str, tuple[int, ...]], Stretch] = {}
    for loss in lost:
        number = _number(loss.message)
        if number is not None:
            first, last = found.get((loss.queue, loss.faults), (number, number))
            found[loss.queue, loss.faults] = (min(first, number), max(last, number))
    return found


def _number(message: str) -> int | None:
    """Which of the queue's moments it was published at."""
    last = message.rpartition("/")[2]
    return int(last) if last.isdecimal() else None


def _edge(loss: Loss, other_lost: Stretch | None, moment: Moment, pace: float) -> str:
    """Whether the message lies so close before or behind what the other cluster lost as the times of the fault are
    apart, in words; "" where it does not. A message is sent once in a pace and a node is asked twice a second whether
    all is whole, so two paces are no difference."""
    number = _number(loss.message)
    if number is None or other_lost is None:
        return ""
    first, last = other_lost
    here, other = moment.reach_with_agent, moment.reach_without
    behind, late = (number - last) * pace, max(0.0, here[1] - other[1])
    if 0 < behind <= late + 2 * pace:
        return f"{behind:.0f} s behind what the other lost, whole again {here[1] - other[1]:+.0f} s"
    before, early = (first - number) * pace, max(0.0, other[0] - here[0])
    if 0 < before <= early + 2 * pace:
        return f"{before:.0f} s before what the other lost, struck {here[0] - other[0]:+.0f} s"
    return ""


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
