"""Pages that many ask for: rendered once, sent when they changed."""

from __future__ import annotations

import gzip

from starlette.requests import Request

from rabbitwatch.web.kept import FRESH_SECONDS, Kept


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


class Counting:
    def __init__(self) -> None:
        self.calls = 0
        self.text = "<p>one</p>"

    def __call__(self) -> str:
        self.calls += 1
        return self.text


def test_many_who_ask_cost_one_rendering() -> None:
    kept, render = Kept(lambda: 5.0), Counting()
    answers = [kept.answer(request(), "x", render) for _ in range(50)]
    assert render.calls == 1
    assert {bytes(answer.body) for answer in answers} == {b"<p>one</p>"}


def test_it_is_made_anew_after_a_second_and_for_another_question() -> None:
    clock = [5.0]
    kept, render = Kept(lambda: clock[0]), Counting()
    kept.answer(request(), "x", render)
    kept.answer(request(), "y", render)
    clock[0] += FRESH_SECONDS
    kept.answer(request(), "x", render)
    assert render.calls == 3


def test_who_has_it_gets_a_304_until_it_changes() -> None:
    clock = [5.0]
    kept, render = Kept(lambda: clock[0]), Counting()
    tag = kept.answer(request(), "x", render).headers["etag"]
    clock[0] += 2
    again = kept.answer(request(if_none_match=tag), "x", render)
    assert (again.status_code, again.body) == (304, b"")
    render.text = "<p>two</p>"
    clock[0] += 2
    assert kept.answer(request(if_none_match=tag), "x", render).body == b"<p>two</p>"


def test_it_is_packed_for_those_who_can_read_that() -> None:
    kept, render = Kept(), Counting()
    packed = kept.answer(request(accept_encoding="gzip"), "x", render)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(packed.body)) == b"<p>one</p>"


def test_its_memory_is_bounded() -> None:
    kept, render = Kept(lambda: 5.0), Counting()
    for number in range(1000):
        kept.answer(request(), number, render)
    kept.answer(request(), 999, render)
    assert render.calls == 1000
    assert len(kept._bodies) < 100
