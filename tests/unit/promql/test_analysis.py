"""What is known of an expression without evaluating it."""

from __future__ import annotations

import pytest

from rabbitwatch.promql.analysis import Carried, labels_of, selectors
from rabbitwatch.promql.parse import parse

MINUTE = 60_000


@pytest.mark.parametrize(
    ("expr", "needs"),
    [
        ("m", [(5, 0, 0)]),
        ("m offset 1h", [(65, 0, 0)]),
        ("m offset -7m", [(0, 7, 0)]),
        ("rate(m[10m])", [(10, 0, 10)]),
        ("rate(m[10m] offset 1h)", [(70, 0, 10)]),
        ("max_over_time(rate(m[10m])[1h:1m])", [(70, 0, 10)]),
        ("max_over_time(m[1h:1m] offset 2h)", [(185, 0, 0)]),
        ("max_over_time(max_over_time(m[10m:1m])[1h:1m])", [(75, 0, 0)]),
        ("a + b offset 1m", [(5, 0, 0), (6, 0, 0)]),
        ("m @ end() offset 1m", [(6, 0, 0)]),
        ("max_over_time(m[1h:1m] @ start())", [(65, 0, 0)]),
        ("vector(time())", []),
    ],
)
def test_needs_add_up_range_offset_subqueries_and_lookback(expr: str, needs: list[tuple[int, int, int]]) -> None:
    found = selectors(parse(expr))
    assert [(n.back_ms, n.ahead_ms, n.range_ms) for n in found] == [
        (back * MINUTE, ahead * MINUTE, length * MINUTE) for back, ahead, length in needs
    ]
    assert all(n.fixed_ms is None for n in found)


def test_a_fixed_time_is_told() -> None:
    (need,) = selectors(parse("sum_over_time(m[1h:1m] @ 100)"))
    assert (need.fixed_ms, need.back_ms) == (100_000, 65 * MINUTE)
    (need,) = selectors(parse("sum_over_time((m @ 7)[1h:1m])"))
    assert (need.fixed_ms, need.back_ms) == (7_000, 5 * MINUTE)


@pytest.mark.parametrize(
    ("expr", "can", "cannot"),
    [
        ("m", ["a", "__name__"], []),
        ('m{a=""}', ["b"], ["a"]),
        ("m > 1", ["a", "__name__"], []),
        ("m > bool 1", ["a"], ["__name__"]),
        ("rate(m[5m])", ["a"], ["__name__"]),
        ("last_over_time(m[5m])", ["a", "__name__"], []),
        ("sum(m)", [], ["a", "__name__"]),
        ("sum by (a, b) (m)", ["a", "b"], ["c"]),
        ("sum by (a) (sum by (b) (m))", [], ["a", "b"]),
        ("sum without (a) (m)", ["b"], ["a", "__name__"]),
        ("topk by (a) (1, m)", ["a", "b", "__name__"], []),
        ('count_values("v", m)', ["v"], ["a"]),
        ("a / on (x) b", ["x"], ["y", "__name__"]),
        ("a == on (x) b", ["x"], ["y"]),
        ("a / ignoring (x) b", ["y"], ["x"]),
        ("sum by (x, y) (a) * on (x) group_left (z) b", ["x", "y", "z"], ["w"]),
        ("b * on (x) group_right (z) sum by (x, y) (a)", ["x", "y", "z"], ["w"]),
        ("sum by (x) (a) and b", ["x"], ["y"]),
        ("sum by (x) (a) or sum by (y) (b)", ["x", "y"], ["z"]),
        ('absent(m{a="1", b=~"2"})', ["a"], ["b", "c"]),
        ("absent(sum(m))", [], ["a"]),
        ('label_replace(sum(m), "a", "", "", "")', ["a"], ["b"]),
        ('label_join(sum(m), "a", "-")', ["a"], ["b"]),
        ("histogram_quantile(0.9, m)", ["a"], ["le", "__name__"]),
        ("vector(1)", [], ["a"]),
        ("1 + sum by (a) (m)", ["a"], ["b"]),
        ("hour()", [], ["a"]),
        ("hour(m)", ["a"], ["__name__"]),
        ("max_over_time(sum by (a) (m)[5m:1m])", ["a"], ["b"]),
        ("-m", ["a"], ["__name__"]),
    ],
)
def test_which_labels_a_result_can_carry(expr: str, can: list[str], cannot: list[str]) -> None:
    carried = labels_of(parse(expr))
    assert [label for label in can if carried.cannot_have(label)] == []
    assert [label for label in cannot if not carried.cannot_have(label)] == []


def test_what_is_known_of_a_metric_counts() -> None:
    known = {"m": frozenset({"cluster", "node"})}
    assert labels_of(parse("m"), known.get) == Carried(frozenset({"cluster", "node", "__name__"}))
    assert labels_of(parse("sum by (queue, node) (m)"), known.get) == Carried(frozenset({"node"}))
    assert labels_of(parse("other"), known.get).only is None
