from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cluster.build import ABC, A, B, C, cluster, entry, heard, missed, node, sees

from rabbitwatch.cluster import views
from rabbitwatch.model.broker import BrokerNode, Overview
from rabbitwatch.model.graph import components
from rabbitwatch.model.observation import PluginView

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
VIEWS = st.dictionaries(NAMES, st.frozensets(NAMES))


@given(VIEWS)
def test_components_hold_every_observer_once(running: dict[str, frozenset[str]]) -> None:
    groups = components(running)
    assert sorted(name for group in groups for name in group) == sorted(running)


@given(VIEWS)
def test_components_do_not_depend_on_the_order_of_answers(running: dict[str, frozenset[str]]) -> None:
    assert components(running) == components(dict(reversed(running.items())))


@given(VIEWS)
def test_two_that_see_each_other_are_together(running: dict[str, frozenset[str]]) -> None:
    place = {name: group for group in components(running) for name in group}
    mutual = [(a, b) for a, sees_a in running.items() for b, sees_b in running.items() if b in sees_a and a in sees_b]
    assert all(place[a] == place[b] for a, b in mutual)


@given(VIEWS)
def test_nobody_in_one_group_and_another_sees_each_other(running: dict[str, frozenset[str]]) -> None:
    groups = components(running)
    for one in groups:
        for other in groups:
            if one != other:
                assert not any(b in running[a] and a in running[b] for a in one for b in other)


def test_a_member_that_the_observer_does_not_list_does_not_run_to_it() -> None:
    heard_views = views.entries(cluster([node(A, sees(ABC)), node(B, sees([B], [B])), node(C, missed())]))
    assert views.running(heard_views) == {A: {A: True, B: True, C: True}, B: {A: False, B: True, C: False}}


def test_a_node_of_which_running_is_not_told_has_no_cell() -> None:
    told = {A: {A: entry(A), B: BrokerNode(name=B), C: entry(C, running=False)}}
    assert views.running(told) == {A: {A: True, C: False}}


def test_links_of_command_line_tools_are_no_peers() -> None:
    links = heard(PluginView({B: 3, C: 2, "rabbitmqcli-77-rabbit@a": 3}))
    found = views.connected(cluster([node(A, sees(ABC), plugin=links)]), frozenset(ABC))
    assert found == {A: {B: True, C: False}}


def test_a_plugin_that_did_not_answer_is_no_observer() -> None:
    assert views.connected(cluster([node(A, sees(ABC), plugin=missed())]), frozenset(ABC)) == {}


def test_counts_that_are_not_told_are_left_out() -> None:
    overview = heard(Overview(node=A, object_totals={"queues": 3, "connections": None, "vhosts": 9}))
    found = views.objects(cluster([node(A, sees(ABC), overview=overview), node(B, sees(ABC))]))
    assert found == {A: {"queues": 3}}
