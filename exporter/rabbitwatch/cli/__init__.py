"""The commands; `main` is the console script. One file a command or group of commands, one line here for each."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from rabbitwatch import __version__
from rabbitwatch.cli import actions, approve, ask, audit, check, explain, notify, once, resync, rules, run, silence
from rabbitwatch.errors import ConfigFileError, RabbitwatchError
from rabbitwatch.logs import escape_controls

UNUSABLE = 2
"""The exit code of every command that could not do what it was asked."""

_UsageError: Any = typer.BadParameter.__base__  # typer brings a click of its own and shows only this child of it

app = typer.Typer(
    name="rabbitwatch",
    help="Watch RabbitMQ clusters: ask every node, compare the answers, serve metrics and raise alerts.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("once")(once.once)
app.command("query")(ask.query)
app.command("alerts")(ask.alerts)
app.command("explain")(explain.explain_alert)
app.command("resync")(resync.resync)
app.command("approve")(approve.approve)
app.command("audit")(audit.audit)
check.app.command("rules")(rules.check_rules)
app.add_typer(check.app, name="check")
app.add_typer(rules.tests, name="test")
app.add_typer(silence.app, name="silence")
app.add_typer(notify.app, name="notify")
app.add_typer(actions.app, name="actions")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rabbitwatch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code: errors are readable lines on stderr and 2, never a traceback."""
    try:
        code = app(args=arguments, prog_name=app.info.name, standalone_mode=False)
    except ConfigFileError as error:
        _complain(*map(str, error.errors))
        code = UNUSABLE
    except RabbitwatchError as error:
        _complain(f"rabbitwatch: {error}")
        code = UNUSABLE
    except _UsageError as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else app.info.name
        message = error.format_message().replace("Value error, ", "").rstrip(".")
        _complain(f"{command}: {message} (see {command} --help)")
        code = UNUSABLE
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read stdout is gone, such as `head`
        code = 141
    sys.exit(code if isinstance(code, int) else 0)


def _complain(*lines: str) -> None:
    for line in lines:
        print(escape_controls(line), file=sys.stderr)  # noqa: T201 - a command's own output
