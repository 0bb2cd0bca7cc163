"""What each state of a real cluster looks like from outside, as measured on 3.10.8, and what must follow from it."""

from __future__ import annotations

from tests.unit.cluster.build import (
    ABC,
    CONFIG,
    HA_ALL,
    A,
    B,
    C,
    cluster,
    healthy,
    heard,
    missed,
    node,
    objects,
    queue,
    sees,
    split,
)

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.findings import findings
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.broker import ClusterStatus
from rabbitwatch.model.cluster import ClusterState, NodeState, PollState
from rabbitwatch.model.observation import ClusterObservation, PluginView


def state_of(observation: ClusterObservation) -> ClusterState:
    return assess(observation, CONFIG)


def kinds(state: ClusterState) -> set[str]:
    return {finding.kind for finding in findings(state)}


def by_name(state: ClusterState) -> dict[str, NodeState]:
    return {member.name: member for member in state.nodes}


def test_healthy() -> None:
    state = state_of(healthy(objects(queues=(queue(mirrors=[B, C]),), policies=(HA_ALL,))))
    assert state.components == (frozenset(ABC),)
    assert state.views.running == {a: dict.fromkeys(ABC, True) for a in ABC}
    assert state.partitions.reportable is True
    assert state.partitions.own == dict.fromkeys(ABC, frozenset())
    assert state.disc_nodes_running == 3
    assert not kinds(state)


def test_a_split_shows_while_the_link_is_cut_and_every_partitions_is_empty() -> None:
    state = state_of(split(objects(A, {A, B}), objects(C, {C})))
    assert state.components == (frozenset({A, B}), frozenset({C}))
    assert not state.partitions.reported
    assert len(state.views.running_sets) == 2
    assert by_name(state)[C].running is True, "it says so itself"
    assert by_name(state)[C].component_size == 1
    assert kinds(state) == {"split"}


def test_before_the_tick_the_api_of_every_node_hangs_and_nothing_is_known() -> None:
    links = {A: {B: 3, C: 1}, B: {A: 3}, C: {A: 1, B: 1}}
    state = state_of(cluster([node(n, missed(), plugin=heard(PluginView(links[n]))) for n in ABC]))
    assert state.components == ()
    assert state.views.running == {}
    assert [member.poll_state for member in state.nodes] == [PollState.TIMEOUT] * 3
    assert [member.running for member in state.nodes] == [None] * 3, "a timeout is no sign that a node is down"
    assert state.views.connected[A] == {B: True, C: False}
    assert state.views.connected[B] == {A: True, C: False}, "no connection at all is absent from the plugin"
    assert state.disc_nodes_running is None
    assert "blind" in kinds(state)
    assert "not_running" not in kinds(state)


def test_after_healing_one_side_reports_first() -> None:
    view = sees({A, B}, more={A: {"partitions": [C]}, B: {"partitions": [C]}})
    state = state_of(cluster([node(A, view), node(B, view), node(C, sees({C}))]))
    assert state.partitions.own == {A: {C}, B: {C}, C: frozenset()}
    assert state.partitions.reported == {(A, C), (B, C)}
    assert state.partitions.nodes == {A, B, C}
    assert state.views.partitioned[A] == {B: False, C: True}
    assert state.views.partitioned[C] == {A: False, B: False}
    assert {"split", "partition"} <= kinds(state)


def test_a_partition_in_the_entry_of_another_node_counts() -> None:
    told_by_a = sees(ABC, more={C: {"partitions": [A, B]}})
    state = state_of(cluster([node(A, told_by_a), node(B, sees(ABC)), node(C, missed())]))
    assert state.partitions.reported == {(C, A), (C, B)}
    assert C not in state.partitions.own, "only its own answer tells what a node itself reports"


def test_cluster_status_reports_where_the_api_lags() -> None:
    status = heard(ClusterStatus(partitions={C: [A]}))
    state = state_of(cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, sees(ABC), cluster_status=status)]))
    assert state.partitions.own[C] == {A}
    assert state.partitions.reported == {(C, A)}


def test_a_one_way_cut() -> None:
    state = state_of(cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, sees({B, C}))]))
    assert state.views.asymmetric == ((A, C),)
    assert state.components == (frozenset(ABC),), "a and c are together through b"
    assert "one_way" in kinds(state)


def test_databases_divided_behind_connections_that_work() -> None:
    """rabbitmq-server#17319: the only sign was running=false in one node's list."""
    state = state_of(cluster([node(A, sees({A, B})), node(B, sees(ABC)), node(C, sees(ABC))]))
    assert (C, A) in state.views.asymmetric
    assert "one_way" in kinds(state)


