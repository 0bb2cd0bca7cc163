"""Run a short command to its end, and say what it said when it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from rabbitlab.errors import LabError


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 60.0, feed: str = "") -> str:
    """The command's standard output. Raises LabError with its last words when it fails, hangs or does not exist."""
    try:
        done = subprocess.run(  # the argument list is the lab's own; never a shell
            argv, env=env, input=feed, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
        )
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(argv[:4])} gave no answer in {timeout:g} s") from None
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise LabError(f"{' '.join(argv[:6])} failed with exit code {done.returncode}: {words[-1]}")
    return done.stdout


def quietly(argv: Sequence[str], timeout: float = 30.0) -> None:
    """Run a command whose failure means that there was nothing to do (deleting what is gone already)."""
    try:
        run(argv, timeout=timeout)
    except LabError:
        return
