"""One look at clusters, long enough for the slow part: rabbitmq-diagnostics, which a poll does not wait for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from rabbitwatch.agent import Poller
from rabbitwatch.model.observation import ClusterObservation

DIAGNOSTICS_SECONDS = 45.0
"""A round boots some eight Erlang VMs a node, two at a time; the cookies come first, and what is late is unknown."""


class PatientPoller(Poller, Protocol):
    """A poller whose slow part can be waited for; see sources.poll.ClusterPoller."""

    def await_diagnostics(self, within: float) -> bool:
        """Wait until no round is under way; False when `within` seconds were not enough."""
        ...


def look(pollers: Sequence[PatientPoller], *, diagnostics: bool) -> list[ClusterObservation]:
    """One observation of each, in the same order, all at the same time.

    diagnostics: wait for a round of rabbitmq-diagnostics, at most DIAGNOSTICS_SECONDS, and look again with its answers.
    """
    found: dict[int, ClusterObservation] = {}

    def one(index: int, poller: PatientPoller) -> None:
        found[index] = poller.poll()
        if diagnostics:
            poller.await_diagnostics(DIAGNOSTICS_SECONDS)
            found[index] = poller.poll()

    threads = [
        threading.Thread(target=one, args=(index, poller), daemon=True)  # so that Ctrl-C ends it whatever hangs
        for index, poller in enumerate(pollers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[index] for index in range(len(pollers))]
