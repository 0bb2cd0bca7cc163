from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cluster.build import A, B, C, cluster, healthy, missed, node, objects, policy, sees

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.drift import differences
from rabbitwatch.cluster.findings import findings
from rabbitwatch.config.models import ClusterConfig, DeclaredPolicy
from rabbitwatch.model.cluster import Difference, Drift, UnexpectedPolicy
from rabbitwatch.model.observation import ClusterObservation

HA = {"ha-mode": "all"}
DECLARED = DeclaredPolicy(name="ha", pattern="^master", apply_to="queues", priority=1, definition=HA)
CONFIG = ClusterConfig(name="orders", policies=(DECLARED,))


def there(**other: Any) -> Any:
    return policy(**{"definition": HA, "pattern": "^master", "apply_to": "queues", "priority": 1} | other)


def judged(observation: ClusterObservation, config: ClusterConfig = CONFIG) -> Drift:
    return assess(observation, config).policies


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((there(),), ""),
        ((), "missing"),
        ((there(vhost="shop"),), "missing"),
        ((there(name="other"),), "missing"),
        ((there(pattern=".*"),), "changed"),
        ((there(priority=0),), "changed"),
        ((there(apply_to="all"),), "changed"),
        ((there(definition={"ha-mode": "exactly", "ha-params": 2}),), "changed"),
        ((there(definition=HA | {"ha-sync-mode": "automatic"}),), "changed"),
    ],
)
def test_a_declared_policy(policies: tuple[Any, ...], expected: str) -> None:
    (found,) = judged(healthy(objects(policies=policies))).declared
    assert (found.vhost, found.name, found.operator, found.drift) == ("/", "ha", False, expected)


def test_an_operator_policy_is_looked_for_among_those() -> None:
    config = ClusterConfig(name="orders", policies=(DECLARED.model_copy(update={"operator": True}),))
    (found,) = judged(healthy(objects(policies=(there(),))), config).declared
    assert found.drift == "missing"
    (found,) = judged(healthy(objects(operator_policies=(there(),))), config).declared
    assert found.drift == ""


def test_what_was_not_told_is_unknown() -> None:
    assert judged(healthy(objects(policies=missed()))).declared == ()
    assert judged(healthy(objects(policies=missed()))).undeclared == {}
    assert judged(healthy(objects(policies=missed(), operator_policies=(there(name="x"),)))).unexpected == ()
    assert judged(healthy()).declared == ()
    assert judged(cluster([node(A, missed())])).undeclared == {}


def test_of_two_sides_the_worse_counts() -> None:
    nodes = [node(A, sees({A, B})), node(B, sees({A, B})), node(C, sees({C}))]
    sides = objects(A, {A, B}, policies=(there(),)), objects(C, {C}, policies=(there(priority=0),))
    assert [found.drift for found in judged(cluster(nodes, *sides)).declared] == ["changed"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"pattern": ".*"}, [("pattern", "^master", ".*")]),
        ({"apply_to": None}, [("apply-to", "queues", "all")]),
        ({"priority": None}, [("priority", 1, 0)]),
        ({"definition": {}}, [("definition.ha-mode", "all", None)]),
        ({"definition": HA | {"max-length": 5}}, [("definition.max-length", None, 5)]),
        (
            {"priority": 3, "definition": {"ha-mode": "exactly", "ha-params": 2}},
            [("priority", 1, 3), ("definition.ha-mode", "all", "exactly"), ("definition.ha-params", None, 2)],
        ),
        ({}, []),
    ],
)
def test_in_which_keys_it_changed(found: Any, expected: Any) -> None:
    told = [(each.key, each.declared, each.found) for each in differences(there(**found), DECLARED)]
    assert told == expected
    (state,) = judged(healthy(objects(policies=(there(**found),)))).declared
    assert [(each.key, each.declared, each.found) for each in state.differences] == expected


@pytest.mark.parametrize(("declared", "found"), [(1, True), (1, 1.0), (["a", "b"], ["b", "a"]), ({"a": 1}, {"a": 2})])
def test_values_that_the_broker_would_take_for_a_change(declared: Any, found: Any) -> None:
    wanted = DECLARED.model_copy(update={"definition": {"x": declared}})
    assert differences(there(definition={"x": found}), wanted) == (Difference("definition.x", declared, found),)
    assert differences(there(definition={"x": declared}), wanted) == ()


def test_others_are_counted_where_any_is_declared() -> None:
    told = objects(policies=(there(), there(name="x"), there(vhost="shop")), operator_policies=(there(name="limits"),))
    assert judged(healthy(told)).undeclared == {"/": 2}
    assert judged(healthy(told)).unexpected == (
        UnexpectedPolicy("/", "limits", True),
        UnexpectedPolicy("/", "x", False),
    )
    assert judged(healthy(told), ClusterConfig(name="orders")).unexpected == ()
    assert judged(healthy(told), ClusterConfig(name="orders")).undeclared == {}


def test_it_is_a_finding() -> None:
    state = assess(healthy(objects(policies=(there(priority=0),))), CONFIG)
    assert [(f.kind, f.sentence) for f in findings(state)] == [
        ("policy_drift", "the policy 'ha' of vhost '/' is not as declared: priority is 0 instead of 1")
    ]
    assert findings(assess(healthy(objects(policies=(there(),))), CONFIG)) == ()
