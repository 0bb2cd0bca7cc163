"""`rabbitwatch resync`: restore declared policies and have lagging mirrors synchronised, or say why not.

Exit codes: 0 nothing to do, or done, or a plan that no guard refuses; 1 refused or failed; 2 could not look.
"""

from __future__ import annotations

import contextlib
import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from rabbitwatch.cli.ask import DEFAULT_URL, PIPE_WIDTH, AskError, Form, Output, Url
from rabbitwatch.cli.desk import AgentDesk, Desk, Document
from rabbitwatch.cli.following import Follower
from rabbitwatch.cli.ownlook import own_desk
from rabbitwatch.cli.plans import shown
from rabbitwatch.logs import escape_controls
from rabbitwatch.model.action import Outcome

REFUSED = 1
INTERRUPTED = 130

By = Annotated[str, typer.Option("--by", help="Your name in the audit, if no password says who you are.")]


def resync(
    cluster: Annotated[str, typer.Option("--cluster", help="The cluster, as the configuration names it.")],
    vhost: Annotated[str, typer.Option("--vhost", help="Only this vhost.")] = "",
    queue: Annotated[str, typer.Option("--queue", help="Only this queue; needs --vhost.")] = "",
    apply: Annotated[
        bool, typer.Option("--apply", help="Do what no guard refuses, and wait until it is seen.")
    ] = False,
    approve: Annotated[
        list[str] | None,
        typer.Option(
            "--approve", metavar="STEP", help="Lift what a person may lift, of the step so named in the plan."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "--config.file", metavar="FILE", help="Look by itself, without a running agent."),
    ] = None,
    url: Url = DEFAULT_URL,
    by: By = "",
    output: Output = Form.TEXT,
) -> None:
    """Show what restoring policies and synchronising mirrors would do and what speaks against it; do it with --apply.

    A running agent is asked, and goes on without this command: Ctrl-C stops nothing. With --config no agent is needed.
    Exit 0: nothing to do, done, or a plan that no guard refuses; 1: refused or failed; 2: could not look."""
    if queue and not vhost:
        raise typer.BadParameter("--queue needs --vhost: a queue's name is its vhost's own")
    if approve and not apply:
        raise typer.BadParameter("--approve lifts a refusal when something is done: add --apply")
    asked = {
        "cluster": cluster,
        "vhost": vhost,
        "queue": queue,
        "apply": apply,
        "approved": list(approve or ()),
        "by": by or user(),
    }
    with contextlib.nullcontext(AgentDesk(url)) if config is None else own_desk(config, acting=apply) as desk:
        raise typer.Exit(run(desk, asked, output, followed_by="the agent" if config is None else ""))


def run(desk: Desk, asked: Document, output: Form, *, followed_by: str) -> int:
    """The command behind its options; the exit code. followed_by: who goes on when a person has seen enough."""
    as_json = output is Form.JSON
    document = desk.resync(asked)
    if document["unseen"]:
        raise AskError(f"could not look: {document['unseen']}")
    if not as_json:
        console().print(shown(document, asked["approved"]))
    outcomes: Mapping[str, Outcome] = {}
    if asked["apply"]:
        outcomes = _followed(desk, document, as_json=as_json, followed_by=followed_by)
    elif document["steps"] and not as_json:
        typer.echo("\nNothing was done: --apply does what no guard refuses.")
    if as_json:
        whole = {**document, **({"outcomes": dict(outcomes)} if asked["apply"] else {})}
        typer.echo(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode())
    return verdict(document, outcomes, applied=asked["apply"])


def verdict(document: Document, outcomes: Mapping[str, Outcome], *, applied: bool) -> int:
    """The exit code: see the module."""
    if not applied:
        return REFUSED if any(each["refused"] for each in document["steps"]) else 0
    done = sum(1 for outcome in outcomes.values() if outcome is Outcome.DONE)
    return 0 if done == len(document["steps"]) else REFUSED


def _followed(desk: Desk, document: Document, *, as_json: bool, followed_by: str) -> Mapping[str, Outcome]:
    begun = {
        document["begun"][each["digest"]]: each for each in document["steps"] if each["digest"] in document["begun"]
    }

    def tell(line: str) -> None:
        typer.echo(escape_controls(line), err=as_json)

    if document["steps"] and document["said"]:
        tell("")
        tell(document["said"])
    try:
        return Follower(desk, tell).follow({deed: each["summary"] for deed, each in begun.items()})
    except KeyboardInterrupt:
        goes_on = (
            f"{followed_by} follows on and records the end"
            if followed_by
            else "the broker goes on; the next agent or `resync --apply` on this storage looks for the end"
        )
        typer.echo(f"Nothing was stopped: {goes_on}; see `rabbitwatch audit --deed {next(iter(begun))}`", err=True)
        raise typer.Exit(INTERRUPTED) from None


def user() -> str:
    """Who sits at this machine, as far as it knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def console() -> Console:
    """For answers on stdout: wide and plain where nobody looks."""
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, no_color=True)
