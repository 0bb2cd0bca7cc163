from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.seen import CLUSTER, DECLARED, HA, TARGET, as_broker, lagging, look, observed
from tests.unit.cluster.build import cluster, missed, node, objects, policy, queue

from rabbitwatch.actions.apply_policy import ACTION
from rabbitwatch.config.models import DeclaredPolicy
from rabbitwatch.model.action import Look, Reply, Step, Target
from rabbitwatch.model.broker import Policy

AUTOMATIC = HA | {"ha-sync-mode": "automatic"}


class Broker:
    """A model of a broker's policies, that takes what it is sent and fails the test if it is told to delete."""

    def __init__(self, policies: Mapping[tuple[bool, str, str], Policy]) -> None:
        self.policies = dict(policies)
        self.changes = 0

    def put_policy(self, vhost: str, name: str, body: Mapping[str, Any], *, operator: bool) -> Reply:
        self.changes += 1
        self.policies[operator, vhost, name] = Policy(
            vhost=vhost,
            name=name,
            pattern=body["pattern"],
            apply_to=body["apply-to"],
            priority=body["priority"],
            definition=body["definition"],
        )
        return Reply(status=204)

    def sync_queue(self, vhost: str, name: str) -> Reply:
        raise AssertionError(f"asked to synchronise {name} of {vhost}")


def steps(seen: Look, target: Target = TARGET) -> list[Step]:
    return list(ACTION.plan(seen, target).steps)


def test_a_missing_policy_is_restored() -> None:
    (step,) = steps(look([queue("q1", messages=3), queue("q2", messages=4)], []))
    assert (step.method, step.path, step.operator) == ("PUT", "/policies/%2F/ha", False)
    assert step.body == {"pattern": ".*", "apply-to": "queues", "priority": 0, "definition": HA}
    assert step.before == {"policy": None}
    assert (step.queues, step.messages) == (2, 7)
    assert step.summary == ("restore policy 'ha' of vhost '/', which is missing; it matches 2 queues with 7 messages")


def test_a_changed_policy_is_changed_back_and_the_record_says_from_what() -> None:
    (step,) = steps(look([], [policy({"ha-mode": "exactly", "ha-params": 2}, priority=5)]))
    assert step.before == {
        "policy": {
            "pattern": ".*",
            "apply-to": "queues",
            "priority": 5,
            "definition": {"ha-mode": "exactly", "ha-params": 2},
        }
    }
    assert step.summary == (
        "change policy 'ha' of vhost '/' back: priority is 5 instead of 0, definition.ha-mode is "
        '"exactly" instead of "all", definition.ha-params is 2 instead of not set; it matches no queue'
    )


def test_an_equal_policy_is_left_alone() -> None:
    plan = ACTION.plan(look([lagging()], [as_broker(DECLARED)]), TARGET)
    assert (plan.steps, plan.skipped) == ((), ())
    assert plan.nothing == (
        "the declared policy is on the broker as declared, and it ignores one that is set again unchanged"
    )


def test_an_operator_policy_has_an_address_of_its_own() -> None:
    limits = DeclaredPolicy(name="li mit", pattern="", definition={"max-length": 9}, operator=True, vhost="a/b")
    (step,) = steps(look(declared=[limits], vhosts=("a/b",)))
    assert (step.operator, step.path) == (True, "/operator-policies/a%2Fb/li%20mit")


def skipped(seen: Look) -> list[tuple[str, str]]:
    plan = ACTION.plan(seen, TARGET)
    assert plan.steps == ()
    assert plan.nothing == "1 of 1 declared policies cannot be restored, and no other one differs"
    return [(each.object, each.why) for each in plan.skipped]


HA_BY_OPERATOR = DECLARED.model_copy(update={"operator": True})


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (look(version="4.3.6"), "RabbitMQ 4 has no mirroring and refuses ha-* keys: take them out of the declaration"),
        (look(version="odd"), "whether every node's version has mirroring is unknown, or differs between nodes"),
        (look(policies=[], unseen_vhosts=frozenset({"/"})), "this user may not see vhost '/'"),
        (look(vhosts=("shop",)), "vhost '/' does not exist, or is left out by the configuration"),
        (look(declared=[HA_BY_OPERATOR]), "RabbitMQ up to 3.10 refuses ha-* keys in operator policies"),
    ],
)
def test_what_cannot_be_restored_is_skipped_with_the_reason(seen: Look, why: str) -> None:
    ((_, said),) = skipped(seen)
    assert said.startswith(why)


