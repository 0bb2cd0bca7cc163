from __future__ import annotations

import pytest

from rabbitwatch.config.patterns import compiled
from rabbitwatch.notify.regex_set import RegexSet

PATTERNS = ["", ".*", "a", "a|b", "a.*", "(?i)A", "(?s).*", ".+\n", "🐇+", "[^a]"]
TEXTS = ["", "a", "b", "ab", "A", "a\nb", "a\n", "🐇🐇", "é"]


@pytest.mark.parametrize("text", TEXTS)
def test_it_finds_what_each_alone_finds(text: str) -> None:
    every = RegexSet(PATTERNS)
    assert every.matching(text) == {each for each in PATTERNS if compiled(each).fullmatch(text)}
    assert every.matching(text) == every.matching(text)


def test_none() -> None:
    assert RegexSet([]).matching("a") == frozenset()


@pytest.mark.parametrize("memory", [1 << 12, 1 << 16, 1 << 18, 1 << 20])
def test_with_too_little_memory_they_are_asked_one_by_one(memory: int) -> None:
    large = [f"(.*{letter}.{{400}}){{2}}.*" for letter in "abcdefghijklmnop"]
    text = "a" + "x" * 400 + "a" + "y" * 400
    assert RegexSet([*large, "a.*"], memory).matching(text) == {large[0], "a.*"}
