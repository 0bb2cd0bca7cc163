from __future__ import annotations

import pytest
from tests.unit.cluster.build import ABC, A, B, C, heard, missed, node, sees

from rabbitwatch.cluster.cookies import cookies, file_differs

GOOD, BAD, WORSE = "Z29vZA==", "YmFk", "d29yc2U="


@pytest.mark.parametrize(
    ("hashes", "groups", "mismatch"),
    [
        ({A: GOOD, B: GOOD, C: GOOD}, 1, {A: False, B: False, C: False}),
        ({A: GOOD, B: GOOD, C: BAD}, 2, {A: False, B: False, C: True}),
        ({A: GOOD, B: BAD, C: WORSE}, 3, {A: True, B: True, C: True}),
        ({A: GOOD, C: BAD}, 2, {A: True, C: True}),
        ({A: GOOD, B: GOOD}, 1, {A: False, B: False}),
        ({A: GOOD}, None, {}),
        ({}, None, {}),
    ],
)
def test_who_differs(hashes: dict[str, str], groups: int | None, mismatch: dict[str, bool]) -> None:
    nodes = [node(n, sees(ABC), cookie_hash=heard(hashes[n]) if n in hashes else missed()) for n in ABC]
    found = cookies(nodes, members=3)
    assert (found.groups, found.mismatch) == (groups, mismatch)


def test_a_cluster_of_one_agrees_with_itself() -> None:
    found = cookies([node(A, sees([A], [A]), cookie_hash=heard(GOOD))], members=1)
    assert (found.groups, found.mismatch) == (1, {A: False})


def test_the_cookie_file_stands_in_where_diagnostics_did_not_answer() -> None:
    nodes = [
        node(A, sees(ABC), cookie_hash=heard(GOOD)),
        node(B, sees(ABC), cookie_hash=missed(), cookie_file_hash=heard(GOOD)),
        node(C, sees(ABC), cookie_file_hash=heard(BAD)),
    ]
    assert cookies(nodes, members=3).mismatch == {A: False, B: False, C: True}


@pytest.mark.parametrize(("in_file", "expected"), [(heard(GOOD), False), (heard(BAD), True), (missed(), None)])
def test_a_cookie_file_that_was_changed_under_a_running_node(in_file: object, expected: bool | None) -> None:
    assert file_differs(node(A, sees(ABC), cookie_hash=heard(GOOD), cookie_file_hash=in_file)) is expected
