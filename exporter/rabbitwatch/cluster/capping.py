"""Which queues get series of their own.

All unhealthy queues, and of the others the deepest: at most `limit`. A queue that was shown stays for as long as it
holds at least four fifths of what the shallowest of the deepest holds, in a tenth of room beyond the limit, so that
two queues of nearly the same depth do not take turns and leave gaps in both their series. Equal depths go by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice, takewhile

from rabbitwatch.model.cluster import QueueState

_STAYS = 0.8
_ROOM = 10


def shown(
    queues: Sequence[QueueState], limit: int, before: Collection[tuple[str, str, str]] = frozenset()
) -> tuple[QueueState, ...]:
    """The queues to show, in the order given. before: the labels of those that were shown in the last poll."""
    if len(queues) <= limit:
        return tuple(queues)
    depths = [queue.messages or 0 for queue in queues]
    by_depth = sorted(range(len(queues)), key=depths.__getitem__, reverse=True)
    chosen = set(by_depth[:limit])
    if limit:
        enough = _STAYS * depths[by_depth[limit - 1]]
        close = takewhile(lambda place: depths[place] >= enough, by_depth[limit:])
        staying = (place for place in close if queues[place].labels in before)
        chosen.update(islice(staying, limit // _ROOM))
    return tuple([queue for place, queue in enumerate(queues) if place in chosen or queue.unhealthy])
