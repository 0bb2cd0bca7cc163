"""The status page, and the same as a fragment, which its script asks for at every poll.

`/?cluster=NAME` shows one cluster, `/?q=TEXT` what is called like that. Both can be shared, and need no script.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch import __version__
from rabbitwatch.actions.facade import Repairs
from rabbitwatch.notify.ports import Book
from rabbitwatch.web.kept import Kept
from rabbitwatch.web.pages import asset_route, rendered, stylesheet_route
from rabbitwatch.web.picture.card import cards
from rabbitwatch.web.ports import View
from rabbitwatch.web.prometheus.ports import RulesView
from rabbitwatch.web.status.alerts import alert_rows
from rabbitwatch.web.status.layout import overview
from rabbitwatch.web.status.repairs import repairs_now
from rabbitwatch.web.status.rules import rules
from rabbitwatch.web.status.search import LONGEST, found
from rabbitwatch.web.status.trend import Memory, Trends

PATH = "/"
SILENT_SECONDS = 15.0
"""A page that got no answer for so long, or for three of its rounds, shows that it is a picture of the past."""
_SLOWEST, _FASTEST = 60.0, 2.0


class StatusPages:
    """`routes()` goes to the application. book: what fires now. memory: the window; None where there is none. now:
    seconds since the epoch."""

    def __init__(
        self,
        view: View,
        book: Callable[[], Book],
        rules: RulesView,
        repairs: Repairs,
        memory: Memory | None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._view = view
        self._book = book
        self._rules = rules
        self._repairs = repairs
        self._trends = Trends(memory)
        self._now = now
        self._kept = Kept()

    def routes(self) -> Sequence[BaseRoute]:
        """The page, its stylesheets and its scripts."""
        assets = [asset_route(name) for name in ("status.css", "status.js", "age.js")]
        return [Route(PATH, self._show, methods=["GET"]), stylesheet_route(), *assets]

    async def _show(self, request: Request) -> Response:
        only = request.query_params.get("cluster", "")[:LONGEST]
        needle = request.query_params.get("q", "").strip()[:LONGEST]
        fragment = "fragment" in request.query_params
        return await to_thread.run_sync(
            lambda: self._kept.answer(
                request, (only, needle, fragment), lambda: self._rendered(only, needle, fragment=fragment)
            )
        )

    def _rendered(self, only: str, needle: str, *, fragment: bool) -> str:
        watched = self._view.watched()
        self._trends.keep_only({each.state.cluster for each in watched if each.state})
        statuses, groups = self._book().alerts(), self._rules.status()
        made = cards(watched, statuses, self._now())
        alerts = alert_rows(statuses, groups)
        every = min((each.interval for each in watched), default=_SLOWEST)
        chosen = [card for card in made if not only or card.name == only]
        names = {card.name for card in chosen}
        return rendered(
            "status_parts.html.j2" if fragment else "status.html.j2",
            page=overview(made, alerts, self._trends, only=only),
            found=found(needle, chosen, [row for row in alerts if not only or row.cluster in names])
            if needle
            else None,
            only=only,
            needle=needle,
            rules=rules(groups),
            repairs=repairs_now(self._repairs),
            every=max(_FASTEST, min(_SLOWEST, every)),
            silent=max(SILENT_SECONDS, 3 * every),
            version=__version__,
        )
