"""Alerts that no receiver hears of, as in an agent without a route, are listed all the same."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from rabbitwatch.web.alertmanager.asking import Wanted


@pytest.mark.parametrize(
    ("query", "receivers", "heard"),
    [
        ("", [], True),
        ("", ["team"], True),
        ("receiver=team", [], False),
        ("receiver=team", ["other", "team"], True),
        ("receiver=te", ["team"], False),
    ],
)
def test_who_is_asked_for(query: str, receivers: list[str], heard: bool) -> None:
    assert Wanted.of(QueryParams(query)).heard(receivers) is heard
