"""Takes out alerts that another one explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rabbitwatch.notify.inhibition import Inhibition
from rabbitwatch.notify.stages.stage import Flush


class Inhibit:
    """inhibition: what the alerts that fire now inhibit."""

    def __init__(self, inhibition: Callable[[], Inhibition]) -> None:
        self._inhibition = inhibition

    def __call__(self, flush: Flush) -> Flush:
        """See Stage."""
        inhibition = self._inhibition()
        told = tuple(alert for alert in flush.alerts if not inhibition.inhibited_by(alert.labels))
        return replace(flush, alerts=told)
