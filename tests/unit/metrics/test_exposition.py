from __future__ import annotations

import gzip

import pytest

from rabbitwatch.metrics.exposition import Page
from rabbitwatch.model.sample import Block, Family, Kind

FAMILY = Family(name="x", kind=Kind.GAUGE, labels=("a",), help="h", source="")
BLOCKS = [Block(FAMILY, [(("v",), 1)])]


class Own:
    """Counts how often each format was rendered."""

    def __init__(self) -> None:
        self.rendered: list[bool] = []

    def __call__(self, openmetrics: bool) -> bytes:
        self.rendered.append(openmetrics)
        return b"own 1\n# EOF\n" if openmetrics else b"own 1\n"


@pytest.mark.parametrize(
    ("openmetrics", "content_type", "end"),
    [
        (False, "text/plain; version=0.0.4; charset=utf-8", b"own 1\n"),
        (True, "application/openmetrics-text; version=1.0.0; charset=utf-8", b"own 1\n# EOF\n"),
    ],
)
def test_both_formats_in_both_encodings(openmetrics: bool, content_type: str, end: bytes) -> None:
    page = Page(BLOCKS, Own())
    plain, told = page.scrape(openmetrics=openmetrics, gzipped=False)
    packed, told_packed = page.scrape(openmetrics=openmetrics, gzipped=True)
    assert told == told_packed == content_type
    assert plain.endswith(b'x{a="v"} 1\n' + end)
    assert gzip.decompress(packed) == plain


def test_a_page_is_the_same_bytes_however_often_it_is_asked() -> None:
    own = Own()
    page = Page(BLOCKS, own)
    first, _ = page.scrape(openmetrics=True, gzipped=True)
    assert page.scrape(openmetrics=True, gzipped=True)[0] is first
    assert own.rendered == [False, True], "once per poll and format, not per scrape"


def test_what_was_asked_of_a_page_is_prepared_in_the_next() -> None:
    first = Page(BLOCKS)
    first.scrape(openmetrics=False, gzipped=True)
    second = Page(BLOCKS, before=first)
    assert set(second._bodies) == {(False, True)}
    third = Page(BLOCKS, before=second)
    assert not third._bodies, "nobody asked the second"


def test_before_the_first_poll_the_page_is_the_agent_itself() -> None:
    assert Page([], Own()).scrape(openmetrics=False, gzipped=False)[0] == b"own 1\n"
    assert Page([]).scrape(openmetrics=True, gzipped=False)[0] == b"# EOF\n"
