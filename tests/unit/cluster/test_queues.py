from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cluster.build import (
    ABC,
    CONFIG,
    HA_ALL,
    NOT_ASKED,
    A,
    B,
    C,
    cluster,
    healthy,
    heard,
    missed,
    node,
    objects,
    policy,
    queue,
    sees,
    split,
    vhost,
)

from rabbitwatch.clients.payload import decode_list
from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig, QueueSelection, Selection
from rabbitwatch.errors import CallFailure
from rabbitwatch.metrics.queues import COLLECTORS
from rabbitwatch.model.broker import Queue
from rabbitwatch.model.cluster import ClusterState, QueueState


def the(state: ClusterState, name: str = "q") -> QueueState:
    return next(q for q in state.queues.all if q.name == name)


def seen(*queues: Any, **more: Any) -> ClusterState:
    """A healthy cluster with these queues and the policy ha-all."""
    return assess(healthy(objects(queues=queues, **{"policies": (HA_ALL,)} | more)), CONFIG)


def test_a_mirrored_queue_in_order() -> None:
    found = the(seen(queue(mirrors=[B, C], messages=7, policy="ha")))
    assert (found.mirrors, found.synchronised, found.expected, found.at_risk) == (2, 2, 2, 0)
    assert (found.ha_mode, found.promote_on_failure, found.unhealthy) == ("all", "always", False)


def test_a_lagging_mirror_beside_a_synchronised_one_risks_nothing() -> None:
    found = the(seen(queue(mirrors=[B, C], synchronised=[B], messages=7, policy="ha")))
    assert (found.unsynchronised, found.at_risk, found.unhealthy) == (1, 0, True)


def test_without_a_synchronised_mirror_every_message_is_at_risk() -> None:
    state = seen(queue(mirrors=[B, C], synchronised=[], messages=7, policy="ha"))
    assert the(state).at_risk == 7
    assert state.queues.totals is not None
    assert (state.queues.totals.at_risk, state.queues.totals.unsynchronised) == (7, 2)


def test_mirrors_that_the_policy_asks_for_and_that_are_not_there() -> None:
    found = the(seen(queue(mirrors=[B], messages=7, policy="ha")))
    assert (found.expected, found.missing, found.at_risk, found.unhealthy) == (2, 1, 0, True)


def test_alone_no_mirror_is_expected_and_everything_is_at_risk() -> None:
    """ha-mode all on the last node that runs: the policy is fulfilled and protects nothing."""
    alone = cluster(
        [node(A, sees([A])), node(B, missed()), node(C, missed())],
        objects(component=[A], queues=(queue(mirrors=[], messages=7, policy="ha"),), policies=(HA_ALL,)),
    )
    found = the(assess(alone, CONFIG))
    assert (found.expected, found.missing, found.at_risk) == (0, 0, 7)


def test_exactly_one_wants_no_mirror_and_risks_nothing_that_the_policy_protects() -> None:
    one = policy({"ha-mode": "exactly", "ha-params": 1})
    found = the(seen(queue(mirrors=[], messages=7, policy="ha"), policies=(one,)))
    assert (found.expected, found.at_risk) == (0, None)


def test_nodes_counts_those_that_run_without_the_leader() -> None:
    named = policy({"ha-mode": "nodes", "ha-params": [A, C]})
    found = the(seen(queue(mirrors=[C], policy="ha"), policies=(named,)))
    assert (found.expected, found.missing) == (1, 0)


def test_an_exclusive_queue_is_never_mirrored_though_the_policy_is_named() -> None:
    """As 3.10.8 tells it: policy set, no slave_nodes."""
    state = seen(queue(exclusive=True, durable=False, messages=7, policy="ha"))
    found = the(state)
    assert (found.mirrored, found.expected, found.at_risk, found.unhealthy) == (False, None, None, False)
    assert state.queues.totals is not None
    assert state.queues.totals.unmirrored == 0


def test_a_queue_without_a_policy_expects_nothing_and_is_counted() -> None:
    state = seen(queue(messages=7), queue("temporary", durable=False))
    assert the(state).expected is None
    assert state.queues.totals is not None
    assert state.queues.totals.unmirrored == 1


def test_the_definition_that_the_broker_says_is_in_effect_outweighs_the_name() -> None:
    effective = {"ha-mode": "exactly", "ha-params": 2}
    found = the(seen(queue(mirrors=[B], policy="ha", effective_policy_definition=effective)))
    assert (found.ha_mode, found.expected) == ("exactly", 1)


