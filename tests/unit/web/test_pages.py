from __future__ import annotations

import pytest

from rabbitwatch.web.pages import plain


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("orders.created", "orders.created"),
        ("two words", "two words"),
        (" ", r"\x20"),
        ("  a b ", r"\x20\x20a b\x20"),
        ("", ""),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("two\nlines", r"two\nlines"),
        ("🐇", "🐇"),
    ],
)
def test_nothing_of_a_name_hides(name: str, shown: str) -> None:
    assert plain(name) == shown