def test_policies_that_are_not_told_are_not_restored() -> None:
    from_unknown = look()
    unknown = look(observation=observed(), policies=[])
    assert steps(unknown), "told and missing"
    ((called, why),) = skipped(Look(state=from_unknown.state, declared=(DECLARED,), policies=None))
    assert called == "policy 'ha' of vhost '/'"
    assert why == "which policies the broker has is unknown, or differs between its components"


def test_one_that_nobody_declared_is_named_and_stays() -> None:
    plan = ACTION.plan(look([], [as_broker(DECLARED), policy({}, "extra")], [policy({}, "limits")]), TARGET)
    assert plan.steps == ()
    assert [each.object for each in plan.skipped] == [
        "policy 'extra' of vhost '/'",
        "operator policy 'limits' of vhost '/'",
    ]
    assert {each.why for each in plan.skipped} == {
        "it is not declared; declare it, or remove it by hand: no policy is ever deleted from here"
    }
    assert plan.nothing.startswith("the declared policy is on the broker as declared")


TWO = (
    DeclaredPolicy(name="ha", pattern="^master", definition=HA, priority=1),
    DeclaredPolicy(name="ttl", pattern="", definition={"message-ttl": 5}, vhost="shop"),
    DeclaredPolicy(name="ha", pattern="^x", definition=HA, vhost="shop"),
)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target(CLUSTER), ["/ ha", "shop ttl", "shop ha"]),
        (Target(CLUSTER, vhost="shop"), ["shop ttl", "shop ha"]),
        (Target(CLUSTER, policy="ha"), ["/ ha", "shop ha"]),
        (Target(CLUSTER, vhost="shop", policy="ha"), ["shop ha"]),
        (Target(CLUSTER, vhost="/", queue="master.1"), ["/ ha"]),
        (Target(CLUSTER, vhost="/", queue="other"), []),
        (Target(CLUSTER, vhost="nowhere"), []),
    ],
)
def test_only_what_the_target_names(target: Target, expected: list[str]) -> None:
    seen = look([queue("master.1"), queue("other")], declared=TWO, vhosts=("/", "shop"))
    assert [f"{step.vhost} {step.object}" for step in steps(seen, target)] == expected


def test_nothing_is_declared() -> None:
    assert ACTION.plan(look(declared=()), TARGET).nothing == "no policy is declared for cluster orders"


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"pattern": "^q"}, (2, 7)),
        ({"pattern": "^q", "apply_to": "quorum_queues"}, (1, 4)),
        ({"pattern": "^q", "apply_to": "exchanges"}, (0, 0)),
        ({"pattern": ""}, (3, None)),
        ({"pattern": "^(?!amq)"}, (None, None)),
    ],
)
def test_how_much_it_touches(declared: dict[str, Any], expected: tuple[int | None, int | None]) -> None:
    queues = [queue("q1", messages=3), queue("q2", type="quorum", messages=4), queue("z", messages=None)]
    wanted = DeclaredPolicy(**{"name": "ttl", "definition": {"message-ttl": 5}} | declared)
    (step,) = steps(look(queues, declared=[wanted]))
    assert (step.queues, step.messages) == expected
    if expected[0] is None:
        assert "an unknown number of queues" in step.summary


def test_how_much_is_unknown_while_queues_are() -> None:
    told = objects(queues=missed(), policies=())
    (step,) = steps(look(observation=cluster([node("rabbit@a", observed().nodes[0].nodes)], told)))
    assert (step.queues, step.messages) == (None, None)


def test_progress() -> None:
    before = look([queue("q"), queue("other", policy="x")], [])
    (step,) = steps(before)
    told = ACTION.progress(step, before)
    assert (told.done, told.after) == (False, {"policy": None})
    now = as_broker(DECLARED)
    joining = look([queue("q", policy="ha"), queue("p", policy="ha", mirrors=["rabbit@b"])], [now])
    told = ACTION.progress(step, joining)
    assert (told.done, told.measure) == (False, 2)
    assert told.text == "the broker has policy 'ha' of vhost '/' as declared; 1 of 4 mirrors have joined"
    there = look([queue("q", policy="ha", mirrors=["rabbit@b", "rabbit@c"])], [now])
    told = ACTION.progress(step, there)
    assert (told.done, told.after) == (True, {"policy": dict(step.body)})
    unknown = Look(state=there.state, declared=(DECLARED,), policies=None)
    assert ACTION.progress(step, unknown).done is None
    unseen = look([], [now], unseen_vhosts=frozenset({"/"}))
    assert ACTION.progress(step, unseen).done is None


