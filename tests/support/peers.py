"""What the other agent of a pair answers."""

from __future__ import annotations

import msgspec

from rabbitwatch.actions.peer import Told
from rabbitwatch.actions.ports import Pause
from rabbitwatch.model.action import Deed


def says(*deeds: Deed, pause: Pause | None = None) -> bytes:
    """These requests and this pause are its own."""
    return msgspec.json.encode({"status": "success", "data": Told.of(deeds, pause)})
