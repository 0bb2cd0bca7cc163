"""`python -m rabbitwatch` is `rabbitwatch`."""

from __future__ import annotations

from rabbitwatch.cli import main

if __name__ == "__main__":
    main()
