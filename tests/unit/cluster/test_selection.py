from __future__ import annotations

import pytest

from rabbitwatch.cluster.selection import chooser
from rabbitwatch.config.models import QueueSelection, Selection


@pytest.mark.parametrize(
    ("include", "exclude", "name", "kept"),
    [
        ((".*",), (), "anything", True),
        (("master",), (), "master.orders", False),
        (("master\\..*",), (), "master.orders", True),
        (("a", "b"), (), "b", True),
        (("a|b",), ("b",), "b", False),
        ((".*",), ("tmp.*",), "tmp.1", False),
        ((".*",), ("tmp.*",), "not.tmp.1", True),
        (("line.*",), (), "line one\nline two", True),
        (("(?i)ORDERS",), (), "orders", True),
        ((".*",), ("x",), "\ud800", True),
        (("ü+",), (), "üü", True),
    ],
)
def test_regexes_match_whole_names(include: tuple[str, ...], exclude: tuple[str, ...], name: str, kept: bool) -> None:
    assert chooser(Selection(include=include, exclude=exclude)).keeps(name) is kept


def test_a_verdict_is_remembered_between_polls() -> None:
    selection = QueueSelection(include=("m.*",), limit=5)
    assert chooser(selection) is chooser(QueueSelection(include=("m.*",), limit=7))
