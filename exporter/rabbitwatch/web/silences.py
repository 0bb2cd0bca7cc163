"""/silences: the page on which people look at silences, make them, prolong and end them. It needs no script.

A link from a message fills the form in: `/silences?filter={alertname="QueueDeep"}&duration=2h&comment=…`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.config.durations import parse_duration
from rabbitwatch.config.matchers import Matchers, match_all, parse_matchers
from rabbitwatch.errors import RabbitwatchError, SilenceError
from rabbitwatch.model.silence import SilenceDraft, SilenceState
from rabbitwatch.notify.ports import Book
from rabbitwatch.notify.silences import Silences
from rabbitwatch.web.forms import FIELD, FormTokens, read_form
from rabbitwatch.web.guard import Guard, identity
from rabbitwatch.web.pages import page, stylesheet_route

PATH = "/silences"
SHOWN = 500
SHOWN_ENDED = 50
SHOWN_ALERTS = 20
_DONE = {"made": "The silence stands.", "prolonged": "The silence lasts longer now.", "ended": "The silence has ended."}
_PROLONG = {"1h": 3_600.0, "1d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Draft:
    """The form's fields as they were typed."""

    matchers: str = ""
    duration: str = "1h"
    start: str = ""
    author: str = ""
    comment: str = ""


class SilencePages:
    """The page and what its forms do; `routes()` goes to the application. now: seconds since the epoch."""

    def __init__(self, silences: Silences, book: Book, guard: Guard, *, now: Callable[[], float] = time.time) -> None:
        self._silences = silences
        self._book = book
        self._guard = guard
        self._now = now
        self._tokens = FormTokens()

    def routes(self) -> Sequence[BaseRoute]:
        """The page, its forms and its stylesheet."""
        return [
            stylesheet_route(),
            Route(PATH, self._show, methods=["GET"]),
            Route(PATH, self._make, methods=["POST"]),
            Route(f"{PATH}/{{id}}/prolong", self._prolong, methods=["POST"]),
            Route(f"{PATH}/{{id}}/end", self._end, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        query = request.query_params
        given = [*query.getlist("filter"), *query.get("matchers", "").splitlines()]
        draft = Draft(
            matchers="\n".join(map(_one_a_line, filter(None, given))),
            duration=query.get("duration", "1h"),
            start=query.get("start", ""),
            author=query.get("author", identity(request)),
            comment=query.get("comment", ""),
        )
        return await self._page(request, draft, done=_DONE.get(query.get("done", ""), ""))

    async def _make(self, request: Request) -> Response:
        form = await read_form(request)
        draft = Draft(**{name: form.get(name, "").strip() for name in Draft.__dataclass_fields__})
        if "preview" in form:
            return await self._page(request, draft)
        wrong = self._wrong(request, form)
        if wrong is None:
            try:
                silence = await to_thread.run_sync(lambda: self._silences.set(_asked(draft, self._now())))
                return RedirectResponse(f"silences?done=made#s-{silence.id}", 303)
            except (RabbitwatchError, ValueError) as error:
                wrong = 400, str(error)
        return await self._page(request, draft, *wrong)

    async def _prolong(self, request: Request) -> Response:
        return await self._change(request, self._prolonged, "prolonged")

    async def _end(self, request: Request) -> Response:
        return await self._change(request, lambda silence_id, _: self._silences.expire(silence_id).id, "ended")

    def _prolonged(self, silence_id: str, form: dict[str, str]) -> str:
        silence = self._silences.get(silence_id)
        if silence.state(self._now()) is SilenceState.EXPIRED:
            raise SilenceError("this silence has ended already: make a new one")
        by = _PROLONG.get(form.get("by", ""))
        if by is None:
            raise SilenceError(f"a silence is prolonged by one of {', '.join(_PROLONG)}")
        kept = {name: getattr(silence, name) for name in ("matchers", "starts_at", "created_by", "comment", "id")}
        return self._silences.set(
            SilenceDraft(**kept, ends_at=silence.ends_at + by, annotations=silence.annotations)
        ).id

    async def _change(self, request: Request, change: Callable[[str, dict[str, str]], str], done: str) -> Response:
        form = await read_form(request)
        wrong = self._wrong(request, form)
        if wrong is None:
            try:
                changed = await to_thread.run_sync(lambda: change(request.path_params["id"], form))
                return RedirectResponse(f"../../silences?done={done}#s-{changed}", 303)
            except RabbitwatchError as error:
                wrong = 400, str(error)
        return await self._page(request, Draft(author=identity(request)), *wrong, root="../../")

    def _wrong(self, request: Request, form: dict[str, str]) -> tuple[int, str] | None:
        """Why a form is not accepted, with the status; None: it is."""
        refused = self._guard.refusal(request)
        if refused is not None:
            return 403, refused
        if not self._tokens.good(request, form):
            return 403, "This form is too old, or its cookie was blocked. Nothing was changed; send it again."
        return None

    async def _page(
        self, request: Request, draft: Draft, status: int = 200, error: str = "", *, done: str = "", root: str = ""
    ) -> Response:
        cookie, token = self._tokens.of(request)
        content = await to_thread.run_sync(lambda: self._content(draft))
        response = page(
            "silences.html.j2",
            status,
            root=root,
            draft=draft,
            error=error,
            done=done,
            refused=self._guard.unknown(request),  # a link in a message leads here from another site
            token=token,
            field=FIELD,
            by=list(_PROLONG),
            **content,
        )
        return self._tokens.keep(response, request, cookie)

    def _content(self, draft: Draft) -> dict[str, Any]:
        now = self._now()
        every = self._silences.all()
        living = [each for each in every if each.state(now) is not SilenceState.EXPIRED]
        return {
            "now": now,
            "living": living[:SHOWN],
            "hidden": max(0, len(living) - SHOWN),
            "ended": [each for each in every if each.state(now) is SilenceState.EXPIRED][:SHOWN_ENDED],
            "matched": self._matched(draft),
            "shown_alerts": SHOWN_ALERTS,
        }

    def _matched(self, draft: Draft) -> list[dict[str, str]] | None:
        """The labels of the alerts that fire now and that the draft would silence; None where it says nothing yet."""
        try:
            matchers = _matchers(draft)
        except ValueError:
            return None
        if not matchers:
            return None
        return [dict(each.alert.labels) for each in self._book.alerts() if match_all(matchers, each.alert.labels)]


def _one_a_line(text: str) -> str:
    """A list of matchers as the form shows it; what is none is left for the person to mend."""
    try:
        return "\n".join(map(str, parse_matchers(text)))
    except ValueError:
        return text


def _matchers(draft: Draft) -> Matchers:
    """All lines'; ValueError where one is none."""
    return tuple(matcher for line in draft.matchers.splitlines() for matcher in parse_matchers(line))


def _asked(draft: Draft, now: float) -> SilenceDraft:
    """What the form asks for; ValueError says which field is wrong."""
    matchers = tuple(
        matcher for line in draft.matchers.splitlines() if line.strip() for matcher in parse_matchers(line)
    )
    for name, value in (("author", draft.author), ("comment", draft.comment)):
        if not value:
            raise ValueError(f"The {name} is missing: whoever finds this silence wants to know whom to ask, and why.")
    starts_at = max(now, _start(draft.start)) if draft.start else now
    lasts = parse_duration(draft.duration)
    return SilenceDraft(
        matchers=matchers,
        starts_at=starts_at,
        ends_at=starts_at + lasts,
        created_by=draft.author,
        comment=draft.comment,
    )


def _start(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write the start like 2026-05-01T12:00, in UTC") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
