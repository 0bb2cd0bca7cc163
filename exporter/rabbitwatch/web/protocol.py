"""uvicorn's HTTP/1.1 with an end to its patience: a client that sends or reads at a crawl loses its connection.

uvicorn times idle connections between requests only; a client that connects and says nothing, or that never finishes
its headers, would keep a connection for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from rabbitwatch.web.tls import Certificate

HEAD_SECONDS = 10.0
ANSWER_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class PatientProtocol(H11Protocol):
    """One connection. HEAD_SECONDS from the first byte to the end of a request's head, then ANSWER_SECONDS until the
    client has read the answer."""

    head_seconds = HEAD_SECONDS
    answer_seconds = ANSWER_SECONDS
    allowed: Callable[[Certificate], bool] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if self.allowed is not None and tls is not None and not type(self).allowed(tls.getpeercert() or {}):  # type: ignore[misc]
            _log.warning("refused a client whose certificate carries none of client_allowed_sans", client=self.client)
            transport.abort()
            return
        self._arm(self.head_seconds)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_request():
            return
        if self.timeout_keep_alive_task is None and self._deadline is None:
            self._arm(self.head_seconds)

    def handle_events(self) -> None:
        idle = not self._in_request()
        super().handle_events()
        if idle and self._in_request():
            self._arm(self.answer_seconds)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._disarm()
        if self._in_request() or self.transport.is_closing():
            self._arm(self.answer_seconds)  # a pipelined request, or the end waits until this client has read all

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._arm(self.answer_seconds)  # closing waits until all is sent, and this client may never read

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def protocol_for(allowed: Callable[[Certificate], bool] | None) -> type[PatientProtocol]:
    """The protocol class that uvicorn makes one of per connection; `allowed` judges client certificates."""
    return type("Protocol", (PatientProtocol,), {"allowed": staticmethod(allowed) if allowed else None})
