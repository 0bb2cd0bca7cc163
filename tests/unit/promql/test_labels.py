"""Label sets, columns and matchers."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import LabelSet, Matcher, MatchOp


def _set(**labels: str) -> LabelSet:
    return LabelSet.of({k.replace("name", "__name__"): v for k, v in labels.items()})


def test_equal_by_content_whatever_the_order_and_without_empty_values() -> None:
    one = LabelSet.of({"b": "2", "__name__": "up", "a": "1", "c": ""})
    other = LabelSet.of([("a", "1"), ("b", "2"), ("__name__", "up")])
    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == 'up{a="1", b="2"}'
    assert one != one.without_name()


def test_get_keep_drop_replace() -> None:
    labels = _set(name="up", a="1", b="2")
    assert (labels.get("a"), labels.get("__name__"), labels.get("c")) == ("1", "up", "")
    assert str(labels.keep(["a", "x"])) == '{a="1"}'
    assert str(labels.keep(["__name__"])) == "up"
    assert str(labels.drop(["a"])) == '{b="2"}'
    assert str(labels.drop_but_name(["a"])) == 'up{b="2"}'
    assert str(labels.replace({"a": "", "c": 'x"y'})) == 'up{b="2", c="x\\"y"}'


def test_type_and_unit_go_with_the_name() -> None:
    labels = LabelSet.of({"__name__": "up", "__type__": "gauge", "a": "1"})
    assert str(labels.without_name()) == '{a="1"}'
    assert LabelColumn([labels]).without_names().sets == [_set(a="1")]


@pytest.mark.parametrize(
    ("op", "value", "text", "expected"),
    [
        (MatchOp.EQUAL, "a", "a", True),
        (MatchOp.EQUAL, "", "", True),
        (MatchOp.NOT_EQUAL, "a", "", True),
        (MatchOp.REGEX, "a|b", "b", True),
        (MatchOp.REGEX, "a|b", "ab", False),
        (MatchOp.REGEX, "a.*", "ba", False),
        (MatchOp.REGEX, "a.c", "a\nc", True),
        (MatchOp.REGEX, r"\Qa.c\E", "abc", False),
        (MatchOp.REGEX, r"\pL+", "é", True),
        (MatchOp.REGEX, "(?i)AB", "ab", True),
        (MatchOp.REGEX, ".*", "", True),
        (MatchOp.REGEX, ".+", "", False),
        (MatchOp.REGEX, "a|", "", True),
        (MatchOp.NOT_REGEX, "a.*", "b", True),
    ],
)
def test_matchers_are_anchored_and_speak_re2(op: MatchOp, value: str, text: str, expected: bool) -> None:
    assert Matcher(op, "l", value).matches(text) is expected
    assert Matcher(op, "l", value).accepts(_set(l=text)) is expected


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1"])
def test_what_is_no_re2_expression_is_refused(pattern: str) -> None:
    with pytest.raises(QueryError, match="invalid regular expression"):
        Matcher(MatchOp.REGEX, "l", pattern)


def test_keys_of_columns_of_different_shapes_compare() -> None:
    one = LabelColumn([_set(name="a", x="1", y="2")])
    mixed = LabelColumn([_set(name="b", x="1", y="2", z="3"), _set(name="b", y="2")])
    assert one.keys_on(("x", "y"))[0] == mixed.keys_on(("x", "y"))[0]
    assert one.keys_on(("x",))[0] == mixed.keys_on(("x",))[0]
    assert mixed.keys_on(("x",))[1] == ""
    assert one.keys_ignoring(("z",))[0] == mixed.keys_ignoring(("z",))[0]
    assert one.keys_ignoring(())[0] != mixed.keys_ignoring(())[0]


def test_a_picked_column_answers_as_one_made_of_its_rows() -> None:
    whole = LabelColumn([_set(name="m", q=str(i), v=str(i % 2)) for i in range(6)])
    for picked in (whole.pick([4, 1]), whole.pick([0, 4, 1]).pick([1, 2])):
        plain = LabelColumn([whole[4], whole[1]])
        assert len(picked) == 2
        assert picked.keys_on(("v",)) == plain.keys_on(("v",))
        assert picked.keys_ignoring(("v",)) == plain.keys_ignoring(("v",))
        assert picked.without_names().sets == plain.without_names().sets
        assert picked.metric_names() == plain.metric_names()
        assert picked.shape() == plain.shape()
        assert picked.sets == plain.sets


def test_rows_that_differ_only_in_the_name_are_not_distinct_without_it() -> None:
    column = LabelColumn([_set(name="a", x="1"), _set(name="b", x="1")])
    assert column.distinct()
    assert not column.distinct_without_names()
    assert column.pick([0]).distinct_without_names()


def column_of(*queues: str) -> list[LabelSet]:
    return [known(queue) for queue in queues]


@cache
def known(queue: str) -> LabelSet:
    """The same object for the same queue, as the window hands them out; one of them lacks its vhost."""
    return LabelSet.of({"__name__": "depth", "queue": queue, "vhost": "" if queue == "d" else f"/{queue}"})


def derived(column: LabelColumn) -> list[object]:
    """All that is asked of a column."""
    return [
        column.sets,
        column.metric_names(),
        column.shape(),
        column.distinct(),
        column.keys_on(("queue",)),
        column.keys_on(("queue", "vhost")),
        column.keys_ignoring(("vhost",)),
        column.kept(("vhost",)).sets,
        column.kept(("vhost",)).keys_on(("vhost",)),
        column.dropped(("queue",)).sets,
        column.without_names().sets,
        column.without_names().keys_ignoring(("queue",)),
    ]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1), min_size=1, max_size=6))
def test_a_column_that_follows_another_is_as_one_made_anew(polls: list[list[str]]) -> None:
    column = LabelColumn([])
    for queues in polls:
        column = column.followed_by(column_of(*queues))
        assert derived(column) == derived(LabelColumn(column_of(*queues)))


def test_a_queue_that_comes_or_goes_leaves_the_labels_of_the_others() -> None:
    first = LabelColumn(column_of("a", "b", "c"))
    before = first.without_names().sets
    second = first.followed_by(column_of("a", "b", "c", "e"))
    assert [one is other for one, other in zip(second.without_names().sets, before, strict=False)] == [True] * 3
    third = second.followed_by(column_of("a", "c", "e"))
    assert third.without_names().sets[1] is before[2]
    assert first.sets == column_of("a", "b", "c")
