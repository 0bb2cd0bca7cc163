"""/api/v1/actions: what `rabbitwatch resync`, `approve` and `actions` ask, and whoever else writes programs for it.

Reading needs no more than reaching the agent. Whatever changes something, and a plan too, because it sends the agent to
the brokers, needs what web/guard.py asks for. Ids of approvals are told to those only who may change things.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from anyio import CapacityLimiter, to_thread
from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.actions.approvals import deed_of
from rabbitwatch.actions.facade import Repairs
from rabbitwatch.actions.peer import PATH as HISTORY
from rabbitwatch.actions.record import document
from rabbitwatch.errors import RabbitwatchError, StorageError
from rabbitwatch.model.action import Cause, Target
from rabbitwatch.web.actions import documents
from rabbitwatch.web.actions.answering import answered
from rabbitwatch.web.actions.asked import (
    Answered,
    By,
    RefusedError,
    Resync,
    asker,
    body_of,
    entries_wanted,
    since_wanted,
)
from rabbitwatch.web.alertmanager.reply import encoded
from rabbitwatch.web.guard import Guard
from rabbitwatch.web.prometheus.reply import compressed, response

PREFIX = "/api/v1/actions"
SOURCE = "command"
ACTION = "resync"
LOOKS = 4
"""How many looks at brokers, each in a thread, people can have at a time; more wait."""

Work = Callable[[Request, bytes], Any]


class ActionsApi:
    """Serves the facade; `routes()` goes to the application. now: seconds since the epoch."""

    def __init__(self, repairs: Repairs, guard: Guard, *, now: Callable[[], float] = time.time) -> None:
        self._repairs = repairs
        self._guard = guard
        self._now = now
        self._looks = CapacityLimiter(LOOKS)

    def routes(self) -> Sequence[BaseRoute]:
        """For the application."""
        return [
            Route(PREFIX, self._reading(self._overview), methods=["GET"]),
            Route(f"{PREFIX}/audit", self._reading(self._audit), methods=["GET"]),
            Route(HISTORY, self._reading(self._history), methods=["GET"]),
            Route(f"{PREFIX}/resync", self._changing(self._resync, self._looks), methods=["POST"]),
            Route(f"{PREFIX}/approvals/{{id}}", self._changing(self._answer), methods=["POST"]),
            Route(f"{PREFIX}/pause", self._changing(self._pause), methods=["POST"]),
            Route(f"{PREFIX}/resume", self._changing(self._resume), methods=["POST"]),
        ]

    def _reading(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await _served(work, request, b"", None)

        return endpoint

    def _changing(self, work: Work, limiter: CapacityLimiter | None = None) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            refused = self._guard.refusal(request)
            if refused is not None:
                return _failure(RefusedError(403, "forbidden", refused))
            return await _served(work, request, await request.body(), limiter)

        return endpoint

    def _overview(self, request: Request, _: bytes) -> Any:
        return documents.overview(self._repairs, ids=self._guard.refusal(request) is None)

    def _audit(self, request: Request, _: bytes) -> Any:
        """Lines after a number, oldest first; `last` is the newest line's number, of whatever cluster."""
        wanted = entries_wanted(request)
        last = self._repairs.last_entry
        found = self._repairs.entries(**wanted)
        return {"last": last.number if last else 0, "entries": [document(each) for each in found]}

    def _history(self, request: Request, _: bytes) -> Any:
        """What the other agent of a pair asks for."""
        return to_builtins(self._repairs.tell(since_wanted(request)))

    def _resync(self, request: Request, body: bytes) -> Any:
        asked = body_of(Resync, request, body)
        return resynced(self._repairs, asked, asker(request, asked.by))

    def _answer(self, request: Request, body: bytes) -> Any:
        asked = body_of(Answered, request, body)
        approval_id = request.path_params["id"]
        result = answered(
            self._repairs,
            approval_id,
            granted=asked.granted,
            by=asker(request, asked.by),
            source=SOURCE,
            now=self._now(),
        )
        if not result.done:
            raise RefusedError(result.status, "not_open", result.text)
        return {"said": result.text, "deed": deed_of(approval_id)}

    def _pause(self, request: Request, body: bytes) -> Any:
        self._repairs.pause(asker(request, body_of(By, request, body).by), SOURCE)
        return {"paused": self._repairs.paused}

    def _resume(self, request: Request, body: bytes) -> Any:
        self._repairs.resume(asker(request, body_of(By, request, body).by), SOURCE)
        return {"paused": self._repairs.paused}


def resynced(repairs: Repairs, asked: Resync, by: str) -> dict[str, Any]:
    """The plan, and what was begun where that was asked for."""
    target = Target(asked.cluster, vhost=asked.vhost, queue=asked.queue)
    cause = Cause(source=SOURCE, by=by)
    if asked.apply:
        return documents.applied(repairs.apply(target, ACTION, cause, approved=asked.approved))
    return documents.considered(repairs.plan(target, ACTION, cause))


async def _served(work: Work, request: Request, body: bytes, limiter: CapacityLimiter | None) -> Response:
    """The work's answer, made beside the event loop; its errors are answers too."""
    try:
        content, gzipped = await to_thread.run_sync(lambda: _content(work, request, body), limiter=limiter)
    except RefusedError as error:
        return _failure(error)
    except StorageError as error:
        return _failure(RefusedError(503, "unavailable", str(error)))
    except RabbitwatchError as error:
        return _failure(RefusedError(422, "execution", str(error)))
    return response(content, gzipped=gzipped)


def _content(work: Work, request: Request, body: bytes) -> tuple[bytes, bool]:
    return compressed(request, encoded({"status": "success", "data": work(request, body)}))


def _failure(error: RefusedError) -> Response:
    return response(encoded({"status": "error", "errorType": error.kind, "error": error.why}), status=error.status)
