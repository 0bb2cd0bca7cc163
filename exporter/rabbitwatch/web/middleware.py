"""What stands before every page of the agent: headers, rate limit, size limit, passwords. ASGI, outermost first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rabbitwatch.web.passwords import Passwords, user_of

MAX_BODY = 1 << 20

WEBHOOK = "/api/v1/webhook/alertmanager"
"""Proves by itself who sends (web/actions/sender.py): whoever sends a bearer token cannot send a password besides."""

DEFAULT_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
}


IDENTITY = "rabbitwatch.identity"
"""Key of the ASGI scope: the user who has proved to be one, or "" for a client with a verified certificate."""


class ResponseHeaders:
    """Adds headers to every response, unless the page has set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    present.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class RateLimited:
    """A token bucket over all requests: one token every `interval` seconds, at most `burst`; 429 without one."""

    def __init__(self, app: ASGIApp, interval: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._interval = interval
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled = clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._take():
            await PlainTextResponse("Too many requests: see rate_limit in the web configuration file.\n", 429)(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)

    def _take(self) -> bool:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) / self._interval)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class BodyTooLargeError(HTTPException):
    """The body of a request has more bytes than are read."""

    def __init__(self, limit: int) -> None:
        text = f"The body of a request may have at most {limit} bytes.\n"
        super().__init__(413, text, {"connection": "close"})


class BodyLimited:
    """Refuses request bodies above MAX_BODY with 413, whether they announce their size or not.

    Whoever reads such a body gets a BodyTooLargeError, which a page may answer itself; who never reads it is spared.
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        seen = int(announced) if announced.isdigit() and int(announced) > self._limit else 0

        async def counted() -> Message:
            nonlocal seen
            if seen <= self._limit:
                message = await receive()
                seen += len(message.get("body", b""))
            if seen > self._limit:
                raise BodyTooLargeError(self._limit)
            return message

        try:
            await self._app(scope, counted, send)
        except BodyTooLargeError as error:
            await PlainTextResponse(error.detail, error.status_code, error.headers)(scope, receive, send)


class Certified:
    """Notes that whoever comes this far has shown a certificate that was verified: the TLS context demands it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({IDENTITY: "", **scope}, receive, send)


class Authenticated:
    """Lets nobody through to any path but WEBHOOK without a user's password, and notes who it is."""

    def __init__(self, app: ASGIApp, passwords: Passwords) -> None:
        self._app = app
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == WEBHOOK:
            await self._app(scope, receive, send)
            return
        authorization = Headers(scope=scope).get("authorization") if scope["type"] == "http" else None
        if scope["type"] == "http" and not await self._passwords.allow(authorization):
            challenge = {"www-authenticate": 'Basic realm="rabbitwatch", charset="UTF-8"'}
            await PlainTextResponse("Unauthorized\n", 401, challenge)(scope, receive, send)
            return
        await self._app({**scope, IDENTITY: user_of(authorization)}, receive, send)