def test_the_broker_changed_by_somebody_else_meanwhile_is_not_done() -> None:
    (step,) = steps(look())
    assert ACTION.progress(step, look([], [policy(HA, priority=3)])).done is False


def test_the_request() -> None:
    (step,) = steps(look())
    broker = Broker({})
    assert ACTION.run(step, broker).taken
    assert ACTION.progress(step, look([], [broker.policies[False, "/", "ha"]])).done


NAMES = st.sampled_from(["ha", "ttl", "x y", "ä/b"])
VHOSTS = st.sampled_from(["/", "shop"])
VALUES = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["all", "exactly"]), st.lists(st.integers(0, 2)))
DEFINITIONS = st.dictionaries(st.sampled_from(["ha-mode", "ha-params", "max-length", "expires"]), VALUES, min_size=1)
PATTERNS = st.sampled_from([".*", "^q", "", "(?!x)", "("])
DECLARATIONS = st.lists(
    st.builds(
        DeclaredPolicy,
        vhost=VHOSTS,
        name=NAMES,
        pattern=PATTERNS,
        apply_to=st.sampled_from(["all", "queues", "exchanges", "classic_queues"]),
        priority=st.integers(0, 2),
        definition=DEFINITIONS,
        operator=st.booleans(),
    ),
    max_size=5,
)
THERE = st.lists(
    st.builds(
        Policy,
        vhost=VHOSTS,
        name=NAMES,
        pattern=st.one_of(st.none(), PATTERNS),
        apply_to=st.sampled_from([None, "all", "queues"]),
        priority=st.one_of(st.none(), st.integers(0, 2)),
        definition=st.one_of(st.none(), DEFINITIONS),
    ),
    max_size=5,
)


def seen_by(declared: list[DeclaredPolicy], broker: Broker, version: str = "3.12.14") -> Look:
    groups: list[list[Policy]] = [[], []]
    for (operator, _, _), each in broker.policies.items():
        groups[operator].append(each)
    return look([queue("q1", messages=1)], *groups, declared=declared, vhosts=("/", "shop"), version=version)


@settings(max_examples=60, deadline=None)
@given(DECLARATIONS, THERE, THERE)
def test_its_steps_end_all_drift_and_remove_nothing(
    declared: list[DeclaredPolicy], users: list[Policy], operators: list[Policy]
) -> None:
    broker = Broker({(op, p.vhost, p.name): p for op, group in ((False, users), (True, operators)) for p in group})
    before = set(broker.policies)
    others = {key: each for key, each in broker.policies.items() if key not in {_key(d) for d in declared}}
    first = ACTION.plan(seen_by(declared, broker), TARGET)
    for step in first.steps:
        assert step.method == "PUT"
        ACTION.run(step, broker)
        assert (
            ACTION.progress(step, seen_by(declared, broker)).done is not False or "ha-mode" in step.body["definition"]
        )
    assert before <= set(broker.policies)
    assert {key: broker.policies[key] for key in others} == others
    after = seen_by(declared, broker)
    again = ACTION.plan(after, TARGET)
    assert again.steps == ()
    assert again.nothing
    assert {each.drift for each in after.state.policies.declared} <= {""}
    assert broker.changes == len(first.steps) <= len({_key(d) for d in declared})


@settings(max_examples=40, deadline=None)
@given(DECLARATIONS)
def test_an_equal_state_has_no_steps(declared: list[DeclaredPolicy]) -> None:
    broker = Broker({_key(d): as_broker(d) for d in declared})
    plan = ACTION.plan(seen_by(declared, broker), TARGET)
    assert (plan.steps, plan.skipped) == ((), ())


def _key(declared: DeclaredPolicy) -> tuple[bool, str, str]:
    return declared.operator, declared.vhost, declared.name
