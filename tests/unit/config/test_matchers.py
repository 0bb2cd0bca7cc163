"""Matchers are read and written as Alertmanager does."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.config.matchers import Matcher, Operator, ordered, parse_matcher, parse_matchers, spelled


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("a=b", '{a="b"}'),
        (' a = "b c" ', '{a="b c"}'),
        ("{a!=b}", '{a!="b"}'),
        ('{a=~"d|e",c!~f,}', '{a=~"d|e",c!~"f"}'),
        ("a=", '{a=""}'),
        (r'a="x\"y\\z\n"', r'{a="x\"y\\z\n"}'),
        (r"a=~x\.y", r'{a=~"x\\.y"}'),
        (r'a=~"x\.y"', r'{a=~"x\\.y"}'),
        ('a="x,y}"', '{a="x,y}"}'),
        ('"a b"=c', '{"a b"="c"}'),
        ("", "{}"),
        ("{}", "{}"),
    ],
)
def test_what_is_read_is_written_as_alertmanager_writes_it(text: str, spelling: str) -> None:
    assert spelled(parse_matchers(text)) == spelling


@pytest.mark.parametrize(
    "text", ["a", "=b", '"a', 'a="b', 'a="b"c', "{a=b", "a=b}", "a='b'", "a=b c", ",a=b", "a=~(", '""=a']
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|needs the name"):
        parse_matchers(text)


@pytest.mark.parametrize("text", ["a={}x y", "a{}x y", 'a="{}', "a=b{}c", "{}a"])
def test_a_long_text_that_is_none_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match="is no matcher"):
        parse_matchers(text.format(" " * 30_000))
    assert time.process_time() - began < 2


def test_one_matcher_is_one() -> None:
    assert parse_matcher("a=b") == Matcher("a", Operator.EQUAL, "b")
    with pytest.raises(ValueError, match="is not one matcher"):
        parse_matcher("a=b,c=d")


def test_the_order_is_alertmanagers() -> None:
    given_ = parse_matchers("b=a,a!~x,a=~x,a!=x,a=x,a=b")
    assert spelled(ordered(given_)) == '{a="b",a="x",a!="x",a=~"x",a!~"x",b="a"}'


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("a=", {}, True),
        ("a=", {"a": "x"}, False),
        ("a!=x", {}, True),
        ("a=~.+", {}, False),
        ("a=~x", {"a": "xy"}, False),
        ("a=~x.*", {"a": "xy"}, True),
        ("a!~x", {"a": "xy"}, True),
        ("a!~x.*", {}, True),
    ],
)
def test_a_label_that_is_missing_is_empty_and_regexes_match_the_whole(
    text: str, labels: dict[str, str], expected: bool
) -> None:
    assert parse_matcher(text).matches(labels) is expected


@given(
    st.lists(st.builds(Matcher, st.text(min_size=1), st.sampled_from(["=", "!="]).map(Operator), st.text()), max_size=3)
)
def test_what_is_written_reads_back(matchers: list[Matcher]) -> None:
    assert parse_matchers(spelled(matchers)) == tuple(matchers)
