"""Generated queries, and the differences that are known, each asked of a real Prometheus and of the agent."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.prometheus.compare import difference, empty
from tests.prometheus.differences import DIFFERENCES, Difference, told
from tests.prometheus.generate import queries
from tests.prometheus.hour import BEGIN, END
from tests.prometheus.server import PROMETHEUS, Prometheus
from tests.unit.web.prometheus.served import Client

SEED = 42
QUERIES = queries(220, SEED)
_ENOUGH = 200

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian package prometheus)"),
]


def requests_of(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """An instant query somewhere in the hour, and a range query over all of it."""
    at = random.Random(query).randrange(BEGIN + 300, END) + 0.321
    yield "/query", {"query": query, "time": f"{at:.3f}"}
    yield "/query_range", {"query": query, "start": f"{BEGIN}.321", "end": f"{END + 400}.321", "step": "167"}


def both(original: Prometheus, agent: Client, path: str, asked: Mapping[str, str]) -> tuple[Any, Any]:
    return original.ask(path, asked), agent.ask(path, dict(asked)).json()


@pytest.fixture(scope="module")
def verdicts(original: Prometheus, agent: Client) -> dict[str, tuple[str, bool, bool]]:
    """By query: in what its answers differ, whether they are errors, whether they are all empty."""
    found = {}
    for query in QUERIES:
        answers = [both(original, agent, path, asked) for path, asked in requests_of(query)]
        differing = [difference(query, theirs, ours) for theirs, ours in answers]
        errors = any(theirs["status"] == "error" for theirs, _ in answers)
        found[query] = next(filter(None, differing), ""), errors, all(empty(theirs) for theirs, _ in answers)
    return found


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_generated(number: int, verdicts: dict[str, tuple[str, bool, bool]]) -> None:
    query = QUERIES[number]
    found = verdicts[query][0]
    known = [each.name for each in DIFFERENCES if each.suspect and re.search(each.suspect, query)]
    if found and known:
        pytest.xfail(f"{query}: {found}: known: {', '.join(known)}")
    assert not found, query


def test_enough_is_equal_and_says_something(verdicts: dict[str, tuple[str, bool, bool]]) -> None:
    equal = [verdict for verdict in verdicts.values() if not verdict[0]]
    assert len(equal) >= _ENOUGH
    assert sum(errors for _, errors, _ in equal) < len(equal) / 20, "too many queries are errors"
    assert sum(nothing for _, _, nothing in equal) < len(equal) / 3, "too many queries find nothing"


def test_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/promql.md").read_text(encoding="utf-8")
    assert [each.name for each in DIFFERENCES if f"| {each.name} |" not in page] == []


@pytest.mark.parametrize("each", DIFFERENCES, ids=[each.name for each in DIFFERENCES])
def test_known_difference(each: Difference, original: Prometheus, agent: Client) -> None:
    asked = {"query": each.query, "time": each.time}
    path = "/query"
    if each.step:
        path, asked = "/query_range", asked | {"start": f"{BEGIN}.321", "end": each.time, "step": each.step}
    theirs, ours = both(original, agent, path, asked)
    assert (told(theirs), told(ours)) == (each.there, each.here)
