from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.seen import CLUSTER, DECLARED, TARGET, as_broker, detail, lagging, look, observed
from tests.unit.cluster.build import A, B, C, cluster, missed, node, objects, queue

from rabbitwatch.actions.sync_queue import ACTION
from rabbitwatch.model.action import Look, Plan, Step, Target
from rabbitwatch.model.broker import Queue

HA_THERE = [as_broker(DECLARED)]


def plan(*queues: Queue, target: Target = TARGET, **more: Any) -> Plan:
    return ACTION.plan(look(queues, HA_THERE, **more), target)


def test_a_queue_with_a_lagging_mirror() -> None:
    found = plan(lagging("a b", vhost="/"), queue("fine", mirrors=[B, C], policy="ha"))
    (step,) = found.steps
    assert (step.method, step.path, step.body) == ("POST", "/queues/%2F/a%20b/actions", {"action": "sync"})
    assert step.before == {"leader": A, "mirrors": [B, C], "synchronised": [B], "messages": 100}
    assert (step.queues, step.messages, step.message_bytes) == (1, 100, 100_000)
    assert step.summary == "synchronise queue 'a b' of vhost '/', 100 messages, with rabbit@c; it is blocked meanwhile"
    assert (found.skipped, found.nothing) == ((), "")


def test_the_queue_with_most_at_risk_goes_first() -> None:
    found = plan(
        lagging("deep", messages=900),
        lagging("risky", synchronised=[], messages=10),
        lagging("riskier", synchronised=[], messages=20),
        lagging("deeper", messages=1000),
    )
    assert [step.object for step in found.steps] == ["riskier", "risky", "deeper", "deep"]


@pytest.mark.parametrize("version", ["4.0.5", "4.3.6"])
def test_nothing_on_rabbitmq_4(version: str) -> None:
    found = plan(lagging(), version=version)
    assert (found.steps, found.nothing.startswith("RabbitMQ 4 has no mirrored queues")) == ((), True)


def test_nothing_while_the_version_or_the_queues_are_unknown() -> None:
    assert plan(lagging(), version="odd").nothing.startswith("whether every node's version has mirroring is unknown")
    told = objects(queues=missed())
    unknown = cluster([node(A, observed().nodes[0].nodes)], told)
    assert ACTION.plan(look(observation=unknown), TARGET).nothing.startswith("which queues there are is unknown")


ONE = Target(CLUSTER, vhost="/", queue="q")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (queue("q", mirrors=[B, C], policy="ha"), "none of its mirrors lags"),
        (queue("q", type="quorum"), "it is a quorum queue: its members catch up by themselves"),
        (queue("q", type="stream"), "it is a stream: its members catch up by themselves"),
        (queue("q", exclusive=True, mirrors=[], policy="ha"), "it is exclusive, and so never mirrored"),
        (queue("q"), "no policy in effect mirrors it"),
        (queue("q", policy="ha"), "which mirrors it has is unknown"),
        (queue("q", mirrors=[B], policy="ha"), "1 of 2 mirrors do not exist, and a sync cannot make any"),
        (queue("q", mirrors=[B], synchronised=[], policy="ha"), "1 mirror did not join yet"),
        (lagging(state="syncing", sync_messages=3), "it is being synchronised already"),
    ],
)
def test_why_a_queue_is_left_alone(row: Queue, why: str) -> None:
    found = plan(row, target=ONE)
    assert found.steps == ()
    assert found.nothing.startswith(f"queue 'q' of vhost '/': {why}")
    ((called, said),) = [(each.object, each.why) for each in found.skipped]
    assert called == "queue 'q' of vhost '/'"
    assert said.startswith(why)


def test_what_was_not_had_in_detail_is_left_alone() -> None:
    found = plan(lagging(), details={}, missed={("/", "q"): "no answer within 5 s"})
    assert [each.why for each in found.skipped] == ["it could not be looked at: no answer within 5 s"]
    found = plan(lagging(), details={})
    assert found.skipped[0].why.startswith("it was not looked at: more queues lag than are asked for at once")
    row = lagging()
    for other, why in (
        ({"synchronised": (B, C)}, "its mirrors have caught up since it was listed"),
        ({"mirrors": None}, "it does not tell which mirrors it has"),
        ({"sync_messages": 5}, "it is being synchronised already"),
    ):
        found = plan(row, details={("/", "q"): detail(row, **other)})
        assert (found.steps, [each.why for each in found.skipped]) == ((), [why])


def test_healthy_queues_are_not_listed_one_by_one() -> None:
    found = plan(*(queue(f"q{n}", mirrors=[B, C], policy="ha") for n in range(5)), queue("plain"))
    assert (found.skipped, found.nothing) == ((), "no mirror lags in cluster orders")


