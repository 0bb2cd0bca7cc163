"""The drawing of the nodes: a split is drawn as one, and nobody is drawn as seen whom nobody sees."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.unit.cluster.build import ABC, A, B, C, cluster, healthy, missed, node, sees, split
from tests.unit.web.status.made import state_of

from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.web.picture.nodes import groups
from rabbitwatch.web.status.sight import MOST_NODES, Sight, sight

SILENT = cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed())])
ONE_WAY = cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, sees({B, C}))])


def drawn(observation: ClusterObservation) -> Sight:
    state = state_of(observation)
    made = sight(state, groups(state))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("observation", "lines", "breaks"),
    [
        (healthy(), {"both": 3}, 0),
        (split(), {"both": 1}, 1),
        (SILENT, {"both": 1, "told": 2}, 0),
        (ONE_WAY, {"both": 2, "one": 1}, 0),
    ],
)
def test_lines_say_who_sees_whom(observation: ClusterObservation, lines: dict[str, int], breaks: int) -> None:
    made = drawn(observation)
    assert Counter(line.kind for line in made.lines) == lines
    assert len(made.breaks) == breaks


def test_a_split_in_words() -> None:
    assert drawn(split()).words == "rabbit@a, rabbit@b see each other; rabbit@c sees only itself"


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, MOST_NODES])
def test_no_node_is_drawn_over_another_or_outside(count: int) -> None:
    names = [f"rabbit@host-{number:02}" for number in range(count)]
    made = drawn(cluster([node(name, sees(names, names)) for name in names]))
    places = [(spot.x, spot.y) for spot in made.spots]
    assert len(places) == count
    assert all(30 <= x <= made.width - 30 and 16 <= y <= made.height - 50 for x, y in places)
    apart = [abs(a - c) + abs(b - d) for i, (a, b) in enumerate(places) for c, d in places[:i]]
    assert min(apart, default=100) > 80


def test_more_than_can_be_told_apart_are_not_drawn() -> None:
    names = [f"rabbit@{number}" for number in range(MOST_NODES + 1)]
    state = state_of(cluster([node(name, sees(names, names)) for name in names]))
    assert sight(state, groups(state)) is None