def test_an_operator_policy_mirrors_too() -> None:
    state = seen(
        queue(mirrors=[B, C], operator_policy="op"),
        policies=(),
        operator_policies=(policy({"ha-mode": "all"}, "op"),),
    )
    assert the(state).expected == 2


def test_a_policy_of_the_same_name_in_another_vhost_is_another() -> None:
    two = policy({"ha-mode": "exactly", "ha-params": 2}, vhost="shop")
    state = seen(queue(mirrors=[B], policy="ha", vhost="shop"), policies=(HA_ALL, two))
    assert the(state).expected == 1


def test_without_policies_the_expectation_is_unknown_and_the_risk_is_not() -> None:
    found = the(seen(queue(mirrors=[B], synchronised=[], messages=7, policy="ha"), policies=missed()))
    assert (found.mirrored, found.expected, found.at_risk, found.ha_mode) == (True, None, 7, "")


def test_a_queue_on_a_dead_node_tells_no_depth() -> None:
    down = queue(state="down", messages=None, messages_ready=None, messages_unacknowledged=None)
    state = seen(down, queue("other", messages=3))
    assert (the(state).messages, the(state).unhealthy) == (None, True)
    assert state.queues.totals is not None
    assert (state.queues.totals.messages, state.queues.totals.depth_unknown) == (3, 1)
    assert state.queues.by_state["down"] == 1


@pytest.mark.parametrize("calm", ["running", "idle", "flow", None, ""])
def test_states_that_come_and_go_are_one(calm: str | None) -> None:
    assert the(seen(queue(state=calm))).state == "running"


@pytest.mark.parametrize(
    ("told", "members", "online", "has_leader", "unhealthy"),
    [
        ({"leader": A, "members": list(ABC), "online": list(ABC)}, 3, 3, True, False),
        ({"leader": A, "members": list(ABC), "online": [A, B]}, 3, 2, True, True),
        ({"leader": "", "members": list(ABC), "online": [C], "state": "minority"}, 3, 1, False, True),
        ({"leader": "rabbit@gone", "members": list(ABC), "online": [A, B]}, 3, 2, False, True),
        ({"members": list(ABC), "online": list(ABC)}, 3, 3, None, False),
        ({"leader": None, "members": list(ABC), "online": [A, C]}, 3, 2, False, True),
        ({"members": list(ABC)}, 3, None, None, False),
        ({}, None, None, None, False),
    ],
)
def test_quorum_queues(
    told: dict[str, Any], members: int | None, online: int | None, has_leader: bool | None, unhealthy: bool
) -> None:
    found = the(seen(queue(type="quorum", exclusive=None, **told)))
    assert (found.members, found.online, found.has_leader) == (members, online, has_leader)
    assert found.unhealthy is unhealthy


MEASURED = b"""[
{"durable":true,"leader":null,"members":["rabbit@a","rabbit@b","rabbit@c"],"messages":0,"messages_ready":0,
 "messages_unacknowledged":0,"name":"q","online":["rabbit@a","rabbit@b"],"state":"down","type":"quorum","vhost":"/"},
{"durable":true,"name":"log","state":"running","totals":null,"type":"stream","type_specific":null,"vhost":"/"},
{"members":["rabbit@a"],"name":"tail","node":"rabbit@a","online":["rabbit@a"],"type":"stream","vhost":"/"}]"""
"""The forms of 3.10.8: a quorum queue that has no leader, and streams in the cheap list and in the statistics."""


def test_a_queue_without_a_leader_is_told_from_one_whose_leader_is_not_told() -> None:
    state = seen(*decode_list(MEASURED, Queue).value)
    assert {q.name: q.has_leader for q in state.queues.all} == {"q": False, "log": None, "tail": None}
    rows = {
        row[0][2]: row[1]
        for c in COLLECTORS
        if c.family.name == "rabbitwatch_queue_has_leader"
        for row in c.rows(state)
    }
    assert rows == {"q": False}


def test_a_quorum_queue_is_not_mirrored_by_a_policy_that_matches_it() -> None:
    assert the(seen(queue(type="quorum", policy="ha"))).expected is None


def test_consumers_come_from_the_plugin_of_the_leaders_node() -> None:
    counted = {A: {("/", "q"): 2}, B: {("/", "q"): 9}}
    nodes = [node(n, sees(ABC), consumers=heard(counted[n]) if n in counted else missed()) for n in ABC]
    told = objects(queues=(queue(), queue("on_c", on=C), queue("new", on=A)))
    state = assess(cluster(nodes, told), CONFIG)
    assert [(q.name, q.consumers) for q in state.queues.all] == [("new", None), ("on_c", None), ("q", 2)]
    assert state.queues.totals is not None
    assert state.queues.totals.consumers is None


