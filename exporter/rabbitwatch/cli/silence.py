"""`rabbitwatch silence`: make, list and end silences in a running agent. Flags are amtool's.

Exit codes: 0, 1 where the agent refuses, 2 where the command cannot be understood or the agent not be asked.
"""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rabbitwatch.cli.api_v2 import RefusedError, call
from rabbitwatch.cli.ask import DEFAULT_URL, PIPE_WIDTH, Url
from rabbitwatch.cli.table import safe
from rabbitwatch.config.durations import parse_duration
from rabbitwatch.config.matchers import Matcher, Matchers, Operator
from rabbitwatch.logs import escape_controls
from rabbitwatch.web.alertmanager.asking import parsed
from rabbitwatch.web.alertmanager.documents import matcher as matcher_document
from rabbitwatch.web.alertmanager.documents import moment
from rabbitwatch.web.alertmanager.drafts import OPERATORS

REFUSED = 1

app = typer.Typer(help="Make, list and end silences in a running agent.", no_args_is_help=True)


class SilenceForm(StrEnum):
    """How to print silences."""

    TEXT = "text"
    JSON = "json"
    ID = "id"


_Filter = Annotated[
    list[str] | None,
    typer.Argument(metavar="MATCHER", help="Such as queue=~'orders.*'; a first word without = is an alertname."),
]


@app.command("add")
def add(
    matchers: _Filter = None,
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why; required.")] = "",
    author: Annotated[str, typer.Option("--author", "-a", help="Who asks for it; without it: your user name.")] = "",
    duration: Annotated[str, typer.Option("--duration", "-d", help="For how long, such as 30m, 2h, 1d.")] = "1h",
    start: Annotated[str, typer.Option("--start", "-s", help="From when on, in RFC 3339; now without it.")] = "",
    end: Annotated[str, typer.Option("--end", "-e", help="Until when, in RFC 3339; goes before --duration.")] = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Silence what all matchers match; prints the id of the silence."""
    wanted = _matchers(matchers or ())
    if not wanted:
        _misused("name at least one matcher, such as alertname=RabbitMQQueueDeep")
    if not comment.strip():
        _misused("--comment is missing: whoever finds this silence wants to know why")
    starts_at = _moment("--start", start) if start else time.time()
    body = {
        "matchers": [matcher_document(each) for each in wanted],
        "startsAt": moment(starts_at),
        "endsAt": moment(_moment("--end", end) if end else starts_at + _seconds(duration)),
        "createdBy": author or _user(),
        "comment": comment,
    }
    with _refusals():
        typer.echo(call(url, "POST", "/silences", body)["silenceID"])


@app.command("list")
@app.command("query", hidden=True)
def listed(
    matchers: _Filter = None,
    expired: Annotated[bool, typer.Option("--expired", help="Those that have ended, instead of the others.")] = False,
    created_by: Annotated[str, typer.Option("--created-by", help="Those of this author.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the ids only.")] = False,
    output: Annotated[SilenceForm, typer.Option("--output", "-o", help="What to print.")] = SilenceForm.TEXT,
    url: Url = DEFAULT_URL,
) -> None:
    """List silences, those that have these matchers where any are given."""
    params = [("filter", str(each)) for each in _matchers(matchers or ())]
    with _refusals():
        every = call(url, "GET", "/silences", params=params)
    found = [
        each
        for each in every
        if (each["status"]["state"] == "expired") is expired and created_by in {"", each["createdBy"]}
    ]
    if output is SilenceForm.JSON and not quiet:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif quiet or output is SilenceForm.ID:
        for each in found:
            typer.echo(escape_controls(each["id"]))
    elif found:
        console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, no_color=True)
        console.print(_table(found))
    else:
        typer.echo("No silence has ended lately." if expired else "Nothing is silenced.")


@app.command("expire")
def expire(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="The ids that `silence list -q` prints.")],
    url: Url = DEFAULT_URL,
) -> None:
    """End silences now; goes on with the others where one cannot be ended."""
    refused = 0
    for each in ids:
        try:
            call(url, "DELETE", f"/silence/{quote(each, safe='')}")
        except RefusedError as error:
            _complain(error)
            refused += 1
    if refused:
        raise typer.Exit(REFUSED)


class _refusals:  # noqa: N801 - reads like the verb
    """Turns a refusal into its line on stderr and the exit code."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, RefusedError):
            _complain(error)
            raise typer.Exit(REFUSED) from None


def _complain(error: Exception) -> None:
    typer.echo(escape_controls(f"rabbitwatch: {error}"), err=True)


def _misused(why: str) -> NoReturn:
    raise typer.BadParameter(why)


def _matchers(texts: Sequence[str]) -> Matchers:
    """As amtool reads its arguments."""
    found: list[Matcher] = []
    for index, text in enumerate(texts):
        if index == 0 and text and not set(text) & set("=!~{}\"'"):
            found.append(Matcher("alertname", Operator.EQUAL, text))
            continue
        try:
            found.extend(parsed(text))
        except ValueError as error:
            _misused(str(error))
    return tuple(found)


def _moment(option: str, text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        _misused(f"{option}: {text!r} is no time; write it like 2026-05-01T12:00:00Z")
    if found.tzinfo is None:
        _misused(f"{option}: {text!r} lacks its time zone; write Z at its end for UTC, or +02:00")
    return found.timestamp()


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        _misused(f"--duration: {error}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _table(found: Sequence[dict[str, Any]]) -> Table:
    table = Table("ID", "Matchers", "State", "Starts", "Ends", "Author", "Comment", box=SIMPLE_HEAD)
    table.columns[0].no_wrap = True
    for each in found:
        conditions = " ".join(
            str(Matcher(m["name"], OPERATORS[m["isRegex"], m["isEqual"]], m["value"])) for m in each["matchers"]
        )
        cells = (
            each["id"],
            conditions,
            each["status"]["state"],
            _shown_moment(each["startsAt"]),
            _shown_moment(each["endsAt"]),
            each["createdBy"],
            each["comment"],
        )
        table.add_row(*map(safe, cells))
    return table


def _shown_moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
