"""`rabbitwatch run`: the agent until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rabbitwatch.cli.options import ConfigFile, Level, Style
from rabbitwatch.cli.service import Options, Service, leave
from rabbitwatch.logs import LogFormat, LogLevel, configure
from rabbitwatch.redaction import Redactor


def run(
    config: ConfigFile = None,
    listen: Annotated[
        str | None,
        typer.Option("--web.listen-address", metavar="HOST:PORT", help="Where to listen, instead of web.listen."),
    ] = None,
    web_file: Annotated[
        Path | None,
        typer.Option(
            "--web.config.file",
            metavar="FILE",
            help="TLS and basic auth, in the format of Prometheus' exporter toolkit; instead of web.config_file.",
        ),
    ] = None,
    level: Level = LogLevel.INFO,
    style: Style = LogFormat.AUTO,
) -> None:
    """Watch, serve and alert until SIGTERM or SIGINT; SIGHUP loads the configuration again."""
    redactor = Redactor()
    configure(level, style, redact=redactor)
    Service(Options(config=config, listen=listen, web_file=web_file), redactor).run()
    leave()
