"""Declared policies and what became of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rabbitwatch.cluster.drift import MISSING, spelled
from rabbitwatch.model.cluster import ClusterState, DeclaredPolicyState, UnexpectedPolicy
from rabbitwatch.web.status.words import Capped, capped

MOST = 20


@dataclass(frozen=True, slots=True)
class Change:
    """One key of a policy, as JSON; `not set` where it is not there."""

    key: str
    declared: str
    found: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A declared policy that is not as it should be. word: `missing` or `changed`."""

    vhost: str
    name: str
    operator: bool
    word: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Policies:
    """drifted: those that are missing or changed. unexpected: those that nobody declared. good: how many are as
    declared; declared: all that could be looked at."""

    drifted: Capped[PolicyRow]
    unexpected: Capped[UnexpectedPolicy]
    good: int
    declared: int


def policies(state: ClusterState) -> Policies:
    """Of the last poll."""
    drift = state.policies
    good = sum(not each.drift for each in drift.declared)
    drifted = capped((_row(each) for each in drift.declared if each.drift), MOST)
    return Policies(drifted, capped(drift.unexpected, MOST), good, len(drift.declared))


def _row(policy: DeclaredPolicyState) -> PolicyRow:
    changes = [Change(each.key, _word(each.declared), _word(each.found)) for each in policy.differences]
    word = "missing" if policy.drift == MISSING else "changed"
    return PolicyRow(policy.vhost, policy.name, policy.operator, word, changes)


def _word(value: object) -> str:
    return "not set" if value is None else spelled(value)
