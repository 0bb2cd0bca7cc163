from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rabbitwatch.metrics.text import LabelMemory, chunks, number
from rabbitwatch.model.sample import Block, Family, Kind

FAMILY = Family(
    name="x_bytes", kind=Kind.GAUGE, labels=("a", "b"), help='say "hi" \\ bye\nnow', source="", unit="bytes"
)
# every text that UTF-8 can carry; what it cannot is another test
ANY = st.text(st.characters(exclude_categories=["Cs"]))


def page(block: Block, openmetrics: bool = False) -> str:
    parts = (((c.openmetrics_head if openmetrics else c.text_head) + c.samples) for c in chunks([block], LabelMemory()))
    return b"".join(parts).decode() + ("# EOF\n" if openmetrics else "")


@given(ANY, ANY)
def test_label_values_survive_the_text_format(a: str, b: str) -> None:
    families = list(parse_text(page(Block(FAMILY, [((a, b), 1)]))))
    assert families[0].samples[0].labels == {"a": a, "b": b}


@given(ANY, ANY)
def test_label_values_survive_openmetrics(a: str, b: str) -> None:
    families = list(parse_openmetrics(page(Block(FAMILY, [((a, b), 1)]), openmetrics=True)))
    assert families[0].samples[0].labels == {"a": a, "b": b}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('say "hi"', r"say \"hi\""),
        ("back\\slash", r"back\\slash"),
        ("two\nlines", r"two\nlines"),
        ("\\n is no line", r"\\n is no line"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("🐇", "🐇"),
        ("\ud83d lone", "\ufffd lone"),
        ("x" * 255, "x" * 255),
    ],
)
def test_how_labels_are_written(value: str, written: str) -> None:
    assert f'{{a="{written}",b=""}} 1\n' in page(Block(FAMILY, [((value, ""), 1)]))


@given(st.floats() | st.integers(-(2**63), 2**63))
def test_numbers_come_back(value: float) -> None:
    sample = next(iter(parse_text(page(Block(FAMILY, [(("", ""), value)]))))).samples[0]
    assert float(sample.value) == float(value) or (math.isnan(value) and math.isnan(sample.value))


@pytest.mark.parametrize(
    ("value", "written"),
    [(1, "1"), (True, "1"), (1.0, "1"), (0.25, "0.25"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")],
)
def test_how_numbers_are_written(value: float, written: str) -> None:
    assert number(value) == written


def test_heads() -> None:
    block = Block(FAMILY, [(("", ""), 1)])
    assert page(block).startswith('# HELP x_bytes say "hi" \\\\ bye\\nnow\n# TYPE x_bytes gauge\nx_bytes{')
    head = '# HELP x_bytes say \\"hi\\" \\\\ bye\\nnow\n# TYPE x_bytes gauge\n# UNIT x_bytes bytes\nx_bytes{'
    assert page(block, openmetrics=True).startswith(head)


@pytest.mark.parametrize(
    ("kind", "name", "text_type", "openmetrics_head"),
    [(Kind.INFO, "x_info", "x_info gauge", "x info"), (Kind.COUNTER, "x_total", "x_total counter", "x counter")],
)
def test_names_in_openmetrics_lose_their_suffix(kind: Kind, name: str, text_type: str, openmetrics_head: str) -> None:
    block = Block(Family(name=name, kind=kind, labels=("a",), help="h", source=""), [(("v",), 1)])
    assert f"# TYPE {text_type}\n" in page(block)
    assert f"# TYPE {openmetrics_head}\n" in page(block, openmetrics=True)
    assert f'\n{name}{{a="v"}} 1\n' in page(block, openmetrics=True)


def test_a_family_without_rows_leaves_no_trace() -> None:
    assert page(Block(FAMILY, ())) == ""


def test_the_memory_is_forgotten_when_names_come_and_go() -> None:
    memory = LabelMemory()
    for turn in range(30):
        rows = [((f"{turn}", f"{n}"), 1) for n in range(1000)]
        assert b'a="%d",b="999"' % turn in next(iter(chunks([Block(FAMILY, rows)], memory))).samples
    assert len(memory.texts(FAMILY.labels, 1000)) <= 15_000
