"""Who says what of whom, in words."""

from __future__ import annotations

from tests.unit.cluster.build import ABC, A, B, C, cluster, missed, node, sees, split
from tests.unit.web.status.made import state_of

from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.web.picture.nodes import groups
from rabbitwatch.web.status.matrix import MOST_NODES, Matrix, matrix
from rabbitwatch.web.status.nodes import node_rows


def table(observation: ClusterObservation) -> Matrix:
    state = state_of(observation)
    return matrix(state, [dot for group in groups(state) for dot in group.dots])


def words(made: Matrix) -> list[list[str]]:
    return [[cell.word for cell in row.cells] for row in made.rows]


def test_a_split_is_told_from_both_sides() -> None:
    assert words(table(split())) == [
        ["itself", "sees it", "does not see it"],
        ["sees it", "itself", "does not see it"],
        ["does not see it", "does not see it", "itself"],
    ]


def test_who_tells_nothing_has_no_cell_and_a_reason() -> None:
    made = table(cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed(reason="no answer within 10 s"))]))
    assert (made.rows[2].cells, made.rows[2].silent) == ((), "tells nothing: timeout, no answer within 10 s")


def test_it_is_capped() -> None:
    names = [f"rabbit@{number:03}" for number in range(MOST_NODES + 4)]
    made = table(cluster([node(name, sees(names, names)) for name in names]))
    assert (len(made.columns), len(made.rows), made.left_out) == (MOST_NODES, MOST_NODES, 4)


def test_what_a_node_does_not_tell_is_unknown_and_not_well() -> None:
    state = state_of(cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed())]))
    rows = {row.dot.name: row for row in node_rows(state, [dot for group in groups(state) for dot in group.dots]).rows}
    assert (rows[A].memory, rows[A].alarms, rows[A].cookie) == ("1 B of 10 B", "unknown", "unknown")
    assert rows[C].answer == "timeout: no answer within 10 s"


def test_alarms_are_told_only_where_the_node_tells_both() -> None:
    more = {A: {"mem_alarm": True, "disk_free_alarm": False}, B: {"mem_alarm": False, "disk_free_alarm": False}}
    state = state_of(cluster([node(name, sees(ABC, more=more)) for name in ABC]))
    rows = node_rows(state, [dot for group in groups(state) for dot in group.dots]).rows
    assert [row.alarms for row in rows] == ["memory alarm", "none", "unknown"]
