from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cluster.build import HA_ALL, B, C, healthy, objects, queue

from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig, QueueSelection
from rabbitwatch.model.cluster import ClusterState

DEPTHS = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(0, 50), max_size=12)


def seen(depths: dict[str, int], limit: int, previous: ClusterState | None = None, sick: str = "") -> ClusterState:
    queues = tuple(
        queue(name, messages=depth, policy="ha", mirrors=[B, C], synchronised=[B] if name == sick else [B, C])
        for name, depth in depths.items()
    )
    config = ClusterConfig(name="orders", queues=QueueSelection(limit=limit))
    return assess(healthy(objects(queues=queues, policies=(HA_ALL,))), config, previous)


def shown(state: ClusterState) -> set[str]:
    return {q.name for q in state.queues.shown}


def test_the_deepest_are_shown_and_equal_depths_go_by_name() -> None:
    assert shown(seen({"d": 5, "b": 1, "c": 1, "a": 1, "e": 9}, 3)) == {"e", "d", "a"}


def test_an_unhealthy_queue_is_never_hidden() -> None:
    assert shown(seen({"deep": 100, "sick": 0, "calm": 50}, 1, sick="sick")) == {"deep", "sick"}


def test_a_limit_of_nothing_shows_the_unhealthy_alone() -> None:
    state = seen({"deep": 100, "sick": 0}, 0, sick="sick")
    assert shown(state) == {"sick"}
    assert state.queues.hidden == 1


def test_a_queue_that_hovers_at_the_edge_keeps_its_series() -> None:
    depths = {f"deep{n}": 1000 for n in range(9)}
    before = seen(depths | {"x": 101, "y": 100}, 10)
    after = seen(depths | {"x": 100, "y": 101}, 10, before)
    assert "x" in shown(before)
    assert "y" not in shown(before)
    assert {"x", "y"} <= shown(after), "y is deeper now, and x stays within a tenth of room"
    drained = seen(depths | {"x": 10, "y": 101}, 10, after)
    assert "x" not in shown(drained)


@given(DEPTHS, st.integers(0, 12))
def test_sums_do_not_depend_on_the_cap(depths: dict[str, int], limit: int) -> None:
    state = seen(depths, limit)
    assert state.queues.totals == seen(depths, 1000).queues.totals
    assert state.queues.totals is not None
    assert state.queues.totals.messages == sum(depths.values())
    assert len(state.queues.shown) + state.queues.hidden == len(depths)


@given(DEPTHS, DEPTHS, st.integers(0, 12))
def test_no_hidden_queue_is_deeper_than_the_shallowest_of_the_deepest(
    before: dict[str, int], depths: dict[str, int], limit: int
) -> None:
    state = seen(depths, limit, seen(before, limit))
    hidden = [q.messages or 0 for q in state.queues.all if q not in state.queues.shown]
    deepest = sorted(depths.values(), reverse=True)[:limit]
    assert not hidden or not deepest or max(hidden) <= deepest[-1]
    assert len(state.queues.shown) <= limit + limit // 10
