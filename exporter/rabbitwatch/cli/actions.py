"""`rabbitwatch actions`: what repairs may do and do, and the switch that stops them all.

Exit codes: 0, 1 where the agent refuses, 2 where it cannot be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rabbitwatch.cli.ask import DEFAULT_URL, Form, Output, Url
from rabbitwatch.cli.calls import RefusedError
from rabbitwatch.cli.desk import AgentDesk, Document
from rabbitwatch.cli.plans import reach
from rabbitwatch.cli.resync import REFUSED, By, console, user
from rabbitwatch.cli.table import plain_table, safe
from rabbitwatch.config.durations import format_duration
from rabbitwatch.logs import escape_controls

_INDENT = (0, 0, 0, 2)

app = typer.Typer(help="Look at repairs in a running agent, stop them and let them go on.", no_args_is_help=True)


@app.command("list")
def listed(url: Url = DEFAULT_URL, output: Output = Form.TEXT) -> None:
    """List bindings, what waits for an approval, what is under way, and whether this agent may act."""
    found = _unless_refused(AgentDesk(url).overview)
    if output is Form.JSON:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    console().print(Group(*_parts(found)))


@app.command("pause")
def pause(url: Url = DEFAULT_URL, by: By = "") -> None:
    """Let nothing act any more, also after a restart. What was requested goes on and is followed to its end."""
    _switch(url, "pause", by)


@app.command("resume")
def resume(url: Url = DEFAULT_URL, by: By = "") -> None:
    """Let act again what the bindings allow."""
    _switch(url, "resume", by)


def _switch(url: str, to: str, by: str) -> None:
    paused = _unless_refused(lambda: AgentDesk(url).switch(to, by or user()))
    typer.echo(escape_controls(_paused(paused)))
    if paused and to == "resume":
        raise typer.Exit(REFUSED)


def _paused(paused: str) -> str:
    return f"Nothing may act: {paused}" if paused else "Not paused: what the bindings allow may act."


def _unless_refused(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except RefusedError as error:
        typer.echo(escape_controls(f"rabbitwatch: {error}"), err=True)
        raise typer.Exit(REFUSED) from None


def _parts(found: Document) -> Iterator[RenderableType]:
    yield safe(_paused(found["paused"]), "bold red" if found["paused"] else "")
    for cluster, why in found["leases"].items():
        yield safe(f"Cluster {cluster}: {f'this agent may not act: {why}' if why else 'this agent holds the lease'}")
    if found.get("peer_unknown"):
        yield safe(f"What the other agent of the pair has done lately is not known: {found['peer_unknown']}", "yellow")
    for title, rows, table in (
        ("Bindings", found["bindings"], _bindings),
        ("Waiting for an approval", found["approvals"], _approvals),
        ("Under way", found["open"], _under_way),
    ):
        yield Text(f"\n{title}", "bold")
        yield Padding(table(rows) if rows else Text("none"), _INDENT)


def _bindings(rows: list[Document]) -> Table:
    table = plain_table("MATCHERS", "ACTION", "MODE", "COOLDOWN", "PER HOUR", "FIRING")
    for each in rows:
        firing = [f"{one['alert']} ({reach(one)})" for one in each["firing"]]
        table.add_row(
            _several(each["matchers"]),
            each["action"],
            Text(each["mode"], "yellow" if each["mode"] in {"approve", "auto"} else ""),
            format_duration(each["cooldown"]),
            str(each["max_per_hour"]),
            _several(firing) if firing else Text("-"),
        )
    return table


def _approvals(rows: list[Document]) -> Table:
    table = plain_table("ID", "WHAT", "BECAUSE OF", "UNTIL")
    table.columns[0].no_wrap = True
    for each in rows:
        cells = (
            each.get("id", "(only for those who may answer)"),
            f"{each['cluster']}: {each['summary']}",
            _cause(each["cause"]),
            _moment(each["expires_at"]),
        )
        table.add_row(*map(safe, cells))
    return table


def _under_way(rows: list[Document]) -> Table:
    table = plain_table("DEED", "WHAT", "HOW FAR", "SINCE", "BECAUSE OF")
    for each in rows:
        step, progress = each["step"], each["progress"]
        cells = (
            each["deed"],
            f"{step['cluster']}: {step['summary']}" if step else "?",
            progress["text"] if progress else "not looked at yet",
            _moment(each["at"]),
            _cause(each["cause"]),
        )
        table.add_row(*map(safe, cells))
    return table


def _several(texts: list[str]) -> Text:
    return Text("\n").join(safe(each) for each in texts)


def _cause(cause: Document) -> str:
    who = cause["by"] or (f"alert {cause['alert']}" if cause["alert"] else "nobody")
    return f"{who} ({cause['source']})"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
