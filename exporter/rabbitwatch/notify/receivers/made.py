"""The receivers of one configuration, and Slack's connections."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.notify.receivers.base import Integration
from rabbitwatch.notify.receivers.slack.make import SlackSockets


@dataclass(frozen=True, slots=True)
class Receivers:
    """by_name: as receivers/table.py makes them."""

    by_name: Mapping[str, Sequence[Integration]]
    sockets: SlackSockets

    @property
    def all(self) -> list[Integration]:
        """Every integration."""
        return [each for some in self.by_name.values() for each in some]

    def close(self, patience: float = 0.0) -> None:
        """Let what is under way end for that many seconds, all at the same time."""
        self.sockets.close()
        threads = [threading.Thread(target=each.close, args=(patience,), daemon=True) for each in self.all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(patience + 1.0)
