"""Declared policies laid beside those that the broker has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rabbitwatch.cluster.side import Side
from rabbitwatch.config.models import DeclaredPolicy
from rabbitwatch.model.broker import Policy
from rabbitwatch.model.cluster import DeclaredPolicyState, Difference, Drift, UnexpectedPolicy
from rabbitwatch.model.observation import Heard, Missed, NotAsked, ObjectsObservation, told

MISSING = "missing"
CHANGED = "changed"
UNEXPECTED = "unexpected"
"""What can be wrong with a policy; also the values of the label `kind` of rabbitwatch_policy_drift."""

Key = tuple[str, str]
Found = dict[Key, Policy]
Word = tuple[str, tuple[Difference, ...]]


def drift(told_by: Sequence[Side], declared: Sequence[DeclaredPolicy]) -> Drift:
    """How every declared policy does, and which others there are in the vhosts that have declared ones.

    Where a split leaves several components with policies of their own, a policy is in order only when it is so in all.
    A policy about which a component that should know was not heard, or whose vhost the agent's user may not see, is
    unknown and in no list.
    """
    by_key = {(policy.operator, policy.vhost, policy.name): policy for policy in declared}
    states = [state for _, policy in sorted(by_key.items()) for state in _judged(told_by, policy)]
    seen = _seen(told_by, {vhost for _, vhost, _ in by_key})
    others = _others(told_by, by_key.values(), seen)
    counts = Counter(policy.vhost for policy in others)
    return Drift(
        declared=tuple(states),
        unexpected=tuple(sorted(others)),
        undeclared={vhost: counts[vhost] for vhost in sorted(seen)},
    )


def differences(there: Policy, wanted: DeclaredPolicy) -> tuple[Difference, ...]:
    """In which keys a policy is not as declared, in the order of the API's documents; empty when it is.

    Values are compared as JSON, as the broker does when it decides whether anything changes: 1 is not 1.0 or true.
    """
    pairs: dict[str, tuple[Any, Any]] = {
        "pattern": (wanted.pattern, there.pattern),
        "apply-to": (wanted.apply_to, there.apply_to or "all"),
        "priority": (wanted.priority, there.priority or 0),
    }
    found = there.definition or {}
    for key in sorted({*wanted.definition, *found}):
        pairs[f"definition.{key}"] = (wanted.definition.get(key), found.get(key))
    return tuple(Difference(key, want, have) for key, (want, have) in pairs.items() if spelled(want) != spelled(have))


def spelled(value: object) -> str:
    """A value of a definition, as JSON."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def in_words(differences: Iterable[Difference]) -> str:
    """`priority is 0 instead of 1, definition.ha-mode is not set instead of "all"`."""
    return ", ".join(
        f"{each.key} is {_word_for(each.found)} instead of {_word_for(each.declared)}" for each in differences
    )


def _word_for(value: object) -> str:
    return "not set" if value is None else spelled(value)


def _judged(told_by: Sequence[Side], wanted: DeclaredPolicy) -> Iterator[DeclaredPolicyState]:
    heard = [_word(side.objects, wanted) for side in told_by]
    words = [word for word in heard if word is not None]
    if words and len(words) == len(heard):
        worst = next((word for kind in (MISSING, CHANGED) for word in words if word[0] == kind), ("", ()))
        yield DeclaredPolicyState(
            vhost=wanted.vhost, name=wanted.name, operator=wanted.operator, drift=worst[0], differences=worst[1]
        )


def _word(objects: ObjectsObservation, wanted: DeclaredPolicy) -> Word | None:
    found = _policies(objects, operator=wanted.operator)
    if found is None or wanted.vhost in objects.unseen_vhosts:
        return None
    there = found.get((wanted.vhost, wanted.name))
    if there is None:
        return MISSING, ()
    changes = differences(there, wanted)
    return (CHANGED, changes) if changes else ("", ())


def _seen(told_by: Sequence[Side], vhosts: set[str]) -> set[str]:
    """Those of the vhosts whose policies every component told."""
    both = [_policies(side.objects, operator=operator) for side in told_by for operator in (False, True)]
    if not both or None in both:
        return set()
    return vhosts.difference(*(side.objects.unseen_vhosts for side in told_by))


def _others(told_by: Sequence[Side], declared: Iterable[DeclaredPolicy], seen: set[str]) -> set[UnexpectedPolicy]:
    known = {UnexpectedPolicy(policy.vhost, policy.name, policy.operator) for policy in declared}
    there = {
        UnexpectedPolicy(vhost, name, operator)
        for side in told_by
        for operator in (False, True)
        for vhost, name in _policies(side.objects, operator=operator) or ()
        if vhost in seen
    }
    return there - known


def _policies(objects: ObjectsObservation, *, operator: bool) -> Found | None:
    part: Heard[tuple[Policy, ...]] | Missed | NotAsked = objects.operator_policies if operator else objects.policies
    found = told(part)
    return None if found is None else {(policy.vhost, policy.name): policy for policy in found}
