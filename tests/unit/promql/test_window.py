from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rabbitwatch.errors import RuleError
from rabbitwatch.model.sample import Block, Family, Kind
from rabbitwatch.promql.labels import LabelSet, Matcher, Matchers, MatchOp
from rabbitwatch.promql.storage import STALE, BlockStorage, MemoryStorage, SampleSeries, Series, is_stale
from rabbitwatch.promql.storage import Block as SeriesBlock
from rabbitwatch.promql.window import Requirement, Window

INTERVAL = 15_000
DEPTH = Family(name="depth", kind=Kind.GAUGE, labels=("cluster", "vhost", "queue"), help="", source="")
MIRRORS = Family(name="mirrors", kind=Kind.GAUGE, labels=("cluster", "vhost", "queue"), help="", source="")
LOOKBACK = 5 * 60_000


def named(name: str, *more: Matcher) -> Matchers:
    return (Matcher(MatchOp.EQUAL, "__name__", name), *more)


def depth_block(cluster: str, queues: dict[str, float], family: Family = DEPTH) -> Block:
    return Block(family, [((cluster, "/", queue), value) for queue, value in queues.items()])


def plain(series: Sequence[Series]) -> dict[LabelSet, list[tuple[int, str]]]:
    """Comparable: NaNs by kind."""
    return {
        s.labels: [(t, "stale" if is_stale(v) else repr(v)) for t, v in zip(s.timestamps, s.values, strict=True)]
        for s in series
    }


def newest(window: Window | MemoryStorage, matchers: Matchers, at_ms: int) -> dict[LabelSet, tuple[int, float]]:
    latest = window.latest(matchers, at_ms, LOOKBACK)
    times = latest.timestamps
    rows = [times] * len(latest.values) if isinstance(times, int) else times
    return {labels: (t, v) for labels, t, v in zip(latest.labels, rows, latest.values, strict=True)}


def unblocked(window: Window, matchers: Matchers, start_ms: int, end_ms: int) -> list[Series]:
    """What `blocks` gives, as series."""
    blocks, series = window.blocks(matchers, start_ms, end_ms)
    found = list(series)
    for block in blocks:
        rows = cells(block)
        assert all(value == value for row in rows for value in row)
        for labels, values in zip(block.labels, zip(*rows, strict=True), strict=True):
            found.append(SampleSeries(labels, array("q", block.timestamps), array("d", values)))
    return found


def cells(block: SeriesBlock) -> list[list[float]]:
    """The series' own cells of each row."""
    places = range(len(block.rows[0])) if block.places is None else block.places
    return [[row[place] for place in places] for row in block.rows]


def filled(*polls: dict[str, float], span_ms: int = 3_600_000) -> Window:
    window = Window(interval_ms=INTERVAL)
    window.retain([Requirement(named("depth"), span_ms)])
    for number, queues in enumerate(polls):
        window.ingest(number * INTERVAL, [depth_block("a", queues)], "a")
    return window


def test_the_last_poll_is_there_without_anybody_asking_for_history() -> None:
    window = Window()
    for at in range(10):
        window.ingest(at * INTERVAL, [depth_block("a", {"q": at})], "a")
    assert list(newest(window, named("depth"), 9 * INTERVAL).values()) == [(9 * INTERVAL, 9.0)]
    (series,) = window.select(named("depth"), -1, 10**9)
    assert len(series.values) == 2
    assert window.stats().samples == 0


def test_an_evaluation_that_began_before_a_poll_sees_the_one_before() -> None:
    window = Window()
    window.ingest(0, [depth_block("a", {"q": 1})], "a")
    window.ingest(INTERVAL, [depth_block("a", {"q": 2})], "a")
    assert list(newest(window, named("depth"), INTERVAL - 1).values()) == [(0, 1.0)]


def test_a_series_ends_with_a_marker_and_may_begin_again() -> None:
    window = filled({"q": 1, "r": 1}, {"r": 2}, {"r": 3}, {"q": 4, "r": 4})
    found = plain(window.select(named("depth", Matcher(MatchOp.EQUAL, "queue", "q")), -1, 10**9))
    assert list(found.values()) == [[(0, "1.0"), (INTERVAL, "stale"), (3 * INTERVAL, "4.0")]]
    assert len(newest(window, named("depth"), 2 * INTERVAL)) == 1


