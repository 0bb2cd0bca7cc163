"""An entry of the audit as a person reads it: what happened, why, what spoke against it, what was asked and answered.

All of it is put together from rich's Text, with control characters escaped: names and reasons come from outside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rabbitwatch.actions.ports import Entry
from rabbitwatch.cli.table import safe
from rabbitwatch.model.action import Answer, Outcome, Reply

_INDENT = (0, 0, 0, 4)
_LABELS = 8
_GOOD, _BAD, _QUIET = "green", "bold red", "dim"
_OUTCOMES = {
    Outcome.DONE: _GOOD,
    Outcome.REFUSED: "yellow",
    Outcome.STALLED: _BAD,
    Outcome.TIMED_OUT: _BAD,
    Outcome.FAILED: _BAD,
}
_ABSENT = frozenset({"policy", "queue"})
"""Of `before` and `after`: whole objects, null where there is none."""
_EVENTS = {"broken": _BAD, "forged": _BAD, "mended": "yellow"}


def story(entry: Entry) -> RenderableType:
    """A heading and, under it, whatever the entry says."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style=_QUIET, min_width=_LABELS)
    table.add_column(overflow="fold")
    for label, text in _rows(entry):
        table.add_row(label, text)
    return Group(_heading(entry), Padding(table, _INDENT), Text())


def cluster_of(entry: Entry) -> str:
    """Which cluster it is about, "" where it is about none."""
    if entry.step is not None:
        return entry.step.cluster
    return entry.target.cluster if entry.target is not None else entry.cause.labels.get("cluster", "")


def _heading(entry: Entry) -> Text:
    moment = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    heading = Text.assemble(
        (f"#{entry.number}", _QUIET), "  ", moment, "  ", safe(entry.event, _EVENTS.get(entry.event, "bold"))
    )
    if entry.outcome is not None and entry.outcome != entry.event:
        heading.append(": ")
        heading.append(entry.outcome.value, _OUTCOMES.get(entry.outcome, ""))
    return heading


def _rows(entry: Entry) -> Iterator[tuple[str, Text]]:
    alert = f", about alert {entry.cause.alert}" if entry.cause.by and entry.cause.alert else ""
    yield "by", safe(f"{entry.cause}{alert}, agent {entry.agent}")
    if entry.deed:
        yield "deed", safe(entry.deed)
    step = entry.step
    if step is not None:
        yield "plan", safe(f"{step.action} in cluster {step.cluster}: {step.summary}")
        yield "touches", safe(_touched(step.queues, step.messages, step.message_bytes))
        yield "request", safe(f"{step.method} /api/{step.path.removeprefix('/')} {_json(step.body)}".rstrip())
    elif entry.target is not None:
        yield "about", safe(str(entry.target))
    yield from _guards(entry.answers)
    if entry.reply is not None:
        yield "reply", safe(_reply(entry.reply), "" if entry.reply.taken else _BAD)
    before = entry.before if entry.before is not None else (step.before if step is not None else None)
    for label, state in (("before", before), ("after", entry.after)):
        if state:
            yield label, safe(_state(state))
    if entry.text:
        yield "said", safe(entry.text)


def _guards(answers: Sequence[Answer]) -> Iterator[tuple[str, Text]]:
    """Those that refuse with their reasons, and those that do not by name."""
    if not answers:
        return
    for each in answers:
        if each.refused:
            lifted = " (an approval lifts this)" if each.approvable else ""
            yield "refused", Text.assemble(safe(each.guard, "yellow"), ": ", safe(each.refused), lifted)
    silent = [each.guard for each in answers if not each.refused]
    if silent:
        yield f"{len(silent)} allow", safe(", ".join(silent))


def _touched(queues: int | None, messages: int | None, size: int | None) -> str:
    found = [_count(queues, "queue"), _count(messages, "message")]
    return ", ".join(found if size is None else [*found, _count(size, "byte")])


def _count(count: int | None, noun: str) -> str:
    return f"? {noun}s" if count is None else f"{count:,} {noun}{'' if count == 1 else 's'}"


def _reply(reply: Reply) -> str:
    if reply.status is None:
        return f"no answer, and a doubt whether it was heard: {reply.reason}"
    return f"{reply.status} {reply.reason}".rstrip()


def _state(state: Mapping[str, Any]) -> str:
    """In one line; a policy or queue that was not there is `none`, and anything else that is null unknown."""
    words = ((key, value if isinstance(value, str) else _json(value)) for key, value in state.items())
    return ", ".join(f"{key} {'none' if state[key] is None and key in _ABSENT else said}" for key, said in words)


def _json(value: object) -> str:
    if value is None:
        return "?"
    return json.dumps(value, ensure_ascii=False) if value != {} else ""
