"""`python -m dashboards.build` writes the files; with `--check` it says which are not current, and exits with 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dashboards.build.table import files

HERE = Path(__file__).resolve().parent.parent


def main() -> int:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file is not current")
    check = options.parse_args().check
    stale = []
    for name, content in files().items():
        path = HERE / name
        if path.exists() and path.read_text() == content:
            continue
        stale.append(name)
        if not check:
            path.write_text(content)
    for name in stale:
        print(f"{name}: {'not current: run python -m dashboards.build' if check else 'written'}")  # noqa: T201
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
