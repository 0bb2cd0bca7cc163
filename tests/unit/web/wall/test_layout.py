"""Who stands large on the wall."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.cluster.build import AT, CONFIG, HA_ALL, A, B, C, healthy, objects, queue, split
from tests.unit.web.picture.test_card import LAG, SPLIT, firing, watched

from rabbitwatch.cluster.assess import assess
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.notify.ports import AlertStatus
from rabbitwatch.web.picture.card import Card, Level, cards
from rabbitwatch.web.ports import Watched
from rabbitwatch.web.wall.layout import Wall, wall


def of(*told: Watched, alerts: tuple[AlertStatus, ...] = ()) -> list[Card]:
    return cards(told, alerts, AT + 1)


def names(tiles: Wall) -> tuple[list[str], list[str]]:
    return [tile.card.name for tile in tiles.large], [tile.card.name for tile in tiles.small]


WELL = [watched(f"w{n}") for n in range(3)]
BAD = [watched("split", findings=(SPLIT,)), watched("lags", findings=(LAG,)), watched("dark", state=None)]


def test_where_all_are_well_none_is_large() -> None:
    seen = wall(of(*WELL))
    assert (seen.level, names(seen)) == (Level.OK, ([], ["w0", "w1", "w2"]))


def test_those_that_are_not_well_are_large_the_worst_first() -> None:
    seen = wall(of(*WELL, *BAD))
    assert seen.level is Level.CRITICAL
    assert names(seen)[0] == ["split", "dark", "lags"]
    assert (seen.bad, seen.total) == (3, 6)


def test_no_more_than_four_are_large_and_what_has_no_room_is_counted() -> None:
    many = [watched(f"bad{n:02}", findings=(SPLIT,)) for n in range(30)]
    seen = wall(of(*many))
    assert len(seen.large) == 4
    assert len(seen.small) + seen.left_out == 26
    assert seen.left_out > 0


def test_one_cluster_alone_is_large_whatever_it_is() -> None:
    assert names(wall(of(WELL[0]))) == (["w0"], [])
    assert names(wall(of(*WELL, *BAD), only="w1")) == (["w1"], [])


def test_a_cluster_that_nobody_knows_is_not_well() -> None:
    seen = wall(of(*WELL), only="nobody")
    assert (seen.level, seen.total) == (Level.UNKNOWN, 0)


@pytest.mark.parametrize(
    ("show", "large"), [(0, ["split"]), (1, ["split", "w0"]), (3, ["split", "w2"]), (4, ["split"])]
)
def test_in_turn_each_stands_large_beside_what_is_critical(show: int, large: list[str]) -> None:
    assert names(wall(of(*WELL, BAD[0]), show=show))[0] == large


def test_alerts_that_have_no_room_and_those_that_are_quiet_are_counted() -> None:
    loud = tuple(firing("critical", f"A{n}") for n in range(9))
    quiet = (firing("critical", "Q", silenced_by=("1",)), firing("info", "I"))
    (tile,) = wall(of(watched(), alerts=(*loud, *quiet))).large
    assert (len(tile.alerts), tile.more, tile.quiet) == (6, 3, 1)


def told(observation: ClusterObservation) -> Watched:
    return watched(state=assess(observation, CONFIG))


def figures(seen: Watched) -> dict[str, tuple[str, Level]]:
    (tile,) = wall(of(seen)).large
    return {figure.name: (figure.text, figure.level) for figure in tile.figures}


def test_figures_have_a_level_of_their_own() -> None:
    queues = (queue("deep", A, [B, C], messages=12_345), queue("risky", B, [A, C], synchronised=[], messages=2_000_000))
    assert figures(told(healthy(objects(queues=queues, policies=(HA_ALL,))))) == {
        "nodes run": ("3/3", Level.OK),
        "messages": ("2.0M", Level.OK),
        "at risk": ("2.0M", Level.CRITICAL),
        "mirrors lag": ("2", Level.WARNING),
    }


def test_what_is_unknown_is_no_zero() -> None:
    assert figures(told(split()))["messages"] == ("?", Level.UNKNOWN)


def test_of_an_old_poll_no_figure_is_shown() -> None:
    old = watched(state=replace(assess(healthy(), CONFIG), at=AT - 999))
    (tile,) = wall(of(old)).large
    assert tile.figures == ()
    assert {dot.level for group in tile.groups for dot in group.dots} == {Level.UNKNOWN}
