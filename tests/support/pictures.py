"""The agent's pages at every size that tests and documentation use, with a picture of each where one is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.chromium import Look, Looking, Scheme

SIZES = {360: (740, 1.0), 1440: (900, 0.6), 1920: (1080, 0.5), 3840: (2160, 0.25)}
"""By the window's width: its height, and how large a picture of it is kept. All of the large ones are about as wide."""
UNSEEN = (360, 1920)
"""The sizes of pages that nobody looks at: what fits both fits between them, and windows of 4K are slow to draw."""
SCHEMES: dict[str, Scheme] = {"wall": "dark"}
"""By the first word of a picture's name; the others are light."""


def folder() -> Path | None:
    """Where pictures are to be kept: what the variable PICTURES names; None where nobody asked for any."""
    named = os.environ.get("PICTURES")
    return Path(named) if named else None


@dataclass(frozen=True, slots=True)
class Shot:
    """A page in a window that is so wide. name: of the picture."""

    name: str
    width: int
    look: Look


class Camera:
    """Opens pages, and keeps pictures of them in a folder where one is given."""

    def __init__(self, looking: Looking, kept_in: Path | None) -> None:
        self._looking = looking
        self._kept_in = kept_in

    def open(self, url: str, width: int = 1440, scheme: Scheme = "light") -> Look:
        """The page in a window that is so wide, at the scale of its picture."""
        height, scale = SIZES[width]
        return self._looking(url, width, height, scheme, device_scale_factor=scale)

    def aim(self, pages: Mapping[str, str]) -> list[Shot]:
        """Each page (its address by the name of its picture) at every size; where no pictures are kept, at two."""
        return [
            Shot(name, width, self.open(url, width, SCHEMES.get(name.partition("-")[0], "light")))
            for name, url in pages.items()
            for width in (SIZES if self._kept_in else UNSEEN)
        ]

    def keep(self, shots: Sequence[Shot], ready: Callable[[Look], object] = lambda look: None) -> None:
        """Keep what they show as NAME-WIDTH.png, and close them; fails where a page is wider than its window, or one of
        its scripts failed. ready: waits until a page shows what it should."""
        for shot in shots:
            ready(shot.look)
            assert shot.look.sideways() == [], f"{shot.name} at {shot.width}: {shot.look.sideways()}"
            assert shot.look.faults == [], f"{shot.name} at {shot.width}: {shot.look.faults}"
            if self._kept_in is not None:
                shot.look.page.screenshot(path=self._kept_in / f"{shot.name}-{shot.width}.png", scale="device")
            shot.look.page.close()

    def shoot(self, pages: Mapping[str, str], ready: Callable[[Look], object] = lambda look: None) -> None:
        """Both at once."""
        self.keep(self.aim(pages), ready)
