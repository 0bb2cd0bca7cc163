from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.clients.wording import capped, readable


@given(st.text(max_size=400), st.integers(min_value=1, max_value=300))
def test_a_readable_text_is_one_printable_line_within_its_limit(text: str, limit: int) -> None:
    shown = readable(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain ünd 🐇", "plain ünd 🐇"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("\u2028", "\\u2028")],
)
def test_only_what_is_unprintable_is_escaped(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_flaws_beyond_the_cap_are_counted() -> None:
    lines = [f"flaw {n}" for n in range(50)]
    assert capped(lines[:20]) == tuple(lines[:20])
    assert capped(lines) == (*lines[:19], "and 31 more of this kind")
