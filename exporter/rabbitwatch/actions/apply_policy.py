"""Restores a declared policy that is missing or changed. It never deletes, and writes nothing that is equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from rabbitwatch.actions.ports import Action, Hand
from rabbitwatch.actions.reach import as_policy, as_told, matched, messages_in, mirrored
from rabbitwatch.cluster.drift import differences, in_words, spelled
from rabbitwatch.cluster.mirrors import mirror_rule
from rabbitwatch.cluster.policies import applies, compiles
from rabbitwatch.cluster.versions import mirrors_by_operator
from rabbitwatch.cluster.wording import counted
from rabbitwatch.config.models import DeclaredPolicy
from rabbitwatch.model.action import Look, Plan, Progress, Reply, Skipped, Step, Target
from rabbitwatch.model.broker import Policy

NAME = "apply_policy"

Broker = Mapping[tuple[bool, str, str], Policy]


class ApplyPolicy:
    """One step for each declared policy of the target that drifted, in the order of the configuration.

    The broker ignores a policy that is identical (rabbit_policy: no_change), so an equal one is no step; whatever
    differs reaches every matching queue of the vhost at once.
    """

    name = NAME

    def plan(self, look: Look, target: Target) -> Plan:
        wanted = [policy for policy in _declared(look) if _in(target, policy, look)]
        found = [_considered(policy, look) for policy in wanted]
        steps = tuple(each for each in found if isinstance(each, Step))
        hindered = [each for each in found if isinstance(each, Skipped)]
        nothing = "" if steps else _why_nothing(target, len(wanted), len(hindered))
        skipped = (*hindered, *_unexpected(look, target))
        return Plan(action=NAME, target=target, steps=steps, skipped=skipped, nothing=nothing)

    def run(self, step: Step, hand: Hand) -> Reply:
        return hand.put_policy(step.vhost, step.object, step.body, operator=step.operator)

    def progress(self, step: Step, look: Look) -> Progress:
        """Done when the broker has the policy, and every matching queue has the mirrors that it asks for: a sync that
        is asked for while a mirror joins would leave that mirror out."""
        if look.policies is None or step.vhost in look.unseen_vhosts:
            return Progress(done=None, text=f"which policies vhost {step.vhost!r} has is unknown at the moment")
        there = look.policies.get((step.operator, step.vhost, step.object))
        after = {"policy": as_told(there)}
        if spelled(after["policy"]) != spelled(dict(step.body)):
            return Progress(
                done=False, text=f"the broker does not have {_called(step)} as declared", after=after, measure=0
            )
        return _mirrors_follow(step, there, look, after)


ACTION: Action = ApplyPolicy()


def _mirrors_follow(step: Step, there: Policy | None, look: Look, after: dict[str, Any]) -> Progress:
    done = Progress(done=True, text=f"the broker has {_called(step)} as declared", measure=1, after=after)
    if there is None or mirror_rule(there.definition or {}) is None:
        return done
    queues = mirrored(there, look.state)
    if queues is None:
        return (
            done
            if not compiles(there)
            else Progress(
                done=None, text=f"{done.text}; whether the mirrors are there is unknown at the moment", after=after
            )
        )
    wanted = sum(queue.expected or 0 for queue in queues)
    # a queue that got its policy a moment ago does not tell mirrors yet, as one that has none
    joined = sum(min(queue.mirrors or 0, queue.expected or 0) for queue in queues)
    if joined == wanted:
        return done
    text = f"{done.text}; {joined} of {counted(wanted, 'mirror')} have joined"
    return Progress(done=False, text=text, measure=1 + joined, after=after)


def _declared(look: Look) -> list[DeclaredPolicy]:
    """Where one is declared twice, the last word counts, as for drift."""
    by_key = {(policy.operator, policy.vhost, policy.name): policy for policy in look.declared}
    return list(by_key.values())


def _in(target: Target, policy: DeclaredPolicy, look: Look) -> bool:
    if target.vhost not in ("", policy.vhost) or target.policy not in ("", policy.name):
        return False
    if not target.queue:
        return True
    there = as_policy(policy)
    named = [q for q in look.state.queues.all if q.name == target.queue and q.vhost == policy.vhost]
    return not compiles(there) or any(applies(there, queue) for queue in named)


def _considered(wanted: DeclaredPolicy, look: Look) -> Step | Skipped | None:
    """What to do about one declared policy; None when it is as declared."""
    called = f"{'operator policy' if wanted.operator else 'policy'} {wanted.name!r} of vhost {wanted.vhost!r}"
    if look.policies is None:
        return Skipped(called, "which policies the broker has is unknown, or differs between its components")
    if wanted.vhost in look.unseen_vhosts:
        return Skipped(called, f"this user may not see vhost {wanted.vhost!r}: grant it permissions there")
    there = look.policies.get((wanted.operator, wanted.vhost, wanted.name))
    changes = differences(there, wanted) if there is not None else ()
    if there is not None and not changes:
        return None
    if look.state.vhosts and wanted.vhost not in look.state.vhosts:
        return Skipped(called, f"vhost {wanted.vhost!r} does not exist, or is left out by the configuration")
    refused = _refused_by_version(wanted, look)
    if refused:
        return Skipped(called, refused)
    what = f"change {called} back: {in_words(changes)}" if there is not None else f"restore {called}, which is missing"
    return _step(wanted, there, look, what)


def _refused_by_version(wanted: DeclaredPolicy, look: Look) -> str:
    if not any(key.startswith("ha-") for key in wanted.definition):
        return ""
    if look.state.mirroring_supported is False:
        return "RabbitMQ 4 has no mirroring and refuses ha-* keys: take them out of the declaration"
    if look.state.mirroring_supported is None:
        return "whether every node's version has mirroring is unknown, or differs between nodes"
    if wanted.operator and mirrors_by_operator(look.state.versions) is False:
        return "RabbitMQ up to 3.10 refuses ha-* keys in operator policies: declare a policy without `operator`"
    return ""


def _step(wanted: DeclaredPolicy, there: Policy | None, look: Look, what: str) -> Step:
    policy = as_policy(wanted)
    queues = matched(policy, look.state)
    kind = "operator-policies" if wanted.operator else "policies"
    return Step(
        action=NAME,
        cluster=look.cluster,
        vhost=wanted.vhost,
        object=wanted.name,
        operator=wanted.operator,
        method="PUT",
        path=f"/{kind}/{quote(wanted.vhost, safe='')}/{quote(wanted.name, safe='')}",
        body=as_told(policy) or {},
        summary=f"{what}; it matches {_reach(queues)}",
        before={"policy": as_told(there)},
        queues=None if queues is None else len(queues),
        messages=None if queues is None else messages_in(queues),
    )


def _reach(queues: tuple[Any, ...] | None) -> str:
    if queues is None:
        return "an unknown number of queues"
    messages = messages_in(queues)
    held = "an unknown number of messages" if messages is None else counted(messages, "message")
    return f"{counted(len(queues), 'queue')} with {held}" if queues else "no queue"


def _unexpected(look: Look, target: Target) -> Iterator[Skipped]:
    if target.queue:
        return
    for policy in look.state.policies.unexpected:
        if target.vhost in ("", policy.vhost) and target.policy in ("", policy.name):
            kind = "operator policy" if policy.operator else "policy"
            why = "it is not declared; declare it, or remove it by hand: no policy is ever deleted from here"
            yield Skipped(f"{kind} {policy.name!r} of vhost {policy.vhost!r}", why)


def _why_nothing(target: Target, wanted: int, hindered: int) -> str:
    if not wanted:
        return f"no policy is declared for {target}"
    if hindered:
        return f"{hindered} of {wanted} declared policies cannot be restored, and no other one differs"
    which = "the declared policy is" if wanted == 1 else f"all {wanted} declared policies are"
    return f"{which} on the broker as declared, and it ignores one that is set again unchanged"


def _called(step: Step) -> str:
    return f"{'operator policy' if step.operator else 'policy'} {step.object!r} of vhost {step.vhost!r}"
