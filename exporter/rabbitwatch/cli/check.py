"""`rabbitwatch check …`: is a file fit for use. Exit 0 when it is, 2 when it is not."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from starlette.responses import PlainTextResponse

from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.loading import load, summary
from rabbitwatch.evaluation import rules_of, unheard
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import of_receivers
from rabbitwatch.remediation import bound_to_rules
from rabbitwatch.web.server import entrance

app = typer.Typer(help="Say whether files are fit for use.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("config")
def config(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Configuration files.")],
    web_file: Annotated[
        Path | None, typer.Option("--web.config.file", metavar="FILE", help="The web configuration file to check too.")
    ] = None,
) -> None:
    """Load configuration files with all that they name, and say what is wrong with them, or what they watch."""
    for file in files:
        loaded = load(file, web_file=web_file)
        entrance(PlainTextResponse(), loaded.web)  # loads the certificates
        texts = of_receivers(loaded.config.receivers, loaded.config.notify, loaded.places)  # tries the templates
        made = integrations(loaded.config.receivers, Tools(texts=texts), places=loaded.places)
        for integration in chain.from_iterable(made.values()):
            integration.close()
        rules = rules_of(loaded.config, known_families())
        unheard_of, unraised = unheard(loaded.config, rules), bound_to_rules(loaded, rules)
        typer.echo(f"{file}: OK: {summary(loaded)}")
        for warning in (*loaded.warnings, *filter(None, [unheard_of]), *unraised):
            print(f"{file}: warning: {warning}", file=sys.stderr)  # noqa: T201 - a command's own output
