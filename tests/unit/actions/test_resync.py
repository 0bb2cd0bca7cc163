from __future__ import annotations

from typing import Any

from tests.support.seen import CLUSTER, DECLARED, TARGET, as_broker, lagging, look

from rabbitwatch.actions.resync import ACTION
from rabbitwatch.model.action import Reply, Target


class Hand:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def put_policy(self, vhost: str, name: str, body: Any, *, operator: bool) -> Reply:
        self.asked.append(f"policy {name}")
        return Reply(status=201)

    def sync_queue(self, vhost: str, name: str) -> Reply:
        self.asked.append(f"queue {name}")
        return Reply(status=204)


def test_policies_first_then_mirrors_each_by_its_own_action() -> None:
    seen = look([lagging("one"), lagging("two", messages=5)], [])
    plan = ACTION.plan(seen, TARGET)
    assert [(step.action, step.object) for step in plan.steps] == [
        ("apply_policy", "ha"),
        ("sync_queue", "one"),
        ("sync_queue", "two"),
    ]
    hand = Hand()
    for step in plan.steps:
        assert ACTION.run(step, hand).taken
    assert hand.asked == ["policy ha", "queue one", "queue two"]
    assert ACTION.progress(plan.steps[1], look([lagging("one", synchronised=["rabbit@b", "rabbit@c"])])).done
    assert ACTION.progress(plan.steps[0], look([], [as_broker(DECLARED)])).done


def test_nothing_to_do_names_both_reasons() -> None:
    plan = ACTION.plan(look([], [as_broker(DECLARED)]), TARGET)
    assert plan.nothing == (
        "the declared policy is on the broker as declared, and it ignores one that is set again unchanged; "
        "no queue is known in cluster orders"
    )


def test_on_rabbitmq_4_policies_without_mirroring_are_still_restored() -> None:
    limits = DECLARED.model_copy(update={"name": "limits", "definition": {"delivery-limit": 5}})
    plan = ACTION.plan(look([lagging()], declared=[limits], version="4.3.6"), TARGET)
    assert [(step.action, step.object) for step in plan.steps] == [("apply_policy", "limits")]


def test_one_policy_brings_the_mirrors_of_its_queues_alone() -> None:
    seen = look([lagging("one"), lagging("two")], [])
    plan = ACTION.plan(seen, Target(CLUSTER, vhost="/", policy="other"))
    assert plan.steps == ()