def test_several_that_ail_and_none_that_a_sync_would_help() -> None:
    found = plan(queue("a", mirrors=[B], policy="ha"), queue("b", mirrors=[], policy="ha"))
    assert len(found.skipped) == 2
    assert found.nothing == "2 queues of cluster orders ail, and a sync would help none of them now"


def test_only_what_the_target_names() -> None:
    queues = [lagging("one"), lagging("two", vhost="shop"), lagging("three")]
    seen = look(queues, HA_THERE, vhosts=("/", "shop"), declared=())

    def names(target: Target) -> set[str]:
        return {step.object for step in ACTION.plan(seen, target).steps}

    assert names(Target(CLUSTER, vhost="/")) == {"one", "three"}
    assert names(Target(CLUSTER, vhost="/", queue="one")) == {"one"}
    assert names(Target(CLUSTER, policy="other")) == set()
    assert names(Target(CLUSTER, vhost="/", policy="ha")) == {"one", "three"}
    assert ACTION.plan(seen, Target(CLUSTER, vhost="no")).nothing == "no queue is known in cluster orders, vhost no"


def step_of(row: Queue) -> Step:
    (step,) = plan(row).steps
    return step


def progress(row: Queue | None, **more: Any) -> Any:
    return ACTION.progress(step_of(lagging()), look([row] if row else [], HA_THERE, **more))


def test_progress_to_the_end() -> None:
    told = progress(lagging(state="syncing", sync_messages=40))
    assert (told.done, told.text) == (False, "queue 'q' of vhost '/': 40 of 100 messages copied")
    later = progress(lagging(state="syncing", sync_messages=60))
    assert later.measure > told.measure > 1
    told = progress(lagging())
    assert (told.done, told.measure) == (False, 1)
    told = progress(lagging(synchronised=[B, C]))
    assert (told.done, told.text) == (True, "queue 'q' of vhost '/' is synchronised: 2 of 2 mirrors")
    assert told.after == {"leader": A, "mirrors": [B, C], "synchronised": [B, C], "messages": 100}
    assert told.measure > later.measure


def test_progress_when_things_go_otherwise() -> None:
    gone = progress(None)
    assert (gone.done, gone.text, gone.after) == (True, "queue 'q' of vhost '/' no longer exists", {"queue": None})
    moved = progress(queue("q", on=B, mirrors=[C], synchronised=[], policy="ha", messages=5))
    assert (moved.done, moved.measure) == (False, None)
    assert moved.text == (
        "the leader of queue 'q' of vhost '/' moved from rabbit@a to rabbit@b, which ended the sync; 1 lag"
    )
    assert progress(queue("q", mirrors=[], policy="ha")).text == "queue 'q' of vhost '/' has no mirror left"
    silent = progress(queue("q", mirrors=None, policy="ha"))
    assert (silent.done, silent.text) == (None, "queue 'q' of vhost '/' does not tell its mirrors at the moment")
    unknown = cluster([node(A, observed().nodes[0].nodes)], objects(queues=missed()))
    assert progress(None, observation=unknown).done is None


def test_it_is_not_done_while_the_list_still_says_that_it_is_syncing() -> None:
    assert progress(lagging(synchronised=[B, C], state="syncing")).done is False


NODES = st.sampled_from([[], [B], [C], [B, C]])
ROWS = st.builds(
    lambda name, mirrors, inside, messages, kind, state: queue(
        name,
        mirrors=mirrors,
        synchronised=[each for each in mirrors if each in inside],
        messages=messages,
        policy="ha",
        type=kind,
        state=state,
    ),
    st.sampled_from(["q", "p", "r"]),
    NODES,
    NODES,
    st.one_of(st.none(), st.integers(0, 9)),
    st.sampled_from(["classic", "classic", "quorum"]),
    st.sampled_from(["running", "running", "syncing", "down"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=3, unique_by=lambda row: row.name), st.sampled_from(["3.8.9", "3.10.8", "3.13.7"]))
def test_every_step_is_about_a_queue_whose_mirrors_all_exist_and_some_lag(rows: list[Queue], version: str) -> None:
    found = plan(*rows, version=version)
    by_name = {row.name: row for row in rows}
    for step in found.steps:
        row = by_name[step.object]
        assert row.type == "classic"
        assert row.state != "syncing"
        assert set(row.slave_nodes or ()) == {B, C}
        assert set(row.synchronised_slave_nodes or ()) < {B, C}
    assert bool(found.steps) is not bool(found.nothing)


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, max_size=3, unique_by=lambda row: row.name), st.integers(4, 9), st.integers(0, 9))
def test_no_step_ever_on_rabbitmq_4(rows: list[Queue], major: int, minor: int) -> None:
    seen: Look = look(rows, [], version=f"{major}.{minor}.0")
    assert ACTION.plan(seen, TARGET).steps == ()
