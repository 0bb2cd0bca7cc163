from __future__ import annotations

import pytest
from tests.unit.cluster.build import CONFIG, healthy, objects, policy, queue

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.policies import applies, compiles
from rabbitwatch.model.broker import Policy

MASTER = queue("master.orders", policy="one")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((policy({}, "one"), policy({}, "two")), {"/": 1}),
        ((policy({}, "one"), policy({}, "two", pattern="^orders")), {"/": 0}),
        ((policy({}, "one"), policy({}, "two", priority=1)), {"/": 0}),
        ((policy({}, "one"), policy({}, "two", apply_to="quorum_queues")), {"/": 0}),
        ((policy({}, "one"), policy({}, "two", apply_to="exchanges")), {"/": 0}),
        ((policy({}, "one"), policy({}, "two", vhost="shop")), {"/": 0, "shop": 0}),
        ((policy({}, "one"), policy({}, "two", pattern="^(?!amq)")), {}),
        ((policy({}, "higher", priority=5), policy({}, "a"), policy({}, "b")), {"/": 0}),
        ((), {}),
    ],
)
def test_two_policies_of_one_priority(policies: tuple[Policy, ...], expected: dict[str, int]) -> None:
    state = assess(healthy(objects(queues=(MASTER,), policies=policies)), CONFIG)
    assert state.queues.ambiguous == expected


def test_a_pattern_that_re2_cannot_read_makes_no_noise(capfd: pytest.CaptureFixture[str]) -> None:
    assert not compiles(policy({}, pattern="(?<!noise)"))
    assert compiles(policy({}, pattern="^quiet"))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("kind", "queue_type", "expected"),
    [
        (None, "classic", True),
        ("queues", "quorum", True),
        ("classic_queues", "quorum", False),
        ("streams", "stream", True),
        ("exchanges", "classic", False),
    ],
)
def test_which_kinds_of_queues_a_policy_is_for(kind: str | None, queue_type: str, expected: bool) -> None:
    (found,) = assess(healthy(objects(queues=(queue("q", type=queue_type),))), CONFIG).queues.all
    assert applies(policy({}, apply_to=kind, pattern="^q$"), found) is expected
    assert not applies(policy({}, apply_to=kind, pattern="^x"), found)
