from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cluster.build import ABC, A, B, C

from rabbitwatch.cluster.mirrors import mirror_rule
from rabbitwatch.cluster.policies import merged

ALL: dict[str, Any] = {"ha-mode": "all"}
TWO: dict[str, Any] = {"ha-mode": "exactly", "ha-params": 2}
AND_C: dict[str, Any] = {"ha-mode": "nodes", "ha-params": [A, C]}


@pytest.mark.parametrize(
    ("definition", "running", "expected", "wants_any"),
    [
        (ALL, ABC, 2, True),
        (ALL, (A, B), 1, True),
        (ALL, (A,), 0, True),
        (ALL, (), 0, True),
        (TWO, ABC, 1, True),
        (TWO, (A,), 0, True),
        ({"ha-mode": "exactly", "ha-params": 1}, ABC, 0, False),
        ({"ha-mode": "exactly", "ha-params": 9}, ABC, 2, True),
        (AND_C, ABC, 1, True),
        (AND_C, (A, B), 0, True),
        ({"ha-mode": "nodes", "ha-params": [B, C]}, ABC, 2, True),
        ({"ha-mode": "nodes", "ha-params": [A]}, ABC, 0, False),
    ],
)
def test_expected_mirrors(definition: Any, running: tuple[str, ...], expected: int, wants_any: bool) -> None:
    rule = mirror_rule(definition)
    assert rule is not None
    assert rule.expected(frozenset(running), leader=A) == expected
    assert rule.wants_any(leader=A) is wants_any


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"message-ttl": 1},
        {"ha-mode": "some"},
        {"ha-mode": "exactly"},
        {"ha-mode": "exactly", "ha-params": "2"},
        {"ha-mode": "exactly", "ha-params": True},
        {"ha-mode": "nodes", "ha-params": "rabbit@a"},
        {"ha-mode": None},
    ],
)
def test_what_asks_for_no_mirrors(definition: dict[str, Any]) -> None:
    assert mirror_rule(definition) is None


def test_a_mirror_that_lags_may_become_the_leader_unless_the_policy_says_otherwise() -> None:
    rules = mirror_rule(ALL), mirror_rule({**ALL, "ha-promote-on-failure": "when-synced"})
    assert [rule.promote_on_failure for rule in rules if rule] == ["always", "when-synced"]


@pytest.mark.parametrize(
    ("user", "operator", "mode", "params"),
    [
        (TWO, {}, "exactly", 2),
        ({}, TWO, "exactly", 2),
        (ALL, TWO, "all", 2),
        (TWO, ALL, "all", 2),
        (TWO, {"ha-mode": "exactly", "ha-params": 3}, "exactly", 3),
        ({"ha-mode": "exactly", "ha-params": 4}, TWO, "exactly", 4),
        (AND_C, TWO, "exactly", 2),
        (TWO, AND_C, "exactly", 2),
        ({"ha-mode": "nodes", "ha-params": [A, B, C]}, AND_C, "nodes", [A, B, C]),
        ({"ha-mode": "nodes", "ha-params": [B, C]}, AND_C, "nodes", [A, C]),
    ],
)
def test_policy_and_operator_policy_merge_as_in_the_broker(user: Any, operator: Any, mode: str, params: Any) -> None:
    both = merged(user, operator)
    assert (both["ha-mode"], both["ha-params"]) == (mode, params)


def test_other_keys_of_the_operator_win() -> None:
    assert merged({"ha-sync-mode": "manual", "expires": 1}, {"ha-sync-mode": "automatic"}) == {
        "ha-sync-mode": "automatic",
        "expires": 1,
    }
