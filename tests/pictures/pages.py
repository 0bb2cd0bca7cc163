"""Takes the pictures that no lab can show, of an agent with many clusters: `python -m tests.pictures.pages`.

The pages are the agent's own, over made-up clusters (tests/browser/scenes.py). The other pictures of docs/pages.md show
a real cluster: `PICTURES=docs/images pytest tests/cluster/pages`, as root. Both need Debian's chromium.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.browser.scenes import many
from tests.browser.stage import busy_now, staged
from tests.support.chromium import Looking, chromium
from tests.support.pictures import Camera

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        camera = Camera(Looking(browser), IMAGES)
        with staged(many(time.time()), busy_now()) as served:
            camera.shoot({"status-many": f"{served.url}/", "wall-many": f"{served.url}/wall"})


if __name__ == "__main__":
    main()
