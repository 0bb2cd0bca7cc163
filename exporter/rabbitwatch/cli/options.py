"""The options that several commands share, in the spelling of Prometheus' own programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rabbitwatch.logs import LogFormat, LogLevel

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "--config.file",
        metavar="FILE",
        help="The configuration file; without one: watch http://localhost:15672 as guest and discover the rest.",
    ),
]
Level = Annotated[LogLevel, typer.Option("--log.level", help="The least severe messages to log.")]
Style = Annotated[
    LogFormat, typer.Option("--log.format", help="How to log: auto is human on a terminal and json otherwise.")
]
