"""All guards. Every one is asked about every step, whatever the others say, and all their answers are recorded; none
can be switched off. Another guard is a function in this folder and a line here."""

from __future__ import annotations

from rabbitwatch.actions.guards.alarms import no_alarm
from rabbitwatch.actions.guards.history import budget, cooldown, fight, one_step
from rabbitwatch.actions.guards.load import batch, rate, size
from rabbitwatch.actions.guards.loss import keeps_messages, last_copy
from rabbitwatch.actions.guards.membership import healthy, nodes_running, uptime
from rabbitwatch.actions.guards.permission import allowed, fresh, lease, not_blind, not_paused, not_silenced
from rabbitwatch.actions.guards.queues import mirroring, no_sync, settled
from rabbitwatch.actions.guards.unity import no_partition, one_component, views_agree
from rabbitwatch.actions.ports import Case, Guard
from rabbitwatch.model.action import Answer

GUARDS: tuple[Guard, ...] = (
    not_paused,
    allowed,
    fresh,
    not_blind,
    not_silenced,
    nodes_running,
    one_component,
    views_agree,
    no_partition,
    healthy,
    uptime,
    no_alarm,
    mirroring,
    settled,
    no_sync,
    one_step,
    size,
    rate,
    batch,
    last_copy,
    keeps_messages,
    fight,
    cooldown,
    budget,
    lease,
)


def ask(case: Case) -> tuple[Answer, ...]:
    """Every guard's answer, in the order of the table."""
    return tuple(guard(case) for guard in GUARDS)
