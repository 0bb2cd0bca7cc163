"""`python -m tests.conformance.run [-v] [FILE ...]`: Prometheus' own test files, run against the engine.

Prints a line for each file, `FILE passed/total`, and what was left out, by reason. Ends with 1 where a case fails, with
2 where a file cannot be read. The files are those of PROMQLTEST_DIR; where that folder is absent, it says so and ends
with 0.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from tests.conformance.check import Outcome, Verdict, check_file

DEFAULT_DIR = Path(__file__).resolve().parents[2].parent / "shared" / "promqltest"


def folder() -> Path:
    """Where the files are."""
    return Path(os.environ.get("PROMQLTEST_DIR") or DEFAULT_DIR)


def files() -> list[Path]:
    """The promqltest files, none where the folder is absent."""
    return sorted(folder().glob("*.test"))


def why_none() -> str:
    """Why there are no files to run."""
    return f"no *.test files in {folder()}: set PROMQLTEST_DIR to a copy of Prometheus' promql/promqltest/testdata"


def _report(path: Path, verdicts: list[Verdict], verbose: bool) -> bool:
    """Print one file's result; whether nothing failed."""
    run = [v for v in verdicts if v.outcome is not Outcome.LEFT_OUT]
    failed = [v for v in run if v.outcome is Outcome.FAILED]
    print(f"{path.name} {len(run) - len(failed)}/{len(run)}")
    for verdict in failed:
        print(f"    FAILED {path.name}:{verdict.line}: {verdict.expr}\n        {verdict.reason}")
    left_out = [v for v in verdicts if v.outcome is Outcome.LEFT_OUT]
    for reason, count in Counter(v.reason for v in left_out).most_common():
        print(f"    left out {count}: {reason}")
        for verdict in left_out if verbose else ():
            if verdict.reason == reason:
                print(f"        {path.name}:{verdict.line}: {verdict.expr}")
    return not failed


def main(arguments: list[str]) -> int:
    """Run the given files, or all."""
    verbose = "-v" in arguments
    paths = [Path(a) for a in arguments if a != "-v"] or files()
    if not paths:
        print(f"skipped: {why_none()}")
        return 0
    good = True
    for path in paths:
        try:
            verdicts = list(check_file(path.read_text()))
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 2
        good = _report(path, verdicts, verbose) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
