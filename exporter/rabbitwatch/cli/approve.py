"""`rabbitwatch approve`: answer what an agent has asked in a notice.

Exit codes: 0, 1 where it is no question any more or the step was not done, 2 where the agent cannot be asked.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rabbitwatch.cli.ask import DEFAULT_URL, Url
from rabbitwatch.cli.calls import RefusedError
from rabbitwatch.cli.desk import AgentDesk
from rabbitwatch.cli.following import Follower
from rabbitwatch.cli.resync import INTERRUPTED, REFUSED, By, user
from rabbitwatch.logs import escape_controls
from rabbitwatch.model.action import Outcome


def approve(
    approval_id: Annotated[
        str, typer.Argument(metavar="ID", help="As the notice or `rabbitwatch actions list` has it.")
    ],
    decline: Annotated[bool, typer.Option("--decline", help="Say no, instead.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the end of what was approved is seen.")] = False,
    url: Url = DEFAULT_URL,
    by: By = "",
) -> None:
    """Approve a repair that waits for it. All guards are asked again, and any of them can still refuse."""
    desk = AgentDesk(url)
    try:
        answer = desk.answer(approval_id, granted=not decline, by=by or user())
    except RefusedError as error:
        typer.echo(escape_controls(f"rabbitwatch: {error}"), err=True)
        raise typer.Exit(REFUSED) from None
    typer.echo(escape_controls(str(answer["said"])))
    if decline:
        return
    deed = str(answer["deed"])
    if not wait:
        typer.echo(escape_controls(f"What comes of it: rabbitwatch audit --deed {deed}"))
        return
    try:
        outcomes = Follower(desk, lambda line: typer.echo(escape_controls(line))).follow({deed: "what was approved"})
    except KeyboardInterrupt:
        typer.echo(f"Nothing was stopped: the agent follows on; see `rabbitwatch audit --deed {deed}`", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if outcomes[deed] is not Outcome.DONE:
        raise typer.Exit(REFUSED)
