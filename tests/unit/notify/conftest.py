"""What the tests of the notices' line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.noticeline import Make, World


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Worlds that end with the test."""
    made: list[World] = []

    def one(route: dict[str, Any] | None = None, **more: Any) -> World:
        made.append(World(tmp_path, route, **more))
        return made[-1]

    yield one
    for world in made:
        world.close()