def test_a_family_that_a_poll_does_not_bring_ends() -> None:
    window = filled({"q": 1})
    window.ingest(INTERVAL, [], "a")
    assert newest(window, named("depth"), INTERVAL) == {}
    (samples,) = plain(window.select(named("depth"), -1, 10**9)).values()
    assert samples == [(0, "1.0"), (INTERVAL, "stale")]


def test_a_poll_speaks_for_its_own_cluster_only() -> None:
    window = Window()
    window.ingest(0, [depth_block("a", {"q": 1})], "a")
    window.ingest(5_000, [depth_block("b", {"q": 2})], "b")
    window.ingest(INTERVAL, [], "b")
    assert {k.get("cluster"): v for k, v in newest(window, named("depth"), INTERVAL).items()} == {"a": (0, 1.0)}


def test_blocks_of_one_family_are_taken_together() -> None:
    window = Window()
    window.ingest(0, [depth_block("a", {"q": 1}), depth_block("a", {"r": 2})], "a")
    assert sorted(v for _, v in newest(window, named("depth"), 0).values()) == [1.0, 2.0]


def test_the_column_stays_while_the_series_stay() -> None:
    window = filled({"q": 1, "r": 1}, {"q": 2, "r": 2})
    selector = named("depth", Matcher(MatchOp.REGEX, "queue", "q|r"))
    first = window.latest(selector, INTERVAL, LOOKBACK)
    assert window.latest(selector, INTERVAL, LOOKBACK) is first
    window.ingest(2 * INTERVAL, [depth_block("a", {"r": 3, "q": 3})], "a")
    second = window.latest(selector, 2 * INTERVAL, LOOKBACK)
    assert second.labels is first.labels
    assert second.timestamps == 2 * INTERVAL
    window.ingest(3 * INTERVAL, [depth_block("a", {"q": 4})], "a")
    assert window.latest(selector, 3 * INTERVAL, LOOKBACK).labels is not first.labels


def test_the_same_values_in_a_later_poll_carry_the_later_time() -> None:
    window = filled({"q": 1}, {"q": 1})
    assert window.latest(named("depth"), INTERVAL, LOOKBACK).timestamps == INTERVAL
    window.ingest(2 * INTERVAL, [depth_block("a", {"q": 1})], "a")
    assert window.latest(named("depth"), 2 * INTERVAL, LOOKBACK).timestamps == 2 * INTERVAL


def test_nothing_answers_after_the_lookback() -> None:
    window = filled({"q": 1})
    assert newest(window, named("depth"), LOOKBACK - 1) != {}
    assert newest(window, named("depth"), LOOKBACK) == {}


def test_an_empty_label_value_is_no_label() -> None:
    window = Window()
    window.ingest(0, [Block(DEPTH, [(("a", "", "q"), 1.0)])], "a")
    (labels,) = newest(window, named("depth", Matcher(MatchOp.EQUAL, "vhost", "")), 0)
    assert labels == LabelSet.of({"__name__": "depth", "cluster": "a", "queue": "q"})


def test_series_without_holes_come_as_blocks() -> None:
    window = filled({"q": 1, "r": 1}, {"q": 2, "r": 2}, {"q": 3})
    assert isinstance(window, BlockStorage)
    (block,), (other,) = window.blocks(named("depth"), -1, 10**9)
    assert [labels.get("queue") for labels in block.labels] == ["q"]
    assert cells(block) == [[1.0], [2.0], [3.0]]
    assert other.labels.get("queue") == "r"


def test_a_series_that_comes_later_leaves_the_others_their_block() -> None:
    window = filled({"q": 1, "r": 1}, {"q": 2, "r": 2}, {"n": 9, "q": 3, "r": 3})
    (block,), (other,) = window.blocks(named("depth"), -1, 10**9)
    assert cells(block) == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    assert other.labels.get("queue") == "n"
    (before,), _ = filled({"q": 1, "r": 1}, {"q": 2, "r": 2}).blocks(named("depth"), -1, 10**9)
    assert cells(before) == [[1.0, 1.0], [2.0, 2.0]]


