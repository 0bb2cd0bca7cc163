"""POST /api/v1/webhook/alertmanager: the alerts of a real Alertmanager, into the same line as the agent's own.

It proves by itself who sends (see sender.py), because an Alertmanager that sends a bearer token cannot send a user and
password too; web/middleware.py lets it past the passwords of the web configuration.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.actions.facade import Repairs
from rabbitwatch.config.actions import ActionsWebhookConfig
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.web.actions.payload import PayloadError, read
from rabbitwatch.web.actions.sender import Refusal, Sender
from rabbitwatch.web.actions.sparing import Sparing
from rabbitwatch.web.middleware import MAX_BODY, WEBHOOK, BodyTooLargeError

RECORD_SECONDS = 60.0
"""At most one line of the audit in this time for each kind of refusal: nobody outside may fill the disk."""

_TOO_LARGE = Refusal(
    413, "size", f"refused: the body has more than {MAX_BODY} bytes; in Alertmanager, set max_alerts of the webhook"
)

_MORE_HEADERS = {401: {"www-authenticate": 'Bearer realm="rabbitwatch"'}, 413: {"connection": "close"}}

_log = structlog.get_logger(__name__)


class AlertmanagerWebhook:
    """Takes alerts from outside; `routes()` goes to the application.

    config: the section actions.webhook as it is now. now: seconds since the epoch; clock: monotonic seconds.
    """

    def __init__(
        self,
        repairs: Repairs,
        config: Callable[[], ActionsWebhookConfig],
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repairs = repairs
        self._now = now
        self._sender = Sender(config, now)
        self._sparing = Sparing(RECORD_SECONDS, clock)

    def routes(self) -> Sequence[BaseRoute]:
        """For the application."""
        return [Route(WEBHOOK, self._post, methods=["POST"])]

    async def _post(self, request: Request) -> Response:
        refusal = self._sender.early(request.headers)
        if refusal is not None:
            return await self._refused(request, refusal)
        try:
            body = await request.body()
        except BodyTooLargeError:
            return await self._refused(request, _TOO_LARGE)
        refusal = self._sender.refusal(request.headers, body)
        if refusal is not None:
            return await self._refused(request, refusal)
        try:
            alerts, left_out = read(body, self._now)
        except PayloadError as error:
            return await self._refused(request, Refusal(400, "body", str(error)))
        if left_out:
            _log.warning("an Alertmanager has left alerts out: see max_alerts of its webhook", left_out=left_out)
        try:
            await to_thread.run_sync(self._repairs.take_webhook, alerts)
        except RabbitwatchError as error:
            return _line(503, str(error))  # Alertmanager tries again after a 5xx, and only then
        return _line(200, f"taken: {len(alerts)}")

    async def _refused(self, request: Request, refusal: Refusal) -> Response:
        held_back = self._sparing.held_back(refusal.kind)
        if held_back is not None:
            source = request.client.host if request.client else "an unknown address"
            more = f"; {held_back} like it since the last record" if held_back else ""
            await to_thread.run_sync(self._record, source, f"{refusal.why}{more}")
        return _line(refusal.status, refusal.why, _MORE_HEADERS.get(refusal.status))

    def _record(self, source: str, why: str) -> None:
        _log.warning("a request to the webhook was refused", source=source, why=why)
        try:
            self._repairs.webhook_refused(source, why)
        except RabbitwatchError as error:
            _log.error("a refused request to the webhook could not be recorded", why=str(error))


def _line(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{' '.join(text.split())}\n", status, {"cache-control": "no-store", **(headers or {})})
