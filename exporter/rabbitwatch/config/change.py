"""A new configuration takes effect as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rabbitwatch.config.loading import Loaded


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Change:
    """What a part of the program has got ready. commit makes it take effect and cannot fail; abandon lets go of it."""

    commit: Callable[[], None]
    abandon: Callable[[], None] = _nothing


Prepare = Callable[[Loaded], Change]
"""Gets a part ready for a configuration: raises RabbitwatchError where it cannot be used, and changes nothing."""


def apply(loaded: Loaded, parts: Sequence[Prepare]) -> None:
    """Let every part take `loaded` over. When one of them refuses, none does, and its error is raised."""
    ready: list[Change] = []
    try:
        ready.extend(prepare(loaded) for prepare in parts)
    except BaseException:
        for change in ready:
            change.abandon()
        raise
    for change in ready:
        change.commit()
