"""Repairs in a few lines; /actions has the rest. Pure, but that it asks the repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.actions.facade import OpenStep, Repairs
from rabbitwatch.actions.ports import Approval
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.web.status.words import Capped, capped

MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairsNow:
    """bindings: how many there are by mode. paused: why nothing may act, "" where it may. trouble: why nothing can be
    told; then the rest is empty and says nothing."""

    bindings: Mapping[str, int]
    waiting: Capped[Approval]
    under_way: Capped[OpenStep]
    barred: Sequence[tuple[str, str]]
    paused: str
    trouble: str = ""


def repairs_now(repairs: Repairs) -> RepairsNow:
    """barred: clusters at which this agent may not act, and why."""
    try:
        return RepairsNow(
            bindings=Counter(str(each.binding.mode).replace("_", " ") for each in repairs.bindings()),
            waiting=capped(repairs.waiting(), MOST),
            under_way=capped(repairs.open_steps(), MOST),
            barred=[(cluster, why) for cluster, why in repairs.leases().items() if why],
            paused=repairs.paused,
        )
    except RabbitwatchError as error:
        return RepairsNow(
            bindings={}, waiting=Capped(()), under_way=Capped(()), barred=(), paused="", trouble=str(error)
        )
