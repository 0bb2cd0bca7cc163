"""Takes the pictures of docs/pages.md: `python -m tests.pictures.pages` (needs Debian's chromium).

The pages are the agent's own, over the made-up clusters of tests/browser/scenes.py, at the sizes that the tests use.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.browser.scenes import SCENES
from tests.browser.stage import busy_now, staged
from tests.support.chromium import Looking, Scheme, chromium

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
STATES = ("split", "healthy", "lagging", "many", "hostile", "stopped")
SIZES = {360: (360, 740, 1.0), 1440: (1440, 900, 0.6), 1920: (1920, 1080, 0.5), 3840: (3840, 2160, 0.25)}
"""Width and height of the window, and how large a picture of it is kept: all of the large ones are about as wide."""
PAGES = {"wall": "/wall", "status": "/"}
_GONE_SECONDS = 120.0


def take(looking: Looking, page: str, state: str) -> None:
    """All sizes of one page in one state."""
    for width, (_, height, kept) in SIZES.items():
        with staged(SCENES["healthy" if state == "stopped" else state](time.time()), busy_now()) as served:
            scheme: Scheme = "dark" if page == "wall" else "light"
            look = looking(served.url + PAGES[page], width, height, scheme, device_scale_factor=kept)
            if state == "stopped":
                look.deaf = True
                served.server.stop()
                look.until("() => document.body.classList.contains('past')", _GONE_SECONDS, "the page is of the past")
            look.page.screenshot(path=IMAGES / f"{page}-{state}-{width}.png", scale="device")
            looking.close()


def main() -> None:
    """Those that the arguments name, such as `wall split`; all without any."""
    pages = [name for name in PAGES if name in sys.argv[1:]] or list(PAGES)
    states = [name for name in STATES if name in sys.argv[1:]] or list(STATES)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        looking = Looking(browser)
        for page in pages:
            for state in states:
                take(looking, page, state)


if __name__ == "__main__":
    main()
