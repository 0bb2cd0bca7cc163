"""`lab`. Exit codes: 0 done, 2 could not, 130 interrupted; one line on stderr says why."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rabbitlab.errors import LabError
from rabbitlab.parser import Command, parser
from rabbitlab.state import Store


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    given = parser().parse_args(argv)
    command: Command = given.command
    try:
        return command(given, Store(Path(given.state)))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that `up` cleans up after itself whoever stops it."""
    raise KeyboardInterrupt