def test_the_same_row_is_the_same_object_in_each_block() -> None:
    window = filled({"q": 1, "r": 1}, {"q": 2, "r": 2})
    (before,), _ = window.blocks(named("depth"), -1, 10**9)
    window.ingest(2 * INTERVAL, [depth_block("a", {"q": 3})], "a")
    (after,), _ = window.blocks(named("depth"), -1, 10**9)
    assert all(one is other for one, other in zip(before.rows, after.rows, strict=False))


def test_series_of_one_queue_share_their_label_values() -> None:
    window = Window()
    window.ingest(0, [depth_block("a", {"q": 1}), depth_block("a", {"q": 1}, MIRRORS)], "a")
    (one,) = newest(window, named("depth"), 0)
    (other,) = newest(window, named("mirrors"), 0)
    assert one.values is other.values
    assert one.names == ("cluster", "queue", "vhost")


def test_history_is_kept_for_the_series_and_the_span_that_are_asked_for() -> None:
    window = Window(interval_ms=INTERVAL)
    window.retain(
        [
            Requirement(named("depth", Matcher(MatchOp.EQUAL, "queue", "long")), 60 * INTERVAL),
            Requirement(named("depth", Matcher(MatchOp.REGEX, "queue", "s.*")), 10 * INTERVAL),
        ]
    )
    queues = ["none", "long", "short", "sh"]
    for at in range(200):
        window.ingest(at * INTERVAL, [depth_block("a", dict.fromkeys(queues, at))], "a")
    kept = {s.labels.get("queue"): len(s.values) for s in window.select(named("depth"), -1, 10**9)}
    assert kept == {"none": 2, "long": 62, "short": 12, "sh": 12}


def test_idle_series_cost_one_row() -> None:
    window = filled(*[{"q": 1.0, "r": 2.0}] * 100)
    assert window.stats().samples == 2
    assert len(window.select(named("depth"), -1, 10**9)[0].values) == 100


def test_what_is_still_asked_for_survives_a_reload() -> None:
    window = filled(*[{"q": n, "r": n} for n in range(20)])
    window.retain([Requirement(named("depth", Matcher(MatchOp.EQUAL, "queue", "q")), 3_600_000)])
    kept = {s.labels.get("queue"): list(s.values) for s in window.select(named("depth"), -1, 10**9)}
    assert kept == {"q": [float(n) for n in range(20)], "r": [18.0, 19.0]}
    window.ingest(20 * INTERVAL, [depth_block("a", {"q": 20, "r": 20})], "a")
    window.retain([Requirement(named("depth"), 3_600_000)])
    kept = {s.labels.get("queue"): list(s.values) for s in window.select(named("depth"), -1, 10**9)}
    assert kept == {"q": [float(n) for n in range(21)], "r": [19.0, 20.0]}


def test_queues_that_are_born_and_die_all_day_leave_nothing_behind() -> None:
    window = Window(interval_ms=INTERVAL)
    window.retain([Requirement(named("depth"), 4 * INTERVAL)])
    for at in range(300):
        queues = {f"tmp{at}.{n}": float(n) for n in range(50)} | {"stays": float(at)}
        window.ingest(at * INTERVAL, [depth_block("a", queues)], "a")
    (view,) = window.snapshot().views(named("depth"))
    assert view.width < 1000
    assert len(newest(window, named("depth"), 299 * INTERVAL)) == 51
    (stays,) = window.select(named("depth", Matcher(MatchOp.EQUAL, "queue", "stays")), -1, 10**9)
    assert list(stays.values) == [float(at) for at in range(294, 300)]


def test_a_snapshot_does_not_change_when_polls_come_in() -> None:
    window = filled({"q": 1})
    snapshot = window.snapshot()
    before = plain(snapshot.select(named("depth"), -1, 10**9))
    window.ingest(INTERVAL, [depth_block("a", {"q": 2, "r": 2})], "a")
    assert plain(snapshot.select(named("depth"), -1, 10**9)) == before


