"""/actions: what repairs may do, do and have done, for people; /actions/approvals/<id>: a question, to be answered.

Needs no script. Notices link to the second. An approval's id is what it is answered by, so whoever may not change
things sees what waits, and no links to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.actions.approvals import deed_of
from rabbitwatch.actions.facade import Repairs
from rabbitwatch.actions.ports import Entry
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.web.actions.answering import UNKNOWN, answered, standing
from rabbitwatch.web.actions.asked import asker
from rabbitwatch.web.forms import FIELD, FormTokens, read_form
from rabbitwatch.web.guard import Guard, identity
from rabbitwatch.web.pages import page, stylesheet_route

PATH = "/actions"
APPROVALS = f"{PATH}/approvals"
SOURCE = "page"
SHOWN_ENTRIES = 30
SHOWN_APPROVALS = 50
_DONE = {
    "paused": "Nothing acts any more, until somebody resumes.",
    "resumed": "What the bindings allow may act again.",
    "approved": "Approved. All guards are asked again, and then it begins, if none refuses; see below.",
    "declined": "Declined: nothing is done.",
}
_TOO_OLD = "This form is too old, or its cookie was blocked. Nothing was changed; send it again."

Change = Callable[[str], None]


class ActionPages:
    """The pages and what their forms do; `routes()` goes to the application. now: seconds since the epoch."""

    def __init__(self, repairs: Repairs, guard: Guard, *, now: Callable[[], float] = time.time) -> None:
        self._repairs = repairs
        self._guard = guard
        self._now = now
        self._tokens = FormTokens()

    def routes(self) -> Sequence[BaseRoute]:
        """The pages, their forms and their stylesheet."""
        return [
            stylesheet_route(),
            Route(PATH, self._show, methods=["GET"]),
            Route(f"{PATH}/pause", self._pause, methods=["POST"]),
            Route(f"{PATH}/resume", self._resume, methods=["POST"]),
            Route(f"{APPROVALS}/{{id}}", self._show_approval, methods=["GET"]),
            Route(f"{APPROVALS}/{{id}}", self._answer, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        return await self._page(request)

    async def _pause(self, request: Request) -> Response:
        return await self._switch(request, lambda by: self._repairs.pause(by, SOURCE), "paused")

    async def _resume(self, request: Request) -> Response:
        return await self._switch(request, lambda by: self._repairs.resume(by, SOURCE), "resumed")

    async def _switch(self, request: Request, change: Change, done: str) -> Response:
        form = await read_form(request)
        wrong = self._wrong(request, form)
        if wrong is None:
            try:
                await to_thread.run_sync(change, asker(request, form.get("by", "")))
                return RedirectResponse(f"../actions?done={done}", 303)
            except RabbitwatchError as error:
                wrong = 503, str(error)
        return await self._page(request, *wrong, root="../")

    async def _show_approval(self, request: Request) -> Response:
        return await self._approval_page(request)

    async def _answer(self, request: Request) -> Response:
        form = await read_form(request)
        wrong = self._wrong(request, form)
        if wrong is None and form.get("answer") not in {"approve", "decline"}:
            wrong = 400, "An approval is answered by approve or decline."
        if wrong is not None:
            return await self._approval_page(request, *wrong)
        granted = form["answer"] == "approve"
        approval_id, by = request.path_params["id"], asker(request, form.get("by", ""))
        try:
            result = await to_thread.run_sync(
                lambda: answered(self._repairs, approval_id, granted=granted, by=by, source=SOURCE, now=self._now())
            )
        except RabbitwatchError as error:
            return await self._approval_page(request, 503, str(error))
        if not result.done:
            return await self._approval_page(request, result.status, result.text)
        return RedirectResponse(f"?done={'approved' if granted else 'declined'}", 303)

    def _wrong(self, request: Request, form: dict[str, str]) -> tuple[int, str] | None:
        """Why a form is not accepted, with the status; None: it is."""
        refused = self._guard.refusal(request)
        if refused is not None:
            return 403, refused
        return None if self._tokens.good(request, form) else (403, _TOO_OLD)

    async def _page(self, request: Request, status: int = 200, error: str = "", *, root: str = "") -> Response:
        content = await to_thread.run_sync(self._content)
        return self._rendered("actions.html.j2", request, status, error, root=root, **content)

    async def _approval_page(self, request: Request, status: int = 200, error: str = "") -> Response:
        content = await to_thread.run_sync(self._about, request.path_params["id"])
        stands = content["standing"]
        status = status if status != 200 or stands == 409 else stands  # to look at one that was answered is no error
        return self._rendered("approval.html.j2", request, status, error, root="../../", **content)

    def _rendered(
        self, template: str, request: Request, status: int, error: str, *, root: str, **content: Any
    ) -> Response:
        cookie, token = self._tokens.of(request)
        response = page(
            template,
            status,
            root=root,
            error=error,
            done="" if error else _DONE.get(request.query_params.get("done", ""), ""),
            refused=self._guard.unknown(request),  # a link in a message leads here from another site
            known=identity(request),
            token=token,
            field=FIELD,
            now=self._now(),
            **content,
        )
        return self._tokens.keep(response, request, cookie)

    def _content(self) -> dict[str, Any]:
        waiting = self._repairs.waiting()
        return {
            "paused": self._repairs.paused,
            "leases": self._repairs.leases(),
            "peer_unknown": self._repairs.peer_unknown,
            "bindings": self._repairs.bindings(),
            "open": self._repairs.open_steps(),
            "waiting": waiting[:SHOWN_APPROVALS],
            "hidden": max(0, len(waiting) - SHOWN_APPROVALS),
            "entries": self._newest(SHOWN_ENTRIES),
        }

    def _about(self, approval_id: str) -> dict[str, Any]:
        approval = self._repairs.approval(approval_id)
        stands = standing(approval, self._now())
        if approval is None:
            return {"approval": None, "standing": UNKNOWN, "asked": None, "since": []}
        entries = self._repairs.entries(deed=deed_of(approval.id))
        asked = next((each for each in entries if each.answers), None)
        since = list(reversed(entries))[:SHOWN_ENTRIES]
        return {"approval": approval, "standing": stands, "asked": asked, "since": since}

    def _newest(self, count: int) -> Sequence[Entry]:
        """The audit's last lines, newest first."""
        last = self._repairs.last_entry
        if last is None:
            return []
        found = self._repairs.entries(after=max(0, last.number - count), limit=count)
        return list(reversed(found))
