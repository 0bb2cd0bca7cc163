"""/graph: where Prometheus draws an expression, and so where alerts link to; here its result is shown as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.notify.outward import GRAPH
from rabbitwatch.web.prometheus.api import PREFIX


def routes() -> Sequence[BaseRoute]:
    """For the application."""
    return [Route(GRAPH, _graph)]


async def _graph(request: Request) -> Response:
    # relative, so that it holds behind a proxy that adds a path
    expr = request.query_params.get("g0.expr", "")
    query = f"{PREFIX.lstrip('/')}/query?{urlencode({'query': expr})}"
    return RedirectResponse(query if expr else ".", status_code=302)
