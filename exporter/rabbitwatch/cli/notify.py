"""`rabbitwatch notify test`: does a notice arrive. Exit 0: everywhere, 1: not everywhere, 2: could not try."""

from __future__ import annotations

import difflib
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated

import typer

from rabbitwatch.cli.options import ConfigFile, Level, Style
from rabbitwatch.config.loading import Loaded, load
from rabbitwatch.errors import ConfigError
from rabbitwatch.logs import LogFormat, LogLevel, configure, escape_controls
from rabbitwatch.model.notice import Notice, Reason
from rabbitwatch.notification import external_url
from rabbitwatch.notify.receivers.base import Ending, Integration, Outcome
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import of_receivers
from rabbitwatch.notify.texts.samples import sample
from rabbitwatch.redaction import Redactor

GROUP_KEY = '{}/{rabbitwatch="notify test"}:{}'
"""No route makes this one: what is told here neither opens nor ends anything of a real group."""

_AT_ONCE = 16

app = typer.Typer(help="Try how people are told.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("test")
def send_sample(
    config: ConfigFile = None,
    receiver: Annotated[
        str | None, typer.Option("--receiver", metavar="NAME", help="Only this receiver; all of them without it.")
    ] = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Tell the sample's end: closes what was opened at PagerDuty before.")
    ] = False,
    level: Level = LogLevel.ERROR,
    style: Style = LogFormat.AUTO,
) -> None:
    """Send a sample, marked as one, to every entry of every receiver, past routes, silences and queues.

    Nothing of it is kept. Exit 0: all have taken it, 1: one has not, 2: could not try."""
    redactor = Redactor()
    configure(level, style, redact=redactor)
    loaded = load(config)
    redactor.know(loaded.secrets)
    chosen = _chosen(loaded, receiver)
    lines, good = tried(chosen, lambda name: _sample(name, loaded, resolved=resolved))
    for line in lines:
        typer.echo(escape_controls(line))
    raise typer.Exit(0 if good else 1)


def tried(
    chosen: Sequence[tuple[str, Sequence[Integration]]],
    make: Callable[[str], Notice],
    clock: Callable[[], float] = time.monotonic,
) -> tuple[list[str], bool]:
    """A line for each integration of these receivers, and whether none has failed; many are tried at a time."""

    def one(name: str, integration: Integration) -> tuple[str, bool]:
        notice = make(name)
        if notice.status == "resolved" and not integration.send_resolved:
            return f"{integration.key}: not sent: its send_resolved is false", True
        began = clock()
        outcome = integration.once(notice, uuid.uuid4().hex)
        return f"{integration.key}: {_said(outcome)} ({clock() - began:.2f} s)", outcome.ending is Ending.SENT

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        rows = [(name, [threads.submit(one, name, each) for each in some]) for name, some in chosen]
        results = [
            result
            for name, some in rows
            for result in ([each.result() for each in some] or [(f"{name}: tells nobody", True)])
        ]
    return [line for line, _ in results], all(good for _, good in results)


def _said(outcome: Outcome) -> str:
    return "ok" if outcome.ending is Ending.SENT else f"failed: {outcome.why}"


def _chosen(loaded: Loaded, receiver: str | None) -> Sequence[tuple[str, Sequence[Integration]]]:
    config = loaded.config
    names = [each.name for each in config.receivers]
    if not names:
        raise ConfigError("no receiver is configured: add receivers and a route that names one")
    if receiver is not None and receiver not in names:
        near = difflib.get_close_matches(receiver, names, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        raise typer.BadParameter(f"no receiver is called {receiver!r}: {meant}")
    tools = Tools(texts=of_receivers(config.receivers, config.notify, loaded.places))
    made = integrations(config.receivers, tools, places=loaded.places)
    return [(name, some) for name, some in made.items() if receiver in (None, name)]


def _sample(receiver: str, loaded: Loaded, *, resolved: bool) -> Notice:
    now = time.time()
    notice = sample(receiver, now)
    notice = replace(
        notice,
        group_key=GROUP_KEY,
        group_labels={"alertname": notice.alerts[0].name},  # what a button would silence
        external_url=external_url(loaded),
    )
    if not resolved:
        return notice
    alerts = [replace(alert, ends_at=now) for alert in notice.alerts]
    return replace(notice, alerts=alerts, reason=Reason.ALL_RESOLVED)
