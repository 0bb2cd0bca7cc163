"""What the pages need of the agent: answers that are ready, and a way to ask for a reload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rabbitwatch.model.cluster import ClusterState, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One cluster as its last poll left it. state: None before the first and after one that failed; trouble: why it
    failed, "" where it did not. polled: any poll has ended. interval: seconds. sentence: of the last poll."""

    name: str
    interval: float
    polled: bool
    trouble: str
    state: ClusterState | None
    findings: Sequence[Finding]
    sentence: str


class View(Protocol):
    """Read at any time from the event loop: nothing here may wait for a poll, a lock that a poll holds, or a disk."""

    def scrape(self, *, openmetrics: bool, gzipped: bool) -> tuple[bytes, str]:
        """The metrics page as it is now, and its content type."""
        ...

    def unpolled(self) -> Sequence[str]:
        """The clusters whose first poll has not ended yet."""
        ...

    def documents(self) -> Sequence[dict[str, Any]]:
        """The assessed clusters, as `web.clusters.document` makes them; may be called beside the event loop."""
        ...

    def watched(self) -> Sequence[Watched]:
        """Every cluster, in the order of the configuration."""
        ...


class Reload(Protocol):
    """Loads the configuration again, all or nothing; called beside the event loop."""

    def __call__(self) -> None:
        """Raises RabbitwatchError with the whole reason when nothing was changed."""
        ...
