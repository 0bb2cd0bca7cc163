"""`make test`: every test, in two runs at the same time.

Tests on real brokers mostly wait, and the others mostly compute, so one run of each takes little longer than the slower
of the two alone. With arguments there is one run, of what they name: `make test ARGS="tests/unit -k queue"`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BROKERS = HERE / "cluster"
"""The tests that wait for brokers; those of the other folders keep a core busy."""
_PYTEST = (sys.executable, "-m", "pytest")


def main() -> int:
    """The worst exit code of the runs."""
    if sys.argv[1:]:
        return subprocess.call([*_PYTEST, *sys.argv[1:]])
    said = HERE.parent / ".cache" / "tests.log"
    said.parent.mkdir(exist_ok=True)
    computing = [str(path) for path in sorted(HERE.iterdir()) if _holds_tests(path) and path != BROKERS]
    with said.open("w") as log:
        aside = subprocess.Popen([*_PYTEST, "-p", "no:cacheprovider", *computing], stdout=log, stderr=log)
        main_run = subprocess.Popen([*_PYTEST, str(BROKERS)])
        codes = _waited([main_run, aside])
    print(f"\n{'=' * 30} all but {BROKERS} {'=' * 30}", flush=True)
    sys.stdout.write(said.read_text(errors="replace"))
    return max(codes, key=abs)


def _holds_tests(path: Path) -> bool:
    return path.is_dir() and any(path.rglob("test_*.py"))


def _waited(runs: list[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes. Whoever stops this waits until each has ended what it started: Ctrl-C has reached the runs too,
    for a terminal sends it to all, so it is not sent again; SIGTERM is handed on."""
    stopped = False
    while True:
        try:
            codes = [run.wait() for run in runs]
        except KeyboardInterrupt:
            stopped = True
        except SystemExit:
            stopped = True
            for run in runs:
                run.send_signal(signal.SIGTERM)
        else:
            return [130] if stopped else codes


def _terminated(*_: object) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main())
