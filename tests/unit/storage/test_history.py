from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rabbitwatch.model.sample import Block, Family, Kind
from rabbitwatch.promql.labels import LabelSet, Matcher, Matchers, MatchOp
from rabbitwatch.promql.storage import STALE, is_stale
from rabbitwatch.promql.window import Requirement, Window
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.history import History

INTERVAL = 15_000
HOUR = 3_600_000
DEPTH = Family(name="depth", kind=Kind.GAUGE, labels=("cluster", "vhost", "queue"), help="", source="")
RECORDED = LabelSet.of({"__name__": "job:depth:sum", "cluster": "a"})


def named(name: str, *more: Matcher) -> Matchers:
    return (Matcher(MatchOp.EQUAL, "__name__", name), *more)


EVERYTHING = [Requirement(named("depth"), HOUR), Requirement(named("job:depth:sum"), HOUR)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path)
    yield opened
    opened.close()


def a_window(requirements: list[Requirement] = EVERYTHING) -> Window:
    window = Window(interval_ms=INTERVAL)
    window.retain(requirements)
    return window


def poll(window: Window, number: int, queues: dict[str, float], cluster: str = "a") -> None:
    rows = [((cluster, "/", queue), value) for queue, value in queues.items()]
    window.ingest(number * INTERVAL, [Block(DEPTH, rows)], cluster)
    window.append(RECORDED, number * INTERVAL + 1, sum(queues.values()))


def samples(window: Window, name: str) -> dict[str, list[tuple[int, str]]]:
    return {
        str(s.labels): [(t, "stale" if is_stale(v) else str(v)) for t, v in zip(s.timestamps, s.values, strict=True)]
        for s in window.select(named(name), -1, 10**15)
    }


def restored(database: Database, now: int, requirements: list[Requirement] = EVERYTHING) -> Window:
    window = a_window(requirements)
    History(database, window).restore(now * INTERVAL)
    return window


def test_history_comes_back_and_goes_on(database: Database) -> None:
    window = a_window()
    history = History(database, window)
    for number in range(10):
        poll(window, number, {"q": number, "r": 1.0} if number < 5 else {"q": number, "new": 2.0})
        if number % 3 == 0:
            history.save(number * INTERVAL)
    history.save(10 * INTERVAL)
    again = restored(database, 20)
    assert samples(again, "depth") == samples(window, "depth")
    assert samples(again, "job:depth:sum") == samples(window, "job:depth:sum")
    poll(window, 20, {"q": 20.0})
    poll(again, 20, {"q": 20.0})
    one, other = samples(window, "depth"), samples(again, "depth")
    assert one['depth{cluster="a", queue="q", vhost="/"}'] == other['depth{cluster="a", queue="q", vhost="/"}']
    assert len(again.latest(named("depth"), 20 * INTERVAL, 300_000).values) == 1


def test_what_is_stored_is_not_stored_again(database: Database) -> None:
    window = a_window()
    history = History(database, window)
    for number in range(4):
        poll(window, number, {"q": number})
    history.save(4 * INTERVAL)
    history.save(5 * INTERVAL)
    again = a_window()
    second = History(database, again)
    second.restore(6 * INTERVAL)
    second.save(6 * INTERVAL)
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM window_chunks").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM window_rules").fetchone() == (1,)


def test_keys_are_stored_once_for_clusters_of_chunks(database: Database) -> None:
    window = a_window()
    history = History(database, window)
    for number in range(8):
        poll(window, number, {"q": number})
        history.save(number * INTERVAL)
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM window_chunks").fetchone() == (8,)
        assert connection.execute("SELECT count(*) FROM window_keys").fetchone() == (1,)


def test_what_is_too_old_or_no_longer_asked_for_goes(database: Database) -> None:
    window = a_window([Requirement(named("depth"), 10 * INTERVAL)])
    history = History(database, window)
    for number in range(40):
        poll(window, number, {"q": number, f"tmp{number}": 0.0})
        history.save(number * INTERVAL)
    with database.transaction() as connection:
        (chunks,) = connection.execute("SELECT count(*) FROM window_chunks").fetchone()
        (keys,) = connection.execute("SELECT count(*) FROM window_keys").fetchone()
        assert connection.execute("SELECT count(*) FROM window_rules").fetchone() == (0,)
    assert 10 <= chunks <= 12
    assert keys == chunks
    other = a_window([Requirement(named("other"), HOUR)])
    changed = History(database, other)
    changed.restore(40 * INTERVAL)
    assert samples(other, "depth") == {}
    changed.save(40 * INTERVAL)
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM window_keys").fetchone() == (0,)


def test_a_cluster_that_is_not_polled_after_the_restart_keeps_its_history(database: Database) -> None:
    window = a_window()
    poll(window, 0, {"q": 1.0}, "a")
    poll(window, 1, {"q": 2.0}, "b")
    History(database, window).save(INTERVAL)
    again = a_window()
    history = History(database, again)
    history.restore(2 * INTERVAL)
    poll(again, 3, {"q": 3.0}, "b")
    history.save(3 * INTERVAL)
    third = samples(restored(database, 4), "depth")
    assert third['depth{cluster="a", queue="q", vhost="/"}'] == [(0, "1.0")]
    assert third['depth{cluster="b", queue="q", vhost="/"}'] == [(INTERVAL, "2.0"), (3 * INTERVAL, "3.0")]


def test_series_with_spans_of_their_own_come_back_under_other_rules(database: Database) -> None:
    only_q = [
        Requirement(named("depth", Matcher(MatchOp.EQUAL, "queue", "q")), HOUR),
        Requirement(named("depth"), 30_000),
    ]
    window = a_window(only_q)
    history = History(database, window)
    for number in range(20):
        poll(window, number, {"r": 0.5, "q": number})
    history.save(20 * INTERVAL)
    counts = {name: len(found) for name, found in samples(restored(database, 21), "depth").items()}
    assert counts == {
        'depth{cluster="a", queue="q", vhost="/"}': 20,
        'depth{cluster="a", queue="r", vhost="/"}': 4,
    }


def test_a_piece_that_cannot_be_read_costs_only_itself(database: Database) -> None:
    window = a_window()
    history = History(database, window)
    for number in range(3):
        poll(window, number, {"q": number})
        history.save(number * INTERVAL)
    with database.transaction() as connection:
        connection.execute("UPDATE window_chunks SET cells = x'00' WHERE id = 1")
        connection.execute("UPDATE window_chunks SET times = zeroblob(16) WHERE id = 2")
        connection.execute("UPDATE window_rules SET series = x'00' WHERE id = 2")
    again = restored(database, 4)
    assert list(samples(again, "depth").values()) == [[(2 * INTERVAL, "2.0")]]
    assert [t for t, _ in samples(again, "job:depth:sum")[str(RECORDED)]] == [1, 2 * INTERVAL + 1]


def test_history_of_the_future_is_left_alone(database: Database) -> None:
    window = a_window()
    poll(window, 1000, {"q": 1.0})
    History(database, window).save(1000 * INTERVAL)
    assert samples(restored(database, 10), "depth") == {}


def test_markers_survive(database: Database) -> None:
    window = a_window()
    poll(window, 0, {"q": 1.0})
    poll(window, 1, {})
    window.append(RECORDED, 2 * INTERVAL, STALE)
    History(database, window).save(2 * INTERVAL)
    again = restored(database, 3)
    assert list(samples(again, "depth").values()) == [[(0, "1.0"), (INTERVAL, "stale")]]
    assert samples(again, "job:depth:sum")[str(RECORDED)][-1] == (2 * INTERVAL, "stale")