def test_in_a_split_the_side_of_the_leader_speaks_for_its_queue() -> None:
    near = objects(A, [A, B], (queue("on_c", on=C, state="down", messages=None), queue("on_a", messages=1)))
    far = objects(C, [C], (queue("on_c", on=C, messages=5), queue("on_a", state="down", messages=None)))
    for order in ((near, far), (far, near)):
        state = assess(split(*order), CONFIG)
        assert (the(state, "on_c").messages, the(state, "on_a").messages) == (5, 1)
        assert state.queues.totals is not None
        assert (state.queues.totals.queues, state.queues.totals.messages) == (2, 6)
        assert state.queues.contested == 0


def test_a_queue_promoted_on_both_sides_is_counted_once_and_called_contested() -> None:
    near = objects(A, [A, B], (queue(on=A, mirrors=[B], messages=10),))
    far = objects(C, [C], (queue(on=C, mirrors=[], messages=4),))
    state = assess(split(far, near), CONFIG)
    assert the(state).node == A, "the larger component's word"
    assert state.queues.contested == 1
    assert state.queues.totals is not None
    assert state.queues.totals.messages == 10


def test_how_the_sides_differ_stays_visible() -> None:
    near = objects(A, [A, B], (queue("x"), queue("y")), vhosts=(vhost("/"), vhost("empty")))
    far = objects(C, [C], (queue("x"),), vhosts=(vhost("/"),))
    assert assess(split(near, far), CONFIG).views.queues == {A: {"/": 2, "empty": 0}, C: {"/": 1}}


@pytest.mark.parametrize("silent", [missed(), missed(CallFailure.ERROR), NOT_ASKED])
def test_sums_are_unknown_while_one_side_is_silent(silent: Any) -> None:
    state = assess(split(objects(A, [A, B], (queue(messages=3),)), objects(C, [C], silent)), CONFIG)
    assert (the(state).messages, state.queues.complete, state.queues.totals) == (3, False, None)
    assert (state.queues.by_vhost, state.queues.by_state, state.queues.leaders) == ({}, {}, {})


def test_a_component_that_nobody_was_asked_for_makes_sums_unknown() -> None:
    assert assess(split(objects(A, [A, B], (queue(),))), CONFIG).queues.totals is None


def test_a_queue_told_twice_in_one_answer_is_one() -> None:
    state = seen(queue(messages=3), queue(messages=3))
    assert [q.labels for q in state.queues.all] == [("orders", "/", "q")]


def test_filters_come_before_the_cap_and_before_the_sums() -> None:
    config = ClusterConfig(
        name="orders",
        vhosts=Selection(exclude=("test.*",)),
        queues=QueueSelection(include=("master\\..*",), limit=1),
    )
    told = (
        queue("master.a", messages=1),
        queue("deep", messages=1000),
        queue("master.b", messages=2),
        queue("master.c", vhost="testing", messages=5),
    )
    state = assess(healthy(objects(queues=told, vhosts=(vhost("/"), vhost("testing")))), config)
    assert [q.name for q in state.queues.all] == ["master.a", "master.b"]
    assert [q.name for q in state.queues.shown] == ["master.b"]
    assert state.queues.hidden == 1
    assert state.queues.totals is not None
    assert state.queues.totals.messages == 3
    assert state.views.queues == {A: {"/": 2}}
    assert state.vhosts.keys() == {"/"}


def test_leaders_per_node_include_nodes_without_one() -> None:
    state = seen(queue("x"), queue("y"), queue("z", on=B))
    assert state.queues.leaders == {A: 2, B: 1, C: 0}


def test_vhosts_by_node() -> None:
    state = seen(vhosts=(vhost("/", a="running", b="stopped", c="nodedown"), vhost("new")))
    assert state.vhosts == {"/": {A: True, B: False}, "new": {}}, "nodedown is a word about the link"


def test_in_a_split_a_side_speaks_for_the_vhosts_of_its_own_nodes() -> None:
    near = objects(A, [A, B], vhosts=(vhost("/", a="running", b="running", c="nodedown"),))
    far = objects(C, [C], vhosts=(vhost("/", a="nodedown", c="running"),))
    assert assess(split(near, far), CONFIG).vhosts == {"/": {A: True, B: True, C: True}}
