"""/api/v1/notices: what was sent where, for people, programs, and the other agent of a pair."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.peer import PATH
from rabbitwatch.notify.ports import DeliveryLog
from rabbitwatch.notify.wire import attempt_document
from rabbitwatch.web.prometheus.reply import Answer, ApiError, bad_parameter, compressed, failure, response

MOST_ATTEMPTS = 1000


class NoticesApi:
    """Serves the delivery log, newest attempts first (`limit`, default 100), and what a peer asks for (`since`)."""

    def __init__(self, exchange: Exchange, log: DeliveryLog) -> None:
        self._exchange = exchange
        self._log = log

    def routes(self) -> Sequence[BaseRoute]:
        """For the application."""
        return [Route(PATH, self._notices, methods=["GET"])]

    async def _notices(self, request: Request) -> Response:
        try:
            since = _number(request, "since", 0.0)
            limit = _number(request, "limit", 100.0)
        except ApiError as error:
            return failure(error)
        body, gzipped = await to_thread.run_sync(lambda: compressed(request, self._encoded(since, int(limit))))
        return response(body, gzipped=gzipped)

    def _encoded(self, since: float, limit: int) -> bytes:
        told = msgspec.to_builtins(self._exchange.tell(since))
        recent = self._log.recent(min(limit, MOST_ATTEMPTS))
        return Answer(told | {"attempts": [attempt_document(attempt) for attempt in recent]}).encoded()


def _number(request: Request, name: str, default: float) -> float:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise bad_parameter(name, f"{text!r} is no number") from None
    if not 0 <= value < float("inf"):
        raise bad_parameter(name, "must be a number of 0 or more")
    return value
