"""The engine's semantics, where the conformance files are thin: ranges, joins, names, histograms, errors."""

from __future__ import annotations

import math

import pytest
from tests.unit.promql.data import MINUTE, load, rows, series

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.labels import Matchers
from rabbitwatch.promql.storage import Block, MemoryStorage, Series
from rabbitwatch.promql.values import Matrix, String

QUEUES = load(
    """
    messages{vhost="/", queue="a"} 0+10x10
    messages{vhost="/", queue="b"} 100-10x10
    messages{vhost="v", queue="a"} 5x10
    consumers{vhost="/", queue="a"} 0x10
    consumers{vhost="/", queue="b"} 2x10
    info{vhost="/", queue="a", leader="n1"} 1x10
    info{vhost="/", queue="b", leader="n2"} 1x10
    published_total{queue="a"} 0+6x4 0+6x5
    """
)
CLASSIC = load(
    """
    h_bucket{le="0.1"} 2
    h_bucket{le=".2"} 4
    h_bucket{le="1e0"} 8
    h_bucket{le="+Inf"} 10
    """
)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("messages > 50", {'messages{queue="a", vhost="/"}': 100}),
        ("messages > bool 50", {'{queue="a", vhost="/"}': 1, '{queue="b", vhost="/"}': 0, '{queue="a", vhost="v"}': 0}),
        ("50 < messages", {'messages{queue="a", vhost="/"}': 100}),
        ("messages offset 5m > 40", {'messages{queue="a", vhost="/"}': 50, 'messages{queue="b", vhost="/"}': 50}),
        ("messages{queue='b'} @ 0", {'messages{queue="b", vhost="/"}': 100}),
        ("messages{queue='b'} @ 600 offset 10m", {'messages{queue="b", vhost="/"}': 100}),
        ("sum(messages)", {"{}": 105}),
        ("sum by (vhost) (messages)", {'{vhost="/"}': 100, '{vhost="v"}': 5}),
        ("max without (vhost) (messages)", {'{queue="a"}': 100, '{queue="b"}': 0}),
        ("count(messages > 1000)", {}),
        ("sum(messages > 1000)", {}),
        ("messages and on (queue) consumers > 0", {'messages{queue="b", vhost="/"}': 0}),
        ("messages unless on (vhost) consumers", {'messages{queue="a", vhost="v"}': 5}),
        (
            "messages{vhost='/'} * on (vhost, queue) group_left (leader) info",
            {'{leader="n1", queue="a", vhost="/"}': 100, '{leader="n2", queue="b", vhost="/"}': 0},
        ),
        ("consumers + on (vhost, queue) group_right () messages{vhost='/'} > 3", {'{queue="a", vhost="/"}': 100}),
        ("messages{vhost='v'} / consumers", {}),
        ("messages{vhost='/'} / consumers == Inf", {'{queue="a", vhost="/"}': math.inf}),
        ("delta(messages{queue='b'}[10m])", {'{queue="b", vhost="/"}': -100}),
        ("max_over_time(messages{queue='b'}[10m])", {'{queue="b", vhost="/"}': 90}),
        ("min_over_time(messages{vhost='/'}[3m])", {'{queue="a", vhost="/"}': 80, '{queue="b", vhost="/"}': 0}),
        ("increase(published_total[4m])", {'{queue="a"}': 24}),
        ("resets(published_total[10m])", {'{queue="a"}': 1}),
        ("max_over_time(sum(messages)[10m:1m])", {"{}": 105}),
        ("clamp(messages{vhost='/'}, 10, 50)", {'{queue="a", vhost="/"}': 50, '{queue="b", vhost="/"}': 10}),
        ("absent(nothing{queue='x'})", {'{queue="x"}': 1}),
        ("absent(messages)", {}),
        ("scalar(sum(messages)) + 1", {"scalar": 106}),
        ("vector(1) unless on () (messages > 50)", {}),
        ("count_values('v', consumers)", {'{v="0"}': 1, '{v="2"}': 1}),
        ("-1 ^ 2", {"scalar": -1}),
        ("(-8) ^ (1 / 3)", {"scalar": math.nan}),
        ("0 ^ -1", {"scalar": math.inf}),
        ("10 ^ 400", {"scalar": math.inf}),
        ("exp(vector(1000))", {"{}": math.inf}),
        ("1 % 0", {"scalar": math.nan}),
        ("Inf % 2", {"scalar": math.nan}),
        ("2 % Inf", {"scalar": 2}),
        ("-5 % 3", {"scalar": -2}),
        ("atanh(vector(1))", {"{}": math.inf}),
        ("acos(vector(2))", {"{}": math.nan}),
        ("sinh(vector(-1000))", {"{}": -math.inf}),
        ("year(vector(Inf))", {"{}": math.nan}),
        ("round(vector(2.5))", {"{}": 3}),
    ],
)
def test_instant(expr: str, expected: dict[str, float]) -> None:
    assert rows(expr, QUEUES) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("histogram_quantile(0.2, h_bucket)", 0.1),
        ("histogram_quantile(0.3, h_bucket)", 0.15),
        ("histogram_quantile(0.5, h_bucket)", 0.4),
        ("histogram_quantile(0.95, h_bucket)", 1.0),
        ("histogram_quantile(-1, h_bucket)", -math.inf),
        ("histogram_quantile(2, h_bucket)", math.inf),
        ("histogram_quantile(NaN, h_bucket)", math.nan),
        ("histogram_quantile(0.5, h_bucket * 0)", math.nan),
        ('histogram_quantile(0.5, h_bucket{le!="+Inf"})', math.nan),
        ("histogram_fraction(0, 0.2, h_bucket)", 0.4),
        ("histogram_fraction(0.1, 0.6, h_bucket)", 0.4),
        ("histogram_fraction(0.2, 0.1, h_bucket)", 0),
        ("histogram_fraction(-Inf, Inf, h_bucket)", 1),
    ],
)
def test_classic_histograms(expr: str, value: float) -> None:
    assert rows(expr, CLASSIC, 0) == pytest.approx({"{}": value}, nan_ok=True)


