"""The parser's traps, each closed: what would crash, panic or be refused by mistake."""

from __future__ import annotations

import contextlib
import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.nodes import Edge, Number, Selector, Text
from rabbitwatch.promql.parse import parse


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "1" + ")" * 100_000,
        "(" * 30_000 + "1" + ")" * 30_000,
        "(" * 60_000,
        "1" + "+1" * 30_000,
        "x" + "^x" * 30_000,
        "-" * 60_000 + "x",
        "abs(" * 10_000,
        "x" + " or x" * 10_000,
        "x" + "[1m:]" * 10_000,
        "x" + " @ -1" * 10_000,
        '"' * 60_001,
    ],
)
def test_deep_or_long_expressions_are_refused_at_once(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert time.monotonic() - start < 1
    assert len(str(caught.value)) < 400


def test_as_deep_as_allowed_is_parsed_in_a_thread() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(parse("abs(" * 99 + "x" + ")" * 99)))
    thread.start()
    thread.join()
    assert len(found) == 1


def test_commas_start_a_new_chain() -> None:
    parse("sum by (" + ",".join(f"l{i}" for i in range(500)) + ") (x)")
    parse("label_join(x, 'a', '-', " + ", ".join(f"'{i}'" for i in range(500)) + ")")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\n\t\"\\"', 'a\n\t"\\'),
        (r"'it\'s'", "it's"),
        (r"`raw \d \w+ \n`", r"raw \d \w+ \n"),
        ("`two\nlines`", "two\nlines"),
        (r'"\xc3\xa9 \u00e9 \U0001F600 \101"', "é é 😀 A"),
        (r'"\xff"', "\udcff"),
        ('"# no comment"', "# no comment"),
    ],
)
def test_strings_are_read_as_go_reads_them(text: str, value: str) -> None:
    root = parse(text).root
    assert isinstance(root, Text)
    assert root.value == value


@pytest.mark.parametrize("text", [r'"\Q"', r'"\d"', r'"\400"', r'"\'"'])
def test_escapes_that_go_refuses_are_refused(text: str) -> None:
    with pytest.raises(QueryError, match="unknown escape sequence"):
        parse(text)


@pytest.mark.parametrize(("text", "at"), [("x @ -1", -1000), ("x @ -1.5", -1500), ("x @ - 2m", -120_000), ("x @ 0", 0)])
def test_negative_times_do_not_panic(text: str, at: int) -> None:
    root = parse(text).root
    assert isinstance(root, Selector)
    assert root.shift.at == at


def test_at_start_and_end() -> None:
    root = parse("x @ end() offset 5m").root
    assert isinstance(root, Selector)
    assert (root.shift.at, root.shift.offset_ms) == (Edge.END, 300_000)


@pytest.mark.parametrize("text", ["x @ 1e30", "x @ -1e30", "x @ NaN", "x @ Inf"])
def test_times_out_of_bounds_are_errors(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


def test_regular_expressions_are_re2s() -> None:
    root = parse(r"x{a=~`\Qa.b\E|\pN`}").root
    assert isinstance(root, Selector)
    assert root.matchers[1].matches("a.b")
    assert not root.matchers[1].matches("axb")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "vector selector must contain at least one non-empty matcher"),
        ('{a=""}', "vector selector must contain at least one non-empty matcher"),
        ('{a=~".*"}', "vector selector must contain at least one non-empty matcher"),
        ('{a!="b"}', "vector selector must contain at least one non-empty matcher"),
        ('x{__name__="y"}', "metric name must not be set twice: 'x' or 'y'"),
        ('x{a=~"("}', 'invalid regular expression "("'),
        ('x{a="1" or b="2"}', "'or' between label matchers is not PromQL"),
        ("sum(1)", "expected type vector in aggregation expression, got scalar"),
        ("1 > 2", "comparisons between scalars must use BOOL modifier"),
        ("rate(x)", "expected type matrix in call to function 'rate', got vector"),
        ("info(x)", "info() is not supported"),
        ("histogram_avg(x)", "native histograms"),
        ("histogram_quantiles(x, 'q', 0.5)", "ask histogram_quantile() once for each quantile"),
        ("nofunc(x)", "unknown function with name 'nofunc'"),
        ("x[5m] anchored", "does not know the modifier 'anchored'"),
        ("", "no expression found in input"),
    ],
)
def test_wrong_expressions_have_clear_errors(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=re.escape(message)):
        parse(text)


def test_errors_name_the_expression() -> None:
    with pytest.raises(QueryError, match=r"in the expression sum\(rate\(x\)"):
        parse("sum(rate(x)")


def test_negative_literals_are_folded() -> None:
    root = parse("-(2)").root
    assert isinstance(root, Number)
    assert root.value == -2


@given(st.text(alphabet="x1()[]{}\"'`\\,+-*/^=~!<>@: \n#abynosum5mé", max_size=60))
def test_no_text_raises_anything_but_a_query_error(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse(text)
