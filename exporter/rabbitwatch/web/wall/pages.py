"""The wall's page, and the same as a fragment, which its script asks for every few seconds.

`/wall?cluster=NAME` shows one cluster, `/wall?rotate=20s` lets the clusters stand large in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.config.durations import format_duration, parse_duration
from rabbitwatch.notify.ports import Book
from rabbitwatch.web.kept import Kept
from rabbitwatch.web.pages import asset_route, rendered
from rabbitwatch.web.picture.card import cards
from rabbitwatch.web.ports import View
from rabbitwatch.web.wall.layout import wall

PATH = "/wall"
EVERY_SECONDS = 5.0
"""How often a screen asks."""
SILENT_SECONDS = 15.0
"""A screen that got no answer for so long shows that it is a picture of the past."""
_SHORTEST_TURN = 5.0
_LONGEST_NAME = 300


class WallPages:
    """`routes()` goes to the application. book: what fires now. now: seconds since the epoch."""

    def __init__(self, view: View, book: Callable[[], Book], *, now: Callable[[], float] = time.time) -> None:
        self._view = view
        self._book = book
        self._now = now
        self._kept = Kept()

    def routes(self) -> Sequence[BaseRoute]:
        """The page, its stylesheet and its script."""
        return [Route(PATH, self._show), *(asset_route(name) for name in ("wall.css", "wall.js", "age.js"))]

    async def _show(self, request: Request) -> Response:
        query = request.query_params
        only = query.get("cluster", "")[:_LONGEST_NAME]
        show = int(query["show"]) % 10_000 if query.get("show", "").isdecimal() else None
        turn = _turn(query.get("rotate", ""))
        fragment = "fragment" in query
        about = (only, show, turn, fragment)
        return await to_thread.run_sync(
            lambda: self._kept.answer(request, about, lambda: self._rendered(only, show, turn, fragment=fragment))
        )

    def _rendered(self, only: str, show: int | None, turn: float | None, *, fragment: bool) -> str:
        if turn is not None and show is None:
            show = 0
        now = self._now()
        seen = wall(cards(self._view.watched(), self._book().alerts(), now), only=only, show=show)
        return rendered(
            "wall_picture.html.j2" if fragment else "wall.html.j2",
            wall=seen,
            only=only,
            every=EVERY_SECONDS,
            silent=SILENT_SECONDS,
            turn=turn or 0,
            turn_text=format_duration(turn) if turn else "",
        )


def _turn(text: str) -> float | None:
    """How long each cluster stands large; None where none shall, or nobody can read it."""
    try:
        return max(_SHORTEST_TURN, parse_duration(text)) if text else None
    except ValueError:
        return None
