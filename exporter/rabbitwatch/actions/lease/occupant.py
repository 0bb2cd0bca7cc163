"""Who holds the queue of a broker's lease, by the management API.

AMQP tells only that the queue is locked, and each time closes a channel for it and writes an error into the broker's
log. So whoever stands by asks here, and tries AMQP only when the queue seems free. What is heard here is a hint: who
holds the lease is decided by AMQP alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from rabbitwatch.clients.http import Endpoint
from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import CallError

ARGUMENT = "x-rabbitwatch-holder"
"""Of the queue: who has declared it. The broker keeps arguments that it does not know, and shows them."""

_ASK_SECONDS = 2.0
_NOT_FOUND = "status 404"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """free: there is no such queue; None when nobody could tell. holder: who has declared it, "" when not told."""

    free: bool | None
    holder: str = ""


class Occupant:
    """Asks nodes in turn about one queue; one that answers is asked first the next time."""

    def __init__(self, nodes: Sequence[Endpoint], vhost: str, queue: str) -> None:
        self._nodes = list(nodes)
        self._path = f"/api/queues/{quote(vhost, safe='')}/{quote(queue, safe='')}"

    def ask(self) -> Occupancy:
        """Never raises."""
        for node in list(self._nodes):
            try:
                body = node.get(self._path, within=_ASK_SECONDS)
            except CallError as error:
                if _NOT_FOUND in error.reason:
                    return Occupancy(free=True)
                self._nodes.append(self._nodes.pop(0))
                continue
            return Occupancy(free=False, holder=_holder(body))
        return Occupancy(free=None)


def _holder(body: bytes) -> str:
    try:
        told = json.loads(body)["arguments"][ARGUMENT]
    except (ValueError, KeyError, TypeError):
        return ""
    return readable(told) if isinstance(told, str) else ""
