"""What a person reads of an entry."""

from __future__ import annotations

from rich.console import Console

from rabbitwatch.actions.ports import Entry
from rabbitwatch.cli.audit_story import story
from rabbitwatch.model.action import Cause


def test_what_was_not_there_is_told_from_what_is_unknown() -> None:
    entry = Entry(
        number=1,
        at=0.0,
        agent="a",
        deed="",
        event="ended",
        cause=Cause(source="rule"),
        before={"policy": None},
        after={"leader": None},
    )
    console = Console(width=80)
    with console.capture() as captured:
        console.print(story(entry))
    assert "before    policy none" in captured.get()
    assert "after     leader ?" in captured.get()
