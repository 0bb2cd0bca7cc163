"""What the API of actions answers, as plain data: an interface that other programs read.

What is unknown is null, never 0. Times are unix seconds, durations seconds, sizes bytes. Lines of the audit are served
as they are stored (actions/record.py), so that whoever has them can check their hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rabbitwatch.actions.facade import Applied, BindingStatus, Considered, OpenStep, Repairs
from rabbitwatch.actions.ports import Approval
from rabbitwatch.model.action import Answer, Cause, Plan, Step, Target


def overview(repairs: Repairs, *, ids: bool) -> dict[str, Any]:
    """All that stands now. ids: whether approvals carry theirs, by which they can be answered."""
    return {
        "paused": repairs.paused,
        "leases": dict(repairs.leases()),
        "peer_unknown": repairs.peer_unknown,
        "bindings": [binding(each) for each in repairs.bindings()],
        "open": [open_step(each) for each in repairs.open_steps()],
        "approvals": [approval(each, with_id=ids) for each in repairs.waiting()],
    }


def binding(status: BindingStatus) -> dict[str, Any]:
    """A binding as the configuration has it, and what fires for it."""
    config = status.binding
    return {
        "matchers": [str(each) for each in config.matchers],
        "action": config.action,
        "mode": config.mode,
        "cooldown": config.cooldown,
        "max_per_hour": config.max_per_hour,
        "vhosts": config.vhosts.model_dump(mode="json"),
        "queues": config.queues.model_dump(mode="json"),
        "continue": config.continue_,
        "firing": [
            {"fingerprint": fingerprint, "alert": name, **target(each)} for fingerprint, name, each in status.firing
        ],
    }


def open_step(each: OpenStep) -> dict[str, Any]:
    """A step that is under way. progress: null until it was looked at."""
    entry, progress = each.entry, each.progress
    return {
        "deed": entry.deed,
        "at": entry.at,
        "cause": cause(entry.cause),
        "step": step(entry.step) if entry.step else None,
        "progress": {"text": progress.text, "measure": progress.measure, "done": progress.done} if progress else None,
    }


def approval(each: Approval, *, with_id: bool) -> dict[str, Any]:
    """A question to a person. Whoever has the id and may change things can answer it."""
    return {
        **({"id": each.id} if with_id else {}),
        "cluster": each.cluster,
        "summary": each.summary,
        "cause": cause(each.cause),
        "plan": plan(each.plan),
        "made_at": each.made_at,
        "expires_at": each.expires_at,
        "decided_at": each.decided_at,
        "decided_by": each.decided_by,
        "granted": each.granted,
    }


def considered(found: Considered) -> dict[str, Any]:
    """A plan with all guards' answers at each step, and how much it touches."""
    return {**plan(found.plan, found.answers), "unseen": found.unseen}


def applied(found: Applied) -> dict[str, Any]:
    """The same, with what was begun: the id of each deed by the digest of its step."""
    return {**considered(found.considered), "begun": dict(found.begun), "said": found.text}


def plan(made: Plan, answers: Mapping[str, Sequence[Answer]] | None = None) -> dict[str, Any]:
    """answers: by the digest of the step; a plan without any has no `guards`."""
    steps = [step(each) | (_judged(answers.get(each.digest, ())) if answers is not None else {}) for each in made.steps]
    return {
        "action": made.action,
        **target(made.target),
        "steps": steps,
        "skipped": [{"object": each.object, "why": each.why} for each in made.skipped],
        "text": made.text,
        "nothing": made.nothing,
        "queues": _sum(each.queues for each in made.steps),
        "messages": _sum(each.messages for each in made.steps),
        "at_most": made.overlapping,
    }


def step(each: Step) -> dict[str, Any]:
    """One request. digest: names it; the same for the same request."""
    return {
        "digest": each.digest,
        "action": each.action,
        "cluster": each.cluster,
        "vhost": each.vhost,
        "object": each.object,
        "operator": each.operator,
        "summary": each.summary,
        "method": each.method,
        "path": each.path,
        "body": dict(each.body),
        "before": dict(each.before),
        "queues": each.queues,
        "messages": each.messages,
        "message_bytes": each.message_bytes,
    }


def target(each: Target) -> dict[str, str]:
    """What it reaches; "" is all of them."""
    return {"cluster": each.cluster, "vhost": each.vhost, "queue": each.queue, "policy": each.policy}


def cause(each: Cause) -> dict[str, Any]:
    """Why, and by whom."""
    return {
        "source": each.source,
        "alert": each.alert,
        "fingerprint": each.fingerprint,
        "labels": dict(each.labels),
        "by": each.by,
    }


def _judged(answers: Sequence[Answer]) -> dict[str, Any]:
    """refused: by any guard, and by all where none was asked. approvable: a person can lift what refuses."""
    refusals = [each for each in answers if each.refused]
    return {
        "guards": [{"guard": each.guard, "refused": each.refused, "approvable": each.approvable} for each in answers],
        "refused": bool(refusals) or not answers,
        "approvable": bool(answers) and all(each.approvable for each in refusals),
    }


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
