"""`python -m tests.soak`: exit code 0 passed, 1 failed, 2 could not be run to its end. Needs root."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.soak.run import soak
from tests.soak.world import SoakError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=5, help="of the faults (default 5)")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no round begins (default 60)")
    parser.add_argument("--out", type=Path, required=True, help="folder for record.json, summary.txt and the logs")
    parser.add_argument("--no-agent", action="store_true", help="two clusters without one: to try the harness")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, so that both clusters are ended
    begun = time.monotonic()

    def told(text: str) -> None:
        print(f"soak {time.monotonic() - begun:7.1f}s  {text}", file=sys.stderr, flush=True)

    with ExitStack() as ending:
        try:
            verdict, text = soak(
                given.out.absolute(), given.seed, given.minutes * 60, told, ending, with_agent=not given.no_agent
            )
        except SoakError as error:
            told(f"could not go on: {error}")
            return 2
    print(text)
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
