"""`rabbitwatch audit`: what was planned, refused and done, from a running agent or from the audit's file; and whether
that record is whole.

Exit codes: 0, 1 where the record is not whole, 2 where nobody could look.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console

from rabbitwatch.actions.audit_file import read_lines
from rabbitwatch.actions.chain import Verdict, differences, mark, verified
from rabbitwatch.actions.ports import Entry
from rabbitwatch.actions.record import document, entry_of, line_of
from rabbitwatch.cli.ask import DEFAULT_URL, PIPE_WIDTH, AskError, Form, Output, Url, ask, shown
from rabbitwatch.cli.audit_story import cluster_of, story
from rabbitwatch.config.durations import parse_duration
from rabbitwatch.logs import escape_controls

BROKEN = 1
PAGE = 1000

Lines = Iterable[tuple[int, str]]
Ask = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to show."""

    cluster: str
    deed: str
    since: float
    limit: int

    def has(self, entry: Entry) -> bool:
        return (
            (not self.cluster or cluster_of(entry) == self.cluster)
            and (not self.deed or entry.deed == self.deed)
            and entry.at >= self.since
        )


class Served:
    """The record as a running agent serves it."""

    def __init__(self, url: str, asking: Ask = ask) -> None:
        self.name = shown(url)
        self._url = url
        self._ask = asking

    def last(self) -> int:
        """The newest entry's number; 0 where there is none."""
        return int(self._page(after=0, limit=1)["last"])

    def lines(self) -> Iterator[tuple[int, str]]:
        """All, as the chain has them."""
        after = 0
        while served := self._page(after=after, limit=PAGE)["entries"]:
            for each in served:
                after = _number(each, after)
                yield after, _line(each)

    def newest(self, wanted: Wanted) -> list[Entry]:
        """The last ones that are wanted, oldest first: looked for from the end."""
        found: list[Entry] = []
        until = self.last()
        while until > 0 and len(found) < wanted.limit:
            begin = max(0, until - PAGE)
            page = self._page(after=begin, limit=PAGE, cluster=wanted.cluster, deed=wanted.deed)["entries"]
            entries = [entry for each in page if (entry := _entry(_line(each))) is not None and entry.number <= until]
            found = [entry for entry in entries if wanted.has(entry)] + found
            if entries and entries[0].at < wanted.since:
                break
            until = begin
        return found[-wanted.limit :]

    def _page(self, **parameters: str | int) -> Any:
        query = urlencode({key: value for key, value in parameters.items() if value != ""})
        data = self._ask(self._url, f"/api/v1/actions/audit?{query}")
        if not isinstance(data, dict) or not {"last", "entries"} <= data.keys():
            raise AskError(f"{self.name}: answers without an audit: is it a rabbitwatch of this version?")
        return data


def audit(
    context: typer.Context,
    url: Url = DEFAULT_URL,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Read this file instead of asking an agent.")
    ] = None,
    cluster: Annotated[str, typer.Option("--cluster", help="Only of this cluster.")] = "",
    deed: Annotated[str, typer.Option("--deed", help="Only of this step.")] = "",
    since: Annotated[str, typer.Option("--since", help="Not older than this: 2h, 7d, or a time in RFC 3339.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many entries, the newest.")] = 20,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check the whole chain; of FILE and the agent where --file and --url are given."),
    ] = False,
    output: Output = Form.TEXT,
) -> None:
    """Show what was planned, refused and done, or check that nothing is missing from it."""
    served = Served(url)
    if verify:
        if cluster or deed or since:
            raise typer.BadParameter("--verify looks at the whole chain: leave out --cluster, --deed and --since")
        source = context.get_parameter_source("url")
        named = source is not None and source.name == "COMMANDLINE"
        verdicts = _verdicts(file, served if named or file is None else None)
        _tell(verdicts, output)
        if not all(verdict.sound for _, verdict in verdicts):
            raise typer.Exit(BROKEN)
        return
    wanted = Wanted(cluster, deed, _since(since), limit)
    _show(served.newest(wanted) if file is None else _of_file(file, wanted), output)


def _verdicts(file: Path | None, served: Served | None) -> list[tuple[str, Verdict]]:
    """What is told of each copy, and of the two beside each other."""
    found: list[tuple[str, Verdict]] = []
    of_agent = list(served.lines()) if served else []
    if served:
        found.append((served.name, verified(served.name, of_agent, row="entry")))
    if file is None:
        return found
    of_file = list(read_lines(file))  # after the agent's, for an entry is in the file first
    found.append((str(file), verified(str(file), of_file)))
    if served:
        newest, known = served.last(), max((number for number, _ in of_agent), default=0)
        # what the agent wrote while it was asked is no difference
        mine = {n: m for n, m in _marks(of_file).items() if n <= known or n > newest}
        between = differences(str(file), mine, served.name, _marks(of_agent))
        found.append(("both", Verdict(len(mine), found[0][1].head, tuple(between))))
    return found


def _marks(lines: Lines) -> dict[int, bytes]:
    return {entry.number: mark(text) for _, text in lines if (entry := _entry(text)) is not None}


def _tell(verdicts: list[tuple[str, Verdict]], output: Form) -> None:
    if output is Form.JSON:
        told = [
            {
                "copy": name,
                "sound": verdict.sound,
                "entries": verdict.entries,
                "head": {"number": verdict.head.number, "hash": verdict.head.hash},
                "problems": list(verdict.problems),
            }
            for name, verdict in verdicts
        ]
        typer.echo(json.dumps(told, indent=2))
        return
    for name, verdict in verdicts:
        if verdict.sound and name == "both":
            typer.echo("both say the same")
        elif verdict.sound:
            typer.echo(escape_controls(f"{name}: sound, {_count(verdict.entries)}; the head is {verdict.head}"))
        for problem in verdict.problems:
            typer.echo(escape_controls(f"BROKEN {problem}"))


def _of_file(file: Path, wanted: Wanted) -> list[Entry]:
    found: deque[Entry] = deque(maxlen=wanted.limit)
    for number, text in read_lines(file):
        entry = _entry(text)
        if entry is None:
            typer.echo(escape_controls(f"{file}, line {number}: cannot be read as an entry; see --verify"), err=True)
        elif wanted.has(entry):
            found.append(entry)
    return list(found)


def _show(entries: list[Entry], output: Form) -> None:
    if output is Form.JSON:
        typer.echo(json.dumps([document(each) for each in entries], indent=2))
        return
    if not entries:
        typer.echo("Nothing of that is on record.")
        return
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, no_color=True)
    for each in entries:
        console.print(story(each))


def _since(text: str) -> float:
    if not text:
        return 0.0
    try:
        return time.time() - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--since: {text!r} is neither like 2h nor like 2026-05-01T12:00:00Z") from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"--since: {text!r} lacks its time zone; write Z at its end for UTC, or +02:00")
    return moment.timestamp()


def _line(served: object) -> str:
    """What cannot be a line is told as it is, and found to be none."""
    try:
        return line_of(served) if isinstance(served, dict) else json.dumps(served)
    except ValueError:
        return json.dumps(served)


def _number(served: object, after: int) -> int:
    number = served.get("number") if isinstance(served, dict) else None
    if not isinstance(number, int) or number <= after:
        raise AskError(f"the agent serves an entry out of order after number {after}; is it a rabbitwatch?")
    return number


def _entry(text: str) -> Entry | None:
    try:
        return entry_of(text)
    except ValueError:
        return None


def _count(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"
