from __future__ import annotations

from typing import Any

from tests.support.seen import TARGET, look, observed
from tests.unit.cluster.build import A, B, C, cluster, heard, missed, node, objects, queue, sees

from rabbitwatch.actions.propose_recovery import ACTION
from rabbitwatch.model.action import Plan
from rabbitwatch.model.broker import Overview

PROPOSAL = "This is a proposal: nothing was done, and nothing is done by itself."
ALIKE = "messages, queues and users alike"


def plan(observation: Any) -> Plan:
    found = ACTION.plan(look(observation=observation), TARGET)
    assert found.steps == ()
    return found


def one(name: str, running: set[str], connections: int | None, version: str = "3.10.8", kind: str = "disc") -> Any:
    totals = None if connections is None else {"connections": connections, "queues": 3}
    overview = heard(Overview(node=name, rabbitmq_version=version, object_totals=totals))
    return node(name, sees(running, more={name: {"type": kind}}), overview=overview)


def fallen_apart(left: int | None = 7, right: int | None = 1, version: str = "3.10.8", **more: Any) -> Any:
    """c is cut off from a and b."""
    ours = more.get("ours", (queue("x", on=A, messages=90), queue("y", on=B, messages=5)))
    theirs = more.get("theirs", (queue("x", on=C, messages=80), queue("z", on=C, messages=20)))
    return cluster(
        [
            one(A, {A, B}, left, version),
            one(B, {A, B}, left, version),
            one(C, {C}, right, version),
        ],
        objects(A, {A, B}, queues=ours),
        objects(C, {C}, queues=theirs),
    )


def test_a_whole_cluster_needs_none() -> None:
    assert plan(observed()).nothing == "3 nodes see each other, and no partition is reported"
    assert plan(observed()).text == ""


def test_of_a_cluster_that_tells_nothing_nothing_is_proposed() -> None:
    assert plan(cluster([node(A, missed())])).nothing == "unknown: no node tells what it sees"


def test_the_side_with_more_of_everything() -> None:
    assert plan(fallen_apart()).text.splitlines() == [
        f"orders has fallen into 2 groups that cannot see each other. {PROPOSAL}",
        "Trust: rabbit@a, rabbit@b with 7 connections, 95 messages, 2 queues.",
        "Give up: rabbit@c with 1 connection, 20 messages, 1 queue.",
        "Why: it has more connections and messages and queues.",
        "Order:",
        "1. Mend the network between the sides.",
        "2. Stop all nodes of the other side, before any is started again: rabbit@c.",
        "3. Start them, one after another: rabbit@c. Each takes over the data of the trusted side.",
        "4. Restart the trusted nodes, one after another, while any still reports the partition: rabbit@a, rabbit@b.",
        "Wait for mirrors to synchronise between restarts. If ever all nodes are down, start rabbit@a first.",
        f"Lost: what changed on rabbit@c since the cut, {ALIKE}; there lead 1 queue with 20 messages.",
        "1 queue with a leader on more than one side: take what must be kept out of the copy given up first.",
    ]


def test_the_smaller_side_where_the_clients_are() -> None:
    text = plan(fallen_apart(left=0, right=40, ours=(), theirs=(queue("z", on=C, messages=3),))).text
    assert "Trust: rabbit@c with 40 connections, 3 messages, 1 queue." in text
    assert "2. Stop all nodes of the other side, before any is started again: rabbit@a, rabbit@b." in text
    assert "start rabbit@c first" in text


def test_sides_that_contradict_each_other_are_left_to_a_person() -> None:
    text = plan(fallen_apart(left=1, right=9, theirs=())).text
    assert "Trust: rabbit@a, rabbit@b" in text
    assert "Why: it has more messages and queues, but fewer connections: decide by what your clients need." in text


def test_sides_that_hold_the_same() -> None:
    text = plan(fallen_apart(left=0, right=0, ours=(), theirs=())).text
    assert "Trust: rabbit@a, rabbit@b" in text
    assert "Why: the sides hold the same; the choice between them is free." in text


def test_what_is_unknown_is_said() -> None:
    text = plan(fallen_apart(right=None, theirs=(queue("z", on=C, messages=None),))).text
    assert "Give up: rabbit@c with an unknown number of connections, an unknown number of messages, 1 queue." in text
    assert "Why: unknown connections and messages of a side make this a guess; look there before you decide." in text


def test_a_node_that_does_not_answer_may_hold_more() -> None:
    found = cluster(
        [one(A, {A}, 1), one(B, {B}, 1), node(C, missed())], objects(A, {A}), objects(B, {B}, queues=missed())
    )
    text = plan(found).text
    assert "Unknown: rabbit@c did not tell what they see, and may hold more than is counted here." in text
    assert "an unknown number of queues" in text


def test_three_sides() -> None:
    found = cluster([one(A, {A}, 5), one(B, {B}, 1), one(C, {C}, 0)], *(objects(n, {n}) for n in (A, B, C)))
    text = plan(found).text
    assert "2. Stop all nodes of the other sides, before any is started again: rabbit@b, rabbit@c." in text
    assert text.count("Give up: ") == text.count("Lost: ") == 2


def test_a_ram_node_does_not_start_first() -> None:
    found = fallen_apart()
    text = plan(cluster([one(A, {A, B}, 7, kind="ram"), *found.nodes[1:]], *found.objects)).text
    assert "while any still reports the partition: rabbit@b, rabbit@a." in text
    assert "start rabbit@b first" in text


def test_healed_and_still_reported() -> None:
    told = {A: {"partitions": [C]}, B: {"partitions": [C]}, C: {"partitions": [A, B]}}
    queues = [queue("x", on=A, messages=9), queue("y", on=C, messages=1)]
    text = plan(observed(queues, nodes=told)).text
    assert text.startswith(
        "The nodes of orders see each other again, and still report a partition: their data are divided."
    )
    assert "Trust: rabbit@a, rabbit@b with an unknown number of connections, 9 messages, 1 queue." in text
    assert "1. Mend the network between the sides (it works, by the word of the nodes)." in text
    assert "3. Start them, one after another: rabbit@c." in text


def test_partitions_that_make_no_sides() -> None:
    text = plan(observed(nodes={A: {"partitions": [C]}})).text
    assert "Reported: rabbit@a from rabbit@c. The nodes do not fall into sides" in text
    assert "Which side to trust is unknown." in text
    assert "Trust:" not in text


def test_khepri_needs_no_restart() -> None:
    text = plan(fallen_apart(version="4.3.6")).text
    assert "2. Wait: with Khepri the sides join by themselves, and no node needs a restart." in text
    assert "Stop" not in text
    assert "Lost" not in text


def test_it_never_acts() -> None:
    assert ACTION.run(None, None).status is None  # type: ignore[arg-type]
    assert ACTION.progress(None, None).done is None  # type: ignore[arg-type]