def test_a_killed_node_stays_a_member() -> None:
    refused = missed(CallFailure.REFUSED, "connection refused")
    state = state_of(cluster([node(A, sees({A, B})), node(B, sees({A, B})), node(C, refused)], objects(A, {A, B})))
    dead = by_name(state)[C]
    assert (dead.answered, dead.poll_state, dead.running) == (False, PollState.REFUSED, False)
    assert dead.type == "disc", "the others still tell it"
    assert state.components == (frozenset({A, B}),)
    assert state.disc_nodes_running == 2
    assert {"not_running", "silent"} == kinds(state)


def test_a_node_that_nobody_lists_any_more_is_missing_and_not_gone() -> None:
    pair = (A, B)
    state = state_of(cluster([node(A, sees(pair, pair)), node(B, sees(pair, pair))], objects(A, pair), missing={C}))
    assert [member.name for member in state.nodes] == list(ABC)
    assert by_name(state)[C].missing
    assert by_name(state)[C].running is None
    assert kinds(state) == {"missing"}


def test_one_node_hangs_while_the_others_are_on_time() -> None:
    state = state_of(cluster([node(A, sees(ABC)), node(B, missed()), node(C, sees(ABC))], objects(A, {A, C})))
    assert state.components == (frozenset({A, C}),)
    assert by_name(state)[B].running is True
    assert kinds(state) == {"silent"}


def test_a_user_without_the_monitoring_tag_sees_the_rest() -> None:
    refused = missed(CallFailure.UNAUTHORISED, "401: not authorised")
    whole = healthy(objects(queues=(queue(messages=5),)))
    nodes = [node(n.name, refused, overview=n.overview) for n in whole.nodes]
    state = state_of(cluster(nodes, *whole.objects))
    assert [member.answered for member in state.nodes] == [True] * 3
    assert [member.poll_state for member in state.nodes] == [PollState.UNAUTHORISED] * 3
    assert [q.messages for q in state.queues.shown] == [5]
    assert state.queues.totals is None, "without views nobody knows whose queues these are"
    assert "monitoring" in next(f for f in findings(state) if f.kind == "silent").sentence


def test_no_disc_node_among_the_living() -> None:
    types = {B: {"type": "ram"}, C: {"type": "ram"}}
    view = sees({B, C}, more=types)
    state = state_of(cluster([node(A, missed(CallFailure.REFUSED)), node(B, view), node(C, view)]))
    assert state.disc_nodes_running == 0
    assert "no_disc_node" in kinds(state)


def test_an_unknown_type_makes_the_number_of_disc_nodes_unknown() -> None:
    state = state_of(cluster([node(A, sees([A], [A], {A: {"type": None}}))]))
    assert state.disc_nodes_running is None


def test_types_come_from_cluster_status_where_the_api_does_not_tell() -> None:
    status = heard(ClusterStatus(disk_nodes=[A], ram_nodes=[B], running_nodes=[A, B]))
    state = state_of(cluster([node(A, missed(), cluster_status=status)]))
    assert {member.name: member.type for member in state.nodes} == {A: "disc", B: "ram"}


def test_a_node_of_another_type_than_declared() -> None:
    view = sees(ABC, more={C: {"type": "ram"}})
    state = state_of(cluster([node(A, view), node(B, view, declared_type="ram"), node(C, view, declared_type="ram")]))
    assert {member.name: member.type_mismatch for member in state.nodes} == {A: None, B: True, C: False}
    assert "type" in kinds(state)


def test_a_cookie_that_differs() -> None:
    hashes = {A: "x", B: "x", C: "y"}
    state = state_of(cluster([node(n, sees(ABC), cookie_hash=heard(hashes[n])) for n in ABC]))
    assert {member.name: member.cookie_mismatch for member in state.nodes} == {A: False, B: False, C: True}
    assert state.cookie_groups == 2
    assert "cookie" in kinds(state)


def test_4_3_has_neither_mirrors_nor_partitions() -> None:
    state = state_of(healthy(objects(queues=(queue(policy="ha"),), policies=(HA_ALL,)), version="4.3.6"))
    assert state.mirroring_supported is False
    assert state.partitions.reportable is False
    assert state.partitions.own == {}
    assert state.views.partitioned == {}
    assert state.queues.shown[0].expected is None
    assert state.queues.totals is not None
    assert state.queues.totals.unmirrored == 0
    assert not kinds(state)


def test_two_addresses_of_one_node_are_one_node() -> None:
    state = state_of(cluster([node(A, missed()), node(A, sees([A], [A]))]))
    assert [(member.name, member.answered) for member in state.nodes] == [(A, True)]


def test_assessing_again_gives_the_same() -> None:
    assert state_of(split()) == state_of(split())
