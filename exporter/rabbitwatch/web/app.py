"""The agent's pages as one application. Routes of other parts (Prometheus' API) are handed in by the wiring."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.web.clusters import encode
from rabbitwatch.web.guard import Guard
from rabbitwatch.web.negotiation import wants_gzip, wants_openmetrics
from rabbitwatch.web.pages import asset_route
from rabbitwatch.web.ports import Reload, View


def application(view: View, reload: Reload, more: Sequence[BaseRoute] = ()) -> Starlette:
    """What the agent always has. more: pages of its other parts; they come first, so that one can take a path over."""
    pages = _Pages(view, reload)
    app = Starlette(
        routes=[
            *more,
            Route("/metrics", pages.metrics),
            Route("/-/healthy", pages.healthy),
            Route("/-/ready", pages.ready),
            Route("/-/reload", pages.reload, methods=["POST", "PUT"]),
            Route("/api/v1/clusters", pages.clusters),
            asset_route("icon.svg"),
        ]
    )
    app.router.redirect_slashes = False
    return app


class _Pages:
    def __init__(self, view: View, reload: Reload) -> None:
        self._view = view
        self._reload = reload

    async def metrics(self, request: Request) -> Response:
        """Served from the start: before the first poll it holds the agent's own metrics, and no cluster's."""
        gzipped = wants_gzip(request.headers.get("accept-encoding", ""))
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        body, content_type = self._view.scrape(openmetrics=openmetrics, gzipped=gzipped)
        headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding", "cache-control": "no-store"}
        if gzipped:
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("rabbitwatch is healthy.\n")

    async def ready(self, _: Request) -> Response:
        waiting = self._view.unpolled()
        if waiting:
            return PlainTextResponse(f"not ready: no poll has ended yet of {', '.join(waiting)}\n", 503)
        return PlainTextResponse("rabbitwatch is ready.\n")

    async def reload(self, request: Request) -> Response:
        """Open to whoever reaches it, as Prometheus' is, but not to the pages of others in somebody's browser."""
        foreign = Guard().foreign(request)
        if foreign is not None:
            return PlainTextResponse(f"{foreign}\n", 403)
        try:
            await to_thread.run_sync(self._reload)
        except RabbitwatchError as error:
            return PlainTextResponse(f"failed to reload the configuration, the old one stays in use:\n{error}\n", 500)
        return PlainTextResponse("configuration reloaded\n")

    async def clusters(self, _: Request) -> Response:
        body = await to_thread.run_sync(lambda: encode({"status": "success", "data": self._view.documents()}))
        return Response(body, media_type="application/json")