def test_rules_add_samples_that_are_seen_at_once() -> None:
    window = Window()
    labels = LabelSet.of({"__name__": "ALERTS", "alertname": "A", "alertstate": "firing"})
    window.append(labels, 1000, 1.0)
    window.append(labels, 1000, 2.0)
    window.append(labels, 500, 3.0)
    assert newest(window, named("ALERTS"), 1000) == {labels: (1000, 1.0)}
    window.append(labels, 2000, STALE)
    assert newest(window, named("ALERTS"), 2000) == {}
    assert newest(window, named("ALERTS"), 1500) == {labels: (1000, 1.0)}


def test_samples_of_rules_are_kept_as_long_as_asked() -> None:
    window = Window(interval_ms=INTERVAL)
    window.retain([Requirement(named("job:x"), 100 * INTERVAL)])
    for name in ("job:x", "job:y"):
        for at in range(1000):
            window.append(LabelSet.of({"__name__": name}), at * INTERVAL, float(at))
            if name == "job:x" and at % 10 == 0:
                window.ingest(at * INTERVAL, [], "a")
    window.ingest(1000 * INTERVAL, [], "a")
    assert 100 <= len(window.select(named("job:x"), -1, 10**12)[0].values) <= 160
    assert len(window.select(named("job:y"), -1, 10**12)[0].values) <= 20


def test_series_of_rules_that_ended_are_forgotten() -> None:
    window = Window(interval_ms=INTERVAL)
    for at in range(100):
        window.append(LabelSet.of({"__name__": "ALERTS", "n": str(at)}), at * INTERVAL, STALE)
        window.ingest(at * INTERVAL, [], "a")
    assert len(window.snapshot().tracks(named("ALERTS"))) <= 3


def test_one_metric_of_a_poll_and_of_a_rule() -> None:
    window = filled({"q": 1})
    window.append(LabelSet.of({"__name__": "depth", "queue": "made up"}), 0, 5.0)
    assert sorted(v for _, v in newest(window, named("depth"), 0).values()) == [1.0, 5.0]


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    window = filled({f"q{n}": 1.0 for n in range(1000)})
    fits = Requirement(named("depth"), 3_600_000, "rules/a.yml: Deep")
    window.check([fits])
    with pytest.raises(RuleError) as caught:
        window.check([Requirement(named("depth"), 100 * 24 * 3_600_000, "rules/a.yml: Deep")])
    assert str(caught.value) == (
        'rules/a.yml: Deep: {__name__="depth"} over 100d needs about 576,001,000 samples = 4,608 MB of history, and '
        "the window holds 25,000,000 samples = 200 MB; shorten the range, narrow the selector or raise "
        "rules.window_samples"
    )


def test_what_fits_alone_but_not_together_is_refused_too() -> None:
    window = Window(budget=1000, expected_series=lambda _: 10)
    one = Requirement(named("x"), 60 * INTERVAL, "one")
    other = Requirement(named("y"), 70 * INTERVAL, "other")
    window.check([one])
    window.check([other])
    with pytest.raises(RuleError, match=r"other: .* needs about 710 samples .*everything else that is loaded: 1,320"):
        window.check([one, other])


def test_when_series_multiply_the_oldest_history_goes_and_the_last_poll_stays() -> None:
    window = Window(interval_ms=INTERVAL, budget=1000)
    window.retain([Requirement(named("depth"), 3_600_000), Requirement(named("mirrors"), 3_600_000)])
    for at in range(60):
        count = 5 if at < 30 else 400
        blocks = [
            depth_block("a", {f"q{n}": at + n for n in range(count)}),
            depth_block("a", {f"q{n}": at + n for n in range(5)}, MIRRORS),
        ]
        window.ingest(at * INTERVAL, blocks, "a")
        stats = window.stats()
        assert stats.samples <= 1000
    assert stats.dropped > 0
    assert stats.whole_since_ms > 0
    assert len(newest(window, named("depth"), 59 * INTERVAL)) == 400
    assert all(len(s.values) == 2 for s in window.select(named("depth"), -1, 10**9))


