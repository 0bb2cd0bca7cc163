"""May anybody act at all, and this agent, on this object, now."""

from __future__ import annotations

from rabbitwatch.actions.guards.judge import guard
from rabbitwatch.actions.ports import Case
from rabbitwatch.actions.reach import matched, policy_of
from rabbitwatch.cluster.selection import chooser
from rabbitwatch.config.durations import format_duration


@guard
def allowed(case: Case) -> str:
    """The binding's `vhosts` and `queues` name the vhost and every queue that the step touches. Passes where a person
    asked."""
    if case.binding is None:
        return ""
    if not chooser(case.binding.vhosts).keeps(case.step.vhost):
        return f"vhost {case.step.vhost!r} is not among the binding's vhosts"
    queues = chooser(case.binding.queues)
    if queues.everything:
        return ""
    if "pattern" not in case.step.body:
        return "" if queues.keeps(case.step.object) else f"queue {case.step.object!r} is not among the binding's queues"
    touched = matched(policy_of(case.step), case.look.state)
    if touched is None:
        return "which queues the policy matches is unknown, and the binding allows only some queues"
    outside = [queue.name for queue in touched if not queues.keeps(queue.name)]
    return f"the policy also matches queue {outside[0]!r}, which is not among the binding's queues" if outside else ""


@guard
def not_paused(case: Case) -> str:
    """Nobody has paused repairs."""
    return case.paused


@guard
def not_silenced(case: Case) -> str:
    """The alert is not silenced: whoever silenced it works on it. Passes where a person asked."""
    return "the alert is silenced: somebody works on it" if case.silenced else ""


@guard
def not_blind(case: Case) -> str:
    """The alert rests on what was seen, and is not one that is only held because nothing could be seen."""
    return (
        "the alert is blind: it is held from before, and what it is about could not be seen since" if case.blind else ""
    )


@guard
def fresh(case: Case) -> str:
    """What the step was planned by is at most `guards.fresh.at_most` old."""
    age = case.now - case.look.at
    if age < -1.0:
        return f"how old the observation is, is unknown: it is from {format_duration(round(-age))} ahead of the clock"
    limit = case.guards.fresh.at_most
    return (
        f"the observation is {round(age)} s old, and at most {format_duration(limit)} is allowed" if age > limit else ""
    )


@guard
def lease(case: Case) -> str:
    """At the moment of acting, this agent holds the cluster's lease. Passes before, when nothing is sent yet."""
    return case.lease if case.acting else ""
