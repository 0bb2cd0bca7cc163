"""A plan as a person reads it: what would be done, which guards refuse it, what is left alone, and how much it touches.

Put together from rich's Text, with control characters escaped: names come from a broker's clients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rabbitwatch.cli.desk import Document
from rabbitwatch.cli.table import plain_table, safe

MOST_SKIPPED = 20
_INDENT = (0, 0, 0, 2)


def shown(document: Document, approved: Sequence[str] = ()) -> RenderableType:
    """A plan. approved: digests that the person has given already."""
    return Group(*_parts(document, approved))


def reach(document: Document) -> str:
    """What the plan is about, such as `cluster orders, vhost /`."""
    named = [f"{what} {document[what]}" for what in ("cluster", "vhost", "queue", "policy") if document[what]]
    return ", ".join(named)


def _parts(document: Document, approved: Sequence[str]) -> Iterator[RenderableType]:
    steps = document["steps"]
    if not steps:
        yield safe(f"{reach(document)}: nothing to do: {document['nothing'] or 'there is no step'}")
    else:
        free = sum(1 for each in steps if not each["refused"])
        most = "at most " if document["at_most"] else ""
        touched = f"touching {most}{_count(document['queues'], 'queue')} and {_count(document['messages'], 'message')}"
        yield safe(f"{reach(document)}: {_count(len(steps), 'step')}, {touched}; guards refuse {len(steps) - free}")
        yield Padding(_steps(steps, approved), _INDENT)
    if document["text"]:
        yield safe(document["text"])
    if document["skipped"]:
        yield Text("Left alone:")
        yield Padding(_skipped(document["skipped"]), _INDENT)


def _steps(steps: Sequence[Document], approved: Sequence[str]) -> Table:
    table = plain_table("", "STEP", "QUEUES", "MESSAGES", "GUARDS", right=("QUEUES", "MESSAGES"))
    for column in (1, 4):
        table.columns[column].ratio = 1
    for number, step in enumerate(steps, start=1):
        cells = (_count(step["queues"]), _count(step["messages"]))
        table.add_row(str(number), safe(step["summary"]), *cells, _guards(step, step["digest"] in approved))
    return table


def _guards(step: Document, approved: bool) -> Text:
    """Each that refuses with its reason; those that pass are counted."""
    guards = step["guards"]
    refusing = [each for each in guards if each["refused"]]
    found = Text()
    for each in refusing:
        found.append_text(safe(each["guard"], "bold yellow")).append_text(safe(f": {each['refused']}")).append("\n")
    unknown = [each["guard"] for each in guards if each.get("unknown")]
    passed = len(guards) - len(refusing) - len(unknown)
    found.append(f"{passed} of {len(guards)} pass" if guards else "no guard was asked", "" if refusing else "green")
    if unknown:
        found.append(f"\nunknown without an agent's history: {', '.join(unknown)}", "yellow")
    if refusing and step["approvable"] and not approved:
        found.append(f"\na person may lift this: --approve {step['digest']}")
    return found


def _skipped(skipped: Sequence[Document]) -> RenderableType:
    table = plain_table("OBJECT", "WHY")
    for each in skipped[:MOST_SKIPPED]:
        table.add_row(safe(each["object"]), safe(each["why"]))
    rest = len(skipped) - MOST_SKIPPED
    return Group(table, Text(f"and {rest} more (-o json shows all)")) if rest > 0 else table


def _count(count: Any, noun: str = "") -> str:
    number = "?" if count is None else f"{count:,}"
    return f"{number} {noun}{'' if count == 1 else 's'}" if noun else number
