"""The examples of docs/templates.md are true, and its list of functions is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rabbitwatch.alerting.templates import Template, TemplateData, TemplateSample
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.errors import TemplateError

DOCUMENT = (Path(__file__).parents[4] / "docs" / "templates.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[tuple[str, str]]:
    section = DOCUMENT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| `(.*)` \| (`.*`) \|$", section, flags=re.MULTILINE)
    return [(left.replace("\\|", "|"), _code(right).replace("\\|", "|")) for left, right in cells]


def _code(cell: str) -> str:
    return cell[2:-2].strip() if cell.startswith("``") else cell[1:-1]


EXAMPLES = _rows("Examples")
REFUSED = _rows("What is refused when the rules are loaded")


def _query(expression: str) -> list[TemplateSample]:
    found = {"rabbit@r1": 0.42, "rabbit@r2": 0.93} if expression == "memory" else {}
    return [TemplateSample({"node": node}, value) for node, value in found.items()]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 15
    assert len(REFUSED) >= 8


@pytest.mark.parametrize(("text", "expected"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_an_example_gives_what_the_page_says(text: str, expected: str) -> None:
    data = TemplateData(labels={"cluster": "orders", "vhost": "/", "queue": "bills"}, value=1234567.0, query=_query)
    assert Template.parse("x", text).render(data) == (expected, None)


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text for text, _ in REFUSED])
def test_a_refusal_reads_as_the_page_says(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse("x", text)
    assert str(caught.value).startswith(f"{message} (at line 1, column ")


def test_the_page_lists_all_functions() -> None:
    listed = re.findall(r"Functions of \w+: ([^.]*)\.", DOCUMENT)
    assert sorted(re.split(r",\s+", ", ".join(listed))) == sorted(FUNCTIONS)