def test_readers_and_a_writer_at_the_same_time() -> None:
    window = Window(interval_ms=INTERVAL)
    window.retain([Requirement(named("depth"), 20 * INTERVAL), Requirement(named("job:x"), 20 * INTERVAL)])
    failures: list[AssertionError] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                snapshot = window.snapshot()
                for series in snapshot.select(named("depth"), -1, 10**12):
                    times = [t for t, v in zip(series.timestamps, series.values, strict=True) if not is_stale(v)]
                    assert [v * INTERVAL for v in series.values if not is_stale(v)] == times
                for series in snapshot.select(named("job:x"), -1, 10**12):
                    assert [v * INTERVAL for v in series.values] == list(series.timestamps)
                latest = snapshot.latest(named("depth"), 10**12, 10**13)
                assert len(latest.labels) == len(latest.values)
        except AssertionError as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for at in range(400):
        queues = {f"q{(at // 7) + n}": float(at) for n in range(40)}
        window.ingest(at * INTERVAL, [depth_block("a", queues)], "a")
        window.append(LabelSet.of({"__name__": "job:x"}), at * INTERVAL, float(at))
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []


POLLS = st.lists(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0.0, 1.0, float("inf"), float("nan"), -float("inf")])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(polls=POLLS, data=st.data())
def test_equals_a_plain_storage_with_markers(polls: list[dict[str, float]], data: st.DataObject) -> None:
    window = Window(interval_ms=INTERVAL)
    matchers = named(
        "depth", Matcher(MatchOp.REGEX, "queue", data.draw(st.sampled_from([".*", "a", "[abc]", "z", ""])))
    )
    spans = data.draw(
        st.sampled_from([[named("depth")], [named("depth", Matcher(MatchOp.REGEX, "queue", "[abe]"))] * 2])
    )
    window.retain([Requirement(each, 10**9) for each in [*spans, named("depth")][: 1 + len(spans)]])
    plain_storage = MemoryStorage()
    before: set[str] = set()
    for number, queues in enumerate(polls):
        order = data.draw(st.permutations(sorted(queues)))
        at = number * INTERVAL
        window.ingest(at, [depth_block("a", {q: queues[q] for q in order})], "a")
        for queue in sorted(before | set(queues)):
            labels = LabelSet.of({"__name__": "depth", "cluster": "a", "vhost": "/", "queue": queue})
            plain_storage.append(labels, at, queues.get(queue, STALE))
        before = set(queues)
    start = data.draw(st.integers(-1, len(polls))) * INTERVAL
    end = data.draw(st.integers(-1, len(polls))) * INTERVAL
    expected = plain(plain_storage.select(matchers, start, end))
    assert plain(window.select(matchers, start, end)) == expected
    assert plain(unblocked(window, matchers, start, end)) == expected
    assert repr(sorted(newest(window, matchers, end).items())) == repr(
        sorted(newest(plain_storage, matchers, end).items())
    )


def test_a_clock_that_is_set_back_does_not_stop_the_window() -> None:
    window = filled(*[{"q": n} for n in range(10)])
    labels = LabelSet.of({"__name__": "ALERTS"})
    window.append(labels, 100 * INTERVAL, 1.0)
    window.ingest(5 * INTERVAL, [depth_block("a", {"q": 50})], "a")
    (samples,) = plain(window.select(named("depth"), -1, 10**9)).values()
    assert samples == [*[(n * INTERVAL, f"{n}.0") for n in range(5)], (5 * INTERVAL, "50.0")]
    window.append(labels, 5 * INTERVAL, 2.0)
    assert newest(window, named("ALERTS"), 5 * INTERVAL) == {labels: (5 * INTERVAL, 2.0)}


def test_a_family_that_changes_its_labels_begins_anew() -> None:
    window = filled({"q": 1})
    changed = Family(name="depth", kind=Kind.GAUGE, labels=("cluster", "queue"), help="", source="")
    window.ingest(INTERVAL, [Block(changed, [(("a", "q"), 2.0)])], "a")
    assert [str(labels) for labels in newest(window, named("depth"), INTERVAL)] == ['depth{cluster="a", queue="q"}']
