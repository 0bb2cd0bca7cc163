"""What is said to follow from matchers does follow: tried on every label set of a small world."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rabbitwatch.config.logic import contradiction, covered, covers
from rabbitwatch.config.matchers import Matcher, Matchers, Operator, match_all, parse_matchers

VALUES = ("", "x", "y", "xx", "z")
WORLD = [{"a": one, "b": other} for one, other in product(VALUES, VALUES)]

MATCHER = st.builds(
    Matcher,
    st.sampled_from("ab"),
    st.sampled_from(list(Operator)),
    st.sampled_from(["", "x", "y", "x|y", "x|", "(x|y)", "^x$", "x.*", ".+", ".*", "x+"]),
)
MATCHERS = st.lists(MATCHER, max_size=3).map(tuple)


@settings(max_examples=300, deadline=None)
@given(MATCHERS)
def test_what_is_called_a_contradiction_matches_nothing(matchers: Matchers) -> None:
    if contradiction(matchers) is not None:
        assert not [labels for labels in WORLD if match_all(matchers, labels)]


@settings(max_examples=300, deadline=None)
@given(MATCHERS, MATCHERS)
def test_what_is_said_to_cover_covers(general: Matchers, special: Matchers) -> None:
    if covers(general, special):
        assert not [each for each in WORLD if match_all(special, each) and not match_all(general, each)]


@settings(max_examples=300, deadline=None)
@given(st.lists(MATCHERS, max_size=4), MATCHERS)
def test_what_is_said_to_be_taken_by_several_is(others: list[Matchers], special: Matchers) -> None:
    taken = covered(special, others)
    if taken is not None:
        left = [each for each in WORLD if match_all(special, each)]
        assert not [each for each in left if not any(match_all(other, each) for other in taken)]
        assert set(taken) <= set(others)


@pytest.mark.parametrize(
    "text",
    [
        "a=x,a=y",
        "a=x,a!=x",
        "a=x,a=~y|z",
        "a=~x|y,a=~z|w",
        "a=~x.*,a!~x.*",
        "a=x,a!~x|y",
        "a!~.*",
        'a="",a=~.+',
        "a=~x|y,a!=x,a!=y",
    ],
)
def test_contradictions_that_people_write_are_found(text: str) -> None:
    assert contradiction(parse_matchers(text)) is not None


@pytest.mark.parametrize(
    ("general", "special"),
    [
        ("", "a=x"),
        ("a=x", "a=x,b=y"),
        ("a=~x|y", "a=x"),
        ("a=~x|y", "a=~x|y|x"),
        ("a=~.*", ""),
        ("a!=y", "a=~x|z"),
        ('a!=""', "a=~x.+"),
        ("a=~.+", 'a!=""'),
        ("a=~x.*", "a=~xy|xz"),
    ],
)
def test_what_people_shadow_is_found(general: str, special: str) -> None:
    assert covers(parse_matchers(general), parse_matchers(special))


@pytest.mark.parametrize(
    ("general", "special"), [("a=x", ""), ("a=x", "a=~x|y"), ("a=x,b=y", "a=x"), ("a!=x", "b=y"), ("a=~.+", "b=x")]
)
def test_what_may_get_past_is_not_called_covered(general: str, special: str) -> None:
    assert not covers(parse_matchers(general), parse_matchers(special))
