"""Takes out alerts that a person has silenced."""

from __future__ import annotations

from dataclasses import replace

from rabbitwatch.notify.ports import Silencing
from rabbitwatch.notify.stages.stage import Flush


class Silence:
    """silencing: which silences are active for a label set at a time."""

    def __init__(self, silencing: Silencing) -> None:
        self._silencing = silencing

    def __call__(self, flush: Flush) -> Flush:
        """See Stage."""
        told = tuple(alert for alert in flush.alerts if not self._silencing(alert.labels, flush.now))
        return replace(flush, alerts=told)