def test_counts_that_fall_are_raised_and_noted() -> None:
    storage = load('h_bucket{le="1"} 5\nh_bucket{le="2"} 3\nh_bucket{le="+Inf"} 10\nh_bucket{le="x"} 1')
    result = Engine().instant("histogram_quantile(0.5, h_bucket)", 0, storage)
    assert any("needed to be fixed for monotonicity" in note for note in result.infos)
    assert any('malformed value of "x"' in note for note in result.warnings)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        ("messages + on (vhost) consumers", 'found duplicate series for the match group {vhost="/"} on the right'),
        ("messages + on (vhost) group_right () consumers", "on the left hand-side of the operation"),
        ("messages + on (queue) consumers", "multiple matches for labels: many-to-one matching must be explicit"),
        (
            "messages{vhost='/'} * on (vhost) group_left (queue) consumers{queue='b'}",
            "multiple matches for labels: grouping labels must ensure unique matches",
        ),
        ("abs({__name__=~'messages|consumers'})", "vector cannot contain metrics with the same labelset"),
        ("label_replace(messages, 'queue', '', '', '')", "vector cannot contain metrics with the same labelset"),
        ("label_replace(messages, 'x', '', 'queue', '(')", "invalid regular expression"),
        ("topk(Inf, messages)", "Scalar value inf overflows int64"),
        ("double_exponential_smoothing(messages[5m], 2, 0.5)", "invalid smoothing factor. Expected: 0 < sf < 1"),
    ],
)
def test_errors_have_prometheus_words(expr: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        rows(expr, QUEUES)
    assert message in str(caught.value)


def test_names_go_at_once_unless_their_removal_is_delayed() -> None:
    expr = "label_replace(rate(published_total[5m]), 'was', '$1', '__name__', '(.*)')"
    assert list(rows(expr, QUEUES)) == ['{queue="a"}']
    delayed = Engine(delayed_names=True).instant(expr, 10 * MINUTE, QUEUES).value
    assert [str(labels) for labels in delayed.labels] == ['{queue="a", was="published_total"}']  # type: ignore[union-attr]


def test_range_queries_follow_series_that_end_and_come_back() -> None:
    storage = load("m 1 2 stale _ 5")
    assert series("m", storage, 5 * MINUTE) == {
        "m": {0: 1, MINUTE: 2, 4 * MINUTE: 5, 5 * MINUTE: 5},
    }


def test_at_end_means_the_whole_query_also_in_a_subquery() -> None:
    storage = load("m 0+1x10")
    assert series("max_over_time((m @ end())[2m:1m])", storage, 3 * MINUTE) == {
        "{}": {0: 3, MINUTE: 3, 2 * MINUTE: 3, 3 * MINUTE: 3},
    }


def test_series_that_become_equal_are_joined_where_they_do_not_overlap() -> None:
    storage = load("a 1 stale\nb _ _ 2")
    assert series("-{__name__=~'a|b'}", storage, 2 * MINUTE) == {"{}": {0: -1, 2 * MINUTE: -2}}


def test_strings_and_range_vectors_are_values_too() -> None:
    assert Engine().instant("'a'", 0, QUEUES).value == String("a")
    value = Engine().instant("messages{queue='b'}[2m]", 10 * MINUTE, QUEUES).value
    assert isinstance(value, Matrix)
    assert list(value.series[0].values) == [10, 0]


def test_a_gauge_under_rate_is_noted() -> None:
    notes = Engine().instant("rate(messages[5m])", 10 * MINUTE, QUEUES).infos
    assert notes == (
        'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "messages"',
    )
    assert Engine().instant("rate(published_total[5m])", 10 * MINUTE, QUEUES).infos == ()


class _InBlocks(MemoryStorage):
    """Hands out what fits as blocks, to compare with the same series one by one."""

    def blocks(self, matchers: Matchers, start_ms: int, end_ms: int) -> tuple[list[Block], list[Series]]:
        found = self.select(matchers, start_ms, end_ms)
        whole = [s for s in found if list(s.timestamps) == list(found[0].timestamps) and sum(s.values) == sum(s.values)]
        others = [s for s in found if s not in whole]
        times = found[0].timestamps
        return [Block([s.labels for s in whole], times, list(zip(*[s.values for s in whole], strict=True)))], others


@pytest.mark.parametrize(
    "function",
    ["rate", "increase", "max_over_time", "avg_over_time", "sum_over_time", "last_over_time", "changes", "deriv"],
)
def test_blocks_give_what_series_give(function: str) -> None:
    storage = load('m{a="1"} 0+1x9\nm{a="2"} 5 4 3 9 9 9 0 1 2 3\nm{a="3"} 1 stale _ 4 5\nm{a="4"} _ 1')
    expr = f"{function}(m[10m])"
    assert rows(expr, _InBlocks(storage.all())) == rows(expr, storage)
