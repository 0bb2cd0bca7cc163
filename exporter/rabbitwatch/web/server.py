"""The HTTP server: one listening socket for the life of the process, and uvicorn behind it in a thread of its own.

What web.yml decides (certificates, users, headers) is fixed in a generation of uvicorn servers. When it changes, a new
generation starts on the same socket and the old one ends: no request is refused in between, and connections that are
open are answered before they are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from rabbitwatch.config.addresses import parse_listen
from rabbitwatch.config.webfile import WebFile
from rabbitwatch.errors import ConfigError, RabbitwatchError
from rabbitwatch.web.middleware import (
    DEFAULT_HEADERS,
    Authenticated,
    BodyLimited,
    Certified,
    RateLimited,
    ResponseHeaders,
)
from rabbitwatch.web.passwords import Passwords
from rabbitwatch.web.protocol import PatientProtocol, protocol_for
from rabbitwatch.web.tls import allowed_client, server_context

KEEP_ALIVE_SECONDS = 75  # longer than a usual scrape interval, so that Prometheus need not connect anew each time
GRACE_SECONDS = 1
REPLACED_GRACE_SECONDS = 30
MAX_CONNECTIONS = 500
BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Entrance:
    """What web.yml decides, ready to use: the TLS context (None: plain HTTP), the protocol, the guarded application."""

    app: ASGIApp
    tls: ssl.SSLContext | None
    protocol: type[PatientProtocol]


def entrance(app: ASGIApp, web: WebFile | None) -> Entrance:
    """`app` behind what `web` asks for; ConfigError when a certificate cannot be used. Changes nothing."""
    guarded: ASGIApp = BodyLimited(app)
    headers = dict(DEFAULT_HEADERS)
    if web is None:
        return Entrance(ResponseHeaders(guarded, headers), None, protocol_for(None))
    tls = web.tls_server_config
    if tls and tls.client_auth_type == "RequireAndVerifyClientCert":
        guarded = Certified(guarded)
    if web.basic_auth_users:
        users = {user: digest.get_secret_value() for user, digest in web.basic_auth_users.items()}
        guarded = Authenticated(guarded, Passwords(users))
    if web.rate_limit.interval > 0:
        guarded = RateLimited(guarded, web.rate_limit.interval, web.rate_limit.burst)
    return Entrance(
        ResponseHeaders(guarded, headers | web.http_server_config.headers.lines()),
        server_context(tls) if tls else None,
        protocol_for(allowed_client(tls) if tls and tls.client_allowed_sans else None),
    )


def listen(address: str) -> socket.socket:
    """A listening socket; ConfigError in one line when the address is taken, not ours, or needs more rights."""
    host, port = parse_listen(address)
    try:
        if host is None and socket.has_dualstack_ipv6():
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        family = socket.AF_INET6 if host and ":" in host else socket.AF_INET
        return socket.create_server((host or "0.0.0.0", port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise ConfigError(f"web.listen: cannot listen on {address}: {reason}") from None


class HttpServer:
    """Serves an application until it is stopped. Owns the socket."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._generation: _Generation | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, also when the configuration said 0."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self, first: Entrance, timeout: float = 10.0) -> None:
        """Serve; returns once connections are accepted."""
        self._thread.start()
        self._call(self._replace(first)).result(timeout)

    def replace(self, new: Entrance, timeout: float = 10.0) -> None:
        """Let `new` take over; returns once it has. What had been accepted before is still answered."""
        self._call(self._replace(new)).result(timeout)

    def stop(self, timeout: float = GRACE_SECONDS + 0.5) -> None:
        """Answer what was asked, for at most GRACE_SECONDS, and end."""
        if self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                self._call(self._end()).result(timeout)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(0.2)
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _replace(self, new: Entrance) -> None:
        old = self._generation
        generation = _Generation(new, self._socket.dup())
        await generation.begin()
        self._generation = generation
        if old is not None:  # not awaited: the request that asked for this may be one of those it still answers
            self._ending = asyncio.create_task(old.end(REPLACED_GRACE_SECONDS))

    async def _end(self) -> None:
        if self._generation is not None:
            await self._generation.end(GRACE_SECONDS)


class _Generation:
    """One uvicorn server on its own copy of the listening socket."""

    def __init__(self, made: Entrance, listening: socket.socket) -> None:
        tls = made.tls
        config = uvicorn.Config(
            made.app,
            http=made.protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=MAX_CONNECTIONS,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        )
        self._server = uvicorn.Server(config)
        self._socket = listening
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Accept connections; RabbitwatchError when uvicorn gives up."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                raise RabbitwatchError(f"the HTTP server did not start: {self._task.exception()}")
            await asyncio.sleep(0.01)

    async def end(self, grace: int) -> None:
        """Accept no more, and give what is open `grace` seconds."""
        self._server.config.timeout_graceful_shutdown = grace
        self._server.should_exit = True
        if self._task is not None:
            await self._task
