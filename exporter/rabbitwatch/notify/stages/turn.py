"""A pair of agents: the second lets the first go ahead, and each looks what the other has told before it tells."""

from __future__ import annotations

from dataclasses import dataclass

from rabbitwatch.notify.peer import Peer
from rabbitwatch.notify.stages.stage import Flush, Later

_SOON = 0.1
"""Seconds until the peer's answer is looked for."""
_LATER = 0.5
"""Seconds until a peer that is telling is asked again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Holds a flush back until it is this agent's turn and the peer was asked since.

    What the peer has sent is in the delivery log by then, where the dedup stage finds it. The first asks too: it may
    have been away while the second was telling. A peer that does not answer holds nothing up.
    """

    peer: Peer

    def __call__(self, flush: Flush) -> Flush | Later:
        turn = flush.due + self.peer.delay
        if flush.now < turn:
            return Later(turn)
        if not self.peer.settled_since(turn):
            return Later(flush.now + _SOON)
        if flush.now < turn + self.peer.config.wait and self.peer.busy_with(flush.group_key, flush.now):
            self.peer.settled_since(flush.now)  # so that it is asked again
            return Later(flush.now + _LATER)
        return flush
