"""Declared policies first, then the mirrors that lag, over a cluster, a vhost or a queue."""

from __future__ import annotations

from rabbitwatch.actions import apply_policy, sync_queue
from rabbitwatch.actions.ports import Action, Hand
from rabbitwatch.model.action import Look, Plan, Progress, Reply, Step, Target

NAME = "resync"

_PARTS = {part.name: part for part in (apply_policy.ACTION, sync_queue.ACTION)}


class Resync:
    """The steps of both, in that order. After each one all is looked at anew, so a queue that a restored policy gives
    new mirrors comes into a later plan, once they have joined."""

    name = NAME

    def plan(self, look: Look, target: Target) -> Plan:
        plans = [part.plan(look, target) for part in _PARTS.values()]
        steps = tuple(step for plan in plans for step in plan.steps)
        return Plan(
            action=NAME,
            target=target,
            steps=steps,
            skipped=tuple(each for plan in plans for each in plan.skipped),
            nothing="" if steps else "; ".join(plan.nothing for plan in plans),
        )

    def run(self, step: Step, hand: Hand) -> Reply:
        return _PARTS[step.action].run(step, hand)

    def progress(self, step: Step, look: Look) -> Progress:
        return _PARTS[step.action].progress(step, look)


ACTION: Action = Resync()
