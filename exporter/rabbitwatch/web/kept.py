"""Pages that many browsers ask for again and again: rendered at most once a second, and sent only when they changed."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from rabbitwatch.web.negotiation import wants_gzip

FRESH_SECONDS = 1.0
_ROOM = 64


@dataclass(frozen=True, slots=True)
class _Body:
    at: float
    etag: str
    plain: bytes
    packed: bytes


class Kept:
    """The bodies of the last second by what they are about; the oldest goes when there is no room. For any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._bodies: OrderedDict[Hashable, _Body] = OrderedDict()

    def answer(self, request: Request, about: Hashable, render: Callable[[], str]) -> Response:
        """An HTML page, or a 304 for who has it already. render: makes it, where it is not fresh."""
        body = self._body(about, render)
        headers = {"etag": body.etag, "cache-control": "no-cache", "vary": "Accept-Encoding"}
        if body.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if wants_gzip(request.headers.get("accept-encoding", "")):
            return Response(body.packed, media_type="text/html", headers={**headers, "content-encoding": "gzip"})
        return Response(body.plain, media_type="text/html", headers=headers)

    def _body(self, about: Hashable, render: Callable[[], str]) -> _Body:
        with self._lock:  # one renders, the others wait for it: that is cheaper than rendering twice
            now = self._clock()
            found = self._bodies.get(about)
            if found is None or now - found.at >= FRESH_SECONDS:
                plain = render().encode()
                tag = hashlib.sha256(plain).hexdigest()[:24]
                packed = found.packed if found and found.etag == f'"{tag}"' else gzip.compress(plain, 5, mtime=0)
                found = self._bodies[about] = _Body(now, f'"{tag}"', plain, packed)
                self._bodies.move_to_end(about)
                while len(self._bodies) > _ROOM:
                    self._bodies.popitem(last=False)
            return found
