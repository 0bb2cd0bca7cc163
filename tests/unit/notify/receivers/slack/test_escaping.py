"""Whatever a queue is called, Slack shows its name and does nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.notify.receivers.slack.escaping import code, cut_markup, line, link, prose, when

HOSTILE = st.text(st.sampled_from("ab1 *_~`<>&|!@#:+-/.\n\r\t\u202e\u2028\x1b\x00é") | st.characters(), max_size=60)
WORDS = st.lists(
    st.sampled_from(
        [
            "<!channel>",
            "<@U1>",
            "<https://e.example|x>",
            "@here",
            "*b*",
            "_i_",
            "~s~",
            "`c`",
            "```",
            ":fire:",
            "\n>",
            "a_b",
        ]
    ),
    max_size=8,
).map(" ".join)
ENTITY = re.compile(r"&(?:amp|lt|gt);")
MARKUP = re.compile(
    r"[<>*~`]"
    r"|(?<![0-9A-Za-z_])_|_(?![0-9A-Za-z_])"
    r"|:[\w+'-]+:"
    r"|(?<![0-9A-Za-z])@(?:here|channel|everyone)\b"
    r"|^\s*&gt;"
    r"|://|[\x00-\x09\x0b-\x1f\u202a-\u202e\u2028\u2029]",
    re.MULTILINE,
)


@given(HOSTILE | WORDS)
def test_prose_holds_no_markup(text: str) -> None:
    shown = prose(text, 10_000)
    assert not MARKUP.search(shown)
    assert "&" not in ENTITY.sub("", shown)


@given(HOSTILE | WORDS)
def test_a_code_span_is_one_line_and_cannot_be_left(text: str) -> None:
    shown = code(text, 10_000)
    inner = shown[1:-1]
    assert shown[0] == shown[-1] == "`"
    assert inner
    assert not re.search(r"[<>`\n\r\u2028\x00]", inner)
    assert "&" not in ENTITY.sub("", inner)


@given(HOSTILE | WORDS, st.integers(5, 80))
def test_what_is_cut_is_within_its_limit_and_whole(text: str, limit: int) -> None:
    shown = prose(text, limit)
    assert len(shown) <= limit
    assert not MARKUP.search(shown)
    assert "&" not in ENTITY.sub("", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders_events.v2", "orders_events.v2"),
        ("rabbit@node-1 has 5 < 7 & more", "rabbit@node-1 has 5 &lt; 7 &amp; more"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("*all is well*", "\u2217all is well\u2217"),
        ("_x_ a__b", "ˍxˍ a__b"),
        (":white_check_mark:", "\ua789white_check_mark:"),
        ("@here and a@here", "\uff20here and a@here"),
        ("a\n> b", "a\n\u203a b"),
        ("see https://e.example/x", "see https:\u2060//e.example/x"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("  padded\n", "padded"),
    ],
)
def test_prose_keeps_its_look(text: str, shown: str) -> None:
    assert prose(text, 1000) == shown


def test_a_line_is_one() -> None:
    assert line("a\n\n b\tc", 100) == "a b c"


def test_long_text_ends_in_an_ellipsis() -> None:
    assert prose("a" * 50, 10) == "a" * 9 + "…"
    assert prose("a" * 10, 10) == "a" * 10
    assert prose("&" * 50, 12) == "&amp;&amp;…"


def test_names_can_be_copied() -> None:
    assert code("*a_b* <x> @here :fire: https://e.example") == "`*a_b* &lt;x&gt; @here :fire: https://e.example`"
    assert code("a`b") == "`a\u02cbb`"
    assert code("") == '`""`'


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://e.example/a?b=c&d=e", "<https://e.example/a?b=c&amp;d=e|Runbook>"),
        ("https://e.example/a|b>c<d e", "<https://e.example/a%7Cb%3Ec%3Cd%20e|Runbook>"),
        ("javascript:alert(1)", ""),
        ("slack://user?id=U1", ""),
        ("https://", ""),
        ("https://[broken", ""),
        ("", ""),
        ("https://e.example/" + "a" * 3000, ""),
    ],
)
def test_links_lead_to_web_pages_only(url: str, made: str) -> None:
    assert link(url, "Runbook") == made


def test_times_are_the_readers() -> None:
    assert when(1_790_000_000.7) == "<!date^1790000000^{date_short_pretty} {time}|2026-09-21 14:13 UTC>"


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 10, "short"),
        ("see <https://e.example|there> now", 15, "see …"),
        ("a `code span` b", 8, "a …"),
        ("one &amp; two", 8, "one …"),
        ("plain words", 6, "plain…"),
    ],
)
def test_markup_is_cut_where_nothing_is_torn(text: str, limit: int, cut: str) -> None:
    assert cut_markup(text, limit) == cut
    assert len(cut) <= limit
