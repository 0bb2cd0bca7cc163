"""Alertmanager's table of needsUpdate (notify/notify_test.go), and the order in which reasons are looked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rabbitwatch.model.notice import Reason
from rabbitwatch.notify.ports import Entry
from rabbitwatch.notify.stages.dedup import needs_update

NOW = 1_000_000.0
REPEAT = 3600.0
LONG_AGO, LATELY = NOW - REPEAT - 1, NOW - REPEAT


def told(firing: str = "", resolved: str = "", sent_at: float = LATELY) -> Entry:
    return Entry(
        integration="i",
        group_key="g",
        firing=frozenset(firing),
        resolved=frozenset(resolved),
        sent_at=sent_at,
        reason=Reason.FIRST,
    )


@pytest.mark.parametrize(
    ("entry", "firing", "resolved", "send_resolved", "reason"),
    [
        (None, "a", "", True, Reason.FIRST),
        (None, "a", "b", True, Reason.FIRST),
        (None, "", "", True, None),
        (None, "", "a", True, None),
        (told("a"), "ab", "", True, Reason.NEW),
        (told("ab"), "bc", "a", True, Reason.NEW),
        (told("ab"), "a", "", True, None),
        (told("ab"), "a", "b", True, Reason.SOME_RESOLVED),
        (told("ab"), "a", "b", False, None),
        (told("a", "b"), "a", "b", True, None),
        (told("a", "b"), "a", "c", True, Reason.SOME_RESOLVED),
        (told("a"), "", "a", True, Reason.ALL_RESOLVED),
        (told("a"), "", "a", False, Reason.ALL_RESOLVED),
        (told("", "a"), "", "a", True, None),
        (told("", "a"), "", "ab", True, None),
        (told("", "a", LONG_AGO), "", "a", True, None),
        (told("", "a"), "a", "", True, Reason.NEW),
        (told("a", sent_at=LONG_AGO), "a", "", True, Reason.REPEAT),
        (told("a", sent_at=LONG_AGO), "ab", "", True, Reason.NEW),
        (told("ab", sent_at=LONG_AGO), "a", "b", True, Reason.SOME_RESOLVED),
        (told("ab", sent_at=LONG_AGO), "a", "b", False, Reason.REPEAT),
        (replace(told("a"), origin="the peer"), "a", "", True, None),
    ],
)
def test_why_a_notice_is_due(
    entry: Entry | None, firing: str, resolved: str, send_resolved: bool, reason: Reason | None
) -> None:
    found = needs_update(
        entry,
        frozenset(firing),
        frozenset(resolved),
        send_resolved=send_resolved,
        repeat_interval=REPEAT,
        now=NOW,
    )
    assert found is reason
