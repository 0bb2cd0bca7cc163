"""Which fault a loss is put down to, and whether the agent is blamed for it."""

from __future__ import annotations

import pytest
from tests.soak.losses import Checkpoint, Extra, Loss, Moment, Repair, Why, extras, losses
from tests.soak.places import Place

QUEUE = "soak.1"
THERE = frozenset({"rabbit@rabbit2", "rabbit@rabbit3"})
NOBODY: frozenset[str] = frozenset()


def point(fault: int, began: float, *ids: str, readable: bool = True) -> Checkpoint:
    return Checkpoint(fault, began, {QUEUE: frozenset(ids) if readable else None})


def place(leader: str = "rabbit@rabbit1", in_step: frozenset[str] = THERE, lagging: frozenset[str] = NOBODY) -> Place:
    return Place(leader, in_step, lagging, "running", 3)


def moment(here: Place, other: Place) -> dict[int, Moment]:
    return {2: Moment(2, 100.0, 160.0, {QUEUE: here}, {QUEUE: other}, (101.0, 150.0), (102.0, 140.0))}


def judged(lost: list[Loss], kept: frozenset[str], moments: dict[int, Moment], repairs: list[Repair]) -> list[Extra]:
    return extras(lost, [], kept, moments, repairs, 3.0)


LOST = [Loss("a", QUEUE, (2,))]
KEPT = frozenset({"a"})


def test_a_loss_belongs_to_the_fault_after_which_it_was_gone() -> None:
    points = [point(1, 10.0, "a", "b"), point(2, 20.0, "b"), point(3, 30.0, "b")]
    assert losses({"a": 1.0, "b": 1.0}, frozenset({"b"}), points, QUEUE) == [Loss("a", QUEUE, (2,))]


def test_what_cannot_be_read_leaves_a_choice() -> None:
    points = [point(1, 10.0, "a"), point(2, 20.0, readable=False), point(3, 30.0)]
    assert losses({"a": 1.0}, frozenset(), points, QUEUE) == [Loss("a", QUEUE, (2, 3))]


def test_what_was_confirmed_later_is_no_matter_of_earlier_faults() -> None:
    points = [point(1, 10.0), point(2, 20.0)]
    assert losses({"a": 15.0}, frozenset(), points, QUEUE) == [Loss("a", QUEUE, (2,))]
    assert losses({"a": 25.0}, frozenset(), points, QUEUE) == [Loss("a", QUEUE, ())]


def test_what_comes_back_is_not_gone() -> None:
    points = [point(1, 10.0), point(2, 20.0, "a"), point(3, 30.0)]
    assert losses({"a": 1.0}, frozenset(), points, QUEUE) == [Loss("a", QUEUE, (3,))]
    assert losses({"a": 1.0}, frozenset({"a"}), points, QUEUE) == []


def test_what_both_have_lost_is_nobodys_fault() -> None:
    assert judged(LOST, frozenset(), moment(place(), place()), []) == []


def test_a_repair_under_way_is_blamed() -> None:
    sync = Repair(QUEUE, 110.0, 120.0, "line 7")
    (found,) = judged(LOST, KEPT, moment(place(in_step=NOBODY), place()), [sync])
    assert (found.why, found.detail) == (Why.REPAIR, "line 7")


def test_a_repair_of_another_queue_or_time_is_not() -> None:
    others = [Repair("soak.2", 110.0, 120.0, "another"), Repair(QUEUE, 10.0, 20.0, "over"), Repair("", 1.0, 2.0, "old")]
    (found,) = judged(LOST, KEPT, moment(place(in_step=NOBODY), place()), others)
    assert found.why is Why.PLACES


def test_mirrors_that_a_restored_policy_has_made_are_the_agents_doing_until_they_are_in_step() -> None:
    here, other = place(in_step=NOBODY, lagging=THERE), place(in_step=NOBODY)
    (found,) = judged(LOST, KEPT, moment(here, other), [Repair("", 50.0, 60.0, "policy")])
    assert found.why is Why.REPAIR


def test_another_leader_is_chance() -> None:
    (found,) = judged(LOST, KEPT, moment(place("rabbit@rabbit2"), place("rabbit@rabbit1")), [])
    assert found.why is Why.PLACES


def test_a_loss_where_all_was_as_well_as_in_the_other_cluster_is_unexplained() -> None:
    (found,) = judged(LOST, KEPT, moment(place(), place(in_step=NOBODY)), [])
    assert found.why is Why.UNEXPLAINED
    (found,) = judged([Loss("a", QUEUE, ())], KEPT, {}, [])
    assert found.why is Why.UNEXPLAINED


def test_what_was_not_told_explains_nothing() -> None:
    unknown = {2: Moment(2, 100.0, 160.0, {}, {QUEUE: place()}, (101.0, 150.0), (102.0, 140.0))}
    (found,) = judged(LOST, KEPT, unknown, [])
    assert found.why is Why.UNEXPLAINED
    assert "not told against" in found.detail


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (15, Why.EDGE),  # 15 s behind the last: 10 s later whole, and two paces
        (16, Why.UNEXPLAINED),
        (2, Why.EDGE),  # 6 s before the first: struck a second earlier, and two paces
        (1, Why.UNEXPLAINED),
        (7, Why.UNEXPLAINED),  # in the midst of what the other lost, and kept there
    ],
)
def test_what_lies_at_the_edge_of_the_same_outage_is_chance(number: int, why: Why) -> None:
    lost, kept = [Loss(f"1/{QUEUE}/{number}", QUEUE, (2,))], frozenset({f"1/{QUEUE}/{number}"})
    other = [Loss(f"1/{QUEUE}/{each}", QUEUE, (2,)) for each in ("fill0", 4, 6, 8, 10)]
    (found,) = extras(lost, other, kept, moment(place(), place()), [], 3.0)
    assert found.why is why
    (alone,) = extras(lost, [], kept, moment(place(), place()), [], 3.0)
    assert alone.why is Why.UNEXPLAINED, "an outage that the other cluster did not have is no edge"
    (blamed,) = extras(lost, other, kept, moment(place(), place()), [Repair(QUEUE, 110.0, 120.0, "line 7")], 3.0)
    assert blamed.why is Why.REPAIR


def test_messages_that_a_queue_was_filled_with_are_no_edge() -> None:
    lost, kept = [Loss(f"1/{QUEUE}/fill3", QUEUE, (2,))], frozenset({f"1/{QUEUE}/fill3"})
    (found,) = extras(lost, [Loss(f"1/{QUEUE}/4", QUEUE, (2,))], kept, moment(place(), place()), [], 3.0)
    assert found.why is Why.UNEXPLAINED
