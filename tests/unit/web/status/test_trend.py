"""What grows: the same as PromQL says, and nothing where nothing is known."""

from __future__ import annotations

import pytest
from tests.unit.cluster.build import AT
from tests.unit.web.status.made import remembering

from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.values import Vector
from rabbitwatch.web.status.chart import HEIGHT, WIDTH, chart
from rabbitwatch.web.status.trend import DEPTH, NONE, POINTS, Trends, trend

POLLS = [{"up": 10 * n, "slow": n, "down": 1000 - n, "still": 5} for n in range(50)]


def test_slopes_are_those_of_deriv() -> None:
    window = remembering(POLLS)
    found = trend(window.snapshot(), "orders", AT, {("/", "still"), ("/", "down")}, 5)
    said = Engine().instant(f"deriv({DEPTH}[10m])", round(AT * 1000), window.snapshot()).value
    assert isinstance(said, Vector)
    expected = {labels.get("queue"): value for labels, value in zip(said.labels.sets, said.values, strict=True)}
    slopes = {name: past.slope for (_, name), past in found.pasts.items()}
    assert slopes == pytest.approx(expected)
    assert [name for _, name in found.growing] == ["up", "slow"]


def test_charts_reach_as_far_as_the_window_does_and_have_few_points() -> None:
    found = trend(remembering(POLLS * 4).snapshot(), "orders", AT, {("/", "still")}, 5)
    points = found.pasts["/", "still"].points
    assert found.since == pytest.approx(AT - 30 * 60, abs=16)
    assert POINTS // 2 <= len(points) <= POINTS
    assert points[-1] == (AT, 5)


def test_of_one_poll_nothing_is_said() -> None:
    assert trend(remembering(POLLS[:1]).snapshot(), "orders", AT, {("/", "up")}, 5) == NONE


def test_another_clusters_queues_are_not_taken_for_its_own() -> None:
    assert trend(remembering(POLLS).snapshot(), "billing", AT, {("/", "up")}, 5) == NONE


def test_a_queue_that_came_later_has_a_short_past() -> None:
    found = trend(
        remembering([*POLLS[:-2], {**POLLS[-2], "new": 1}, {**POLLS[-1], "new": 31}]).snapshot(), "orders", AT, (), 5
    )
    assert found.pasts["/", "new"].points == [(AT - 15, 1), (AT, 31)]
    assert found.pasts["/", "new"].slope == pytest.approx(2.0)


def test_it_is_made_once_a_poll() -> None:
    class Counting:
        calls = 0

        def snapshot(self) -> object:
            self.calls += 1
            return remembering(POLLS).snapshot()

    memory = Counting()
    trends = Trends(memory)  # type: ignore[arg-type]
    first = trends.of("orders", AT, (), 5)
    assert trends.of("orders", AT, (), 5) is first
    trends.of("orders", AT + 15, (), 5)
    assert memory.calls == 2


def test_without_a_window_there_is_no_trend() -> None:
    assert Trends(None).of("orders", AT, (), 5) == NONE


def test_a_chart_stays_in_its_frame_and_says_its_figures() -> None:
    found = trend(remembering(POLLS).snapshot(), "orders", AT, {("/", "still")}, 5)
    made = chart(found.pasts["/", "up"])
    assert made is not None
    points = [tuple(map(float, point.split(","))) for point in made.points.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[0][1] > points[-1][1]
    assert made.words == "from 0 to 490 in 12 min, at most 490"
    assert chart(None) is None
