from __future__ import annotations

from typing import Any

import pytest
from tests.support.seen import DECLARED, HA, TARGET, as_broker, look
from tests.unit.cluster.build import B, C, policy, queue

from rabbitwatch.actions.apply_policy import ACTION
from rabbitwatch.actions.reach import policy_of, synchronises, to_ask, to_synchronise, unwatched

AUTOMATIC = DECLARED.model_copy(update={"definition": HA | {"ha-sync-mode": "automatic"}})
QUEUES = [
    queue("bare", messages=3),
    queue("unknown", messages=None),
    queue("empty"),
    queue("half", messages=3, mirrors=[B, C], synchronised=[B]),
    queue("whole", messages=3, mirrors=[B, C]),
    queue("quorum", messages=3, type="quorum"),
    queue("exclusive", messages=3, exclusive=True),
    queue("elsewhere", messages=3, vhost="shop"),
]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (HA, False),
        (HA | {"ha-sync-mode": "manual"}, False),
        (HA | {"ha-sync-mode": "automatic"}, True),
        ({"ha-sync-mode": "automatic"}, False),
    ],
)
def test_which_policies_synchronise_by_themselves(definition: dict[str, Any], expected: bool) -> None:
    assert synchronises(policy(definition)) is expected


def names(found: Any) -> list[str]:
    return [each.name for each in found]


def test_which_queues_a_policy_would_have_synchronised() -> None:
    state = look(QUEUES).state
    assert names(to_synchronise(as_broker(AUTOMATIC), state)) == ["bare", "half", "unknown"]
    assert to_synchronise(as_broker(DECLARED), state) == ()
    assert to_synchronise(policy(AUTOMATIC.definition, pattern="(?=x)"), state) is None
    one = policy({"ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic"})
    assert names(to_synchronise(one, state)) == ["bare", "unknown"]


def test_queues_are_asked_for_only_where_their_policy_drifted() -> None:
    state = look(QUEUES).state
    keys = [("/", "bare"), ("/", "half"), ("/", "unknown")]
    assert to_ask(state, [AUTOMATIC], {}) == keys
    assert to_ask(state, [AUTOMATIC], {(False, "/", "ha"): policy(HA)}) == keys
    assert to_ask(state, [AUTOMATIC], {(False, "/", "ha"): as_broker(AUTOMATIC)}) == []
    assert to_ask(state, [DECLARED], {}) == []


def test_a_step_holds_its_policy() -> None:
    (step,) = ACTION.plan(look(), TARGET).steps
    assert policy_of(step) == as_broker(DECLARED)


def test_queues_that_are_not_watched() -> None:
    assert unwatched(look(QUEUES, unseen=3).state) == 3
    assert unwatched(look(QUEUES).state) == 0
