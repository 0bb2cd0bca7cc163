"""Nodes as they are drawn."""

from __future__ import annotations

from tests.unit.cluster.build import CONFIG, A, B, C, cluster, healthy, missed, node, sees, split

from rabbitwatch.cluster.assess import assess
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.web.picture.card import Level
from rabbitwatch.web.picture.nodes import Group, groups


def drawn(observation: ClusterObservation, *, stale: bool = False) -> list[Group]:
    return groups(assess(observation, CONFIG), stale=stale)


def test_a_healthy_cluster_is_one_group_of_nodes_that_run() -> None:
    (group,) = drawn(healthy())
    assert [(dot.short, dot.level, dot.line) for dot in group.dots] == [
        (name, Level.OK, "runs, disc") for name in ("a", "b", "c")
    ]
    assert group.sees


def test_a_split_is_drawn_as_a_split_and_no_side_is_well() -> None:
    large, small = drawn(split())
    assert [dot.name for dot in large.dots] == [A, B]
    assert [dot.name for dot in small.dots] == [C]
    assert {dot.level for group in (large, small) for dot in group.dots} == {Level.WARNING}
    assert small.dots[0].word == "runs, sees 1 of 3"


def test_a_node_that_is_down_stands_apart() -> None:
    together, apart = drawn(cluster([node(A, sees({A, B})), node(B, sees({A, B})), node(C, missed())]))
    assert [dot.name for dot in together.dots] == [A, B]
    assert [(dot.name, dot.level, dot.word) for dot in apart.dots] == [(C, Level.CRITICAL, "down")]
    assert not apart.sees


def test_of_a_node_that_nobody_can_tell_of_nothing_is_said() -> None:
    (apart,) = drawn(cluster([node(name, missed()) for name in (A, B)]))
    assert {dot.level for dot in apart.dots} == {Level.UNKNOWN}


def test_alarms_and_a_ram_node_are_marked() -> None:
    more = {C: {"type": "ram", "mem_alarm": True, "disk_free_alarm": True, "being_drained": True}}
    seen = cluster([node(name, sees({A, B, C}, more=more)) for name in (A, B, C)])
    dot = drawn(seen)[0].dots[2]
    assert dot.marks == ("ram", "memory alarm", "disk alarm", "draining")
    assert dot.level is Level.WARNING


def test_nothing_of_an_old_picture_is_well() -> None:
    (group,) = drawn(healthy(), stale=True)
    assert {dot.level for dot in group.dots} == {Level.UNKNOWN}
    assert group.dots[0].word == "was: runs"


def test_names_keep_what_they_do_not_share() -> None:
    names = ("rabbit@a", "hare@b")
    (group,) = drawn(cluster([node(name, sees(names, names)) for name in names]))
    assert [dot.short for dot in group.dots] == ["hare@b", "rabbit@a"]
