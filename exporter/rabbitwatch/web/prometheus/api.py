"""The routes, each with its work: read the parameters on the event loop, answer in a worker, send the bytes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rabbitwatch.promql.window import Window
from rabbitwatch.web.prometheus.catalogue import Catalogue
from rabbitwatch.web.prometheus.params import Params
from rabbitwatch.web.prometheus.ports import MakeQuerier, NoRules, RulesView
from rabbitwatch.web.prometheus.queries import Queries, QueryLimits
from rabbitwatch.web.prometheus.reply import Answer, ApiError, compressed, failure, response
from rabbitwatch.web.prometheus.rules import Rules
from rabbitwatch.web.prometheus.status import Status
from rabbitwatch.web.prometheus.workers import Workers

PREFIX = "/api/v1"

_GET = ("GET",)
_BOTH = ("GET", "POST")

Work = Callable[[Params], Answer]
Endpoint = Callable[[Request], Awaitable[Response]]


class PrometheusApi:
    """Prometheus' HTTP API; `routes()` goes to the application.

    make_querier: an engine for one query, given its time limit in seconds. now: seconds since the epoch.
    """

    def __init__(
        self,
        window: Window,
        make_querier: MakeQuerier,
        rules: RulesView | None = None,
        *,
        limits: QueryLimits | None = None,
        workers: Workers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._queries = Queries(window, make_querier, limits or QueryLimits(), now)
        self._catalogue = Catalogue(window)
        self._rules = Rules(rules or NoRules())
        self._status = Status()
        self._workers = workers or Workers()

    def routes(self) -> Sequence[BaseRoute]:
        """All routes; a path that Prometheus knows and the agent does not is a plain 404, as Grafana expects it."""
        work: list[tuple[str, Sequence[str], Work]] = [
            ("/query", _BOTH, self._queries.instant),
            ("/query_range", _BOTH, self._queries.range),
            ("/query_exemplars", _BOTH, self._queries.exemplars),
            ("/format_query", _BOTH, self._queries.formatted),
            ("/series", _BOTH, self._catalogue.series),
            ("/labels", _BOTH, self._catalogue.labels),
            ("/metadata", _GET, self._catalogue.metadata),
            ("/targets/metadata", _GET, self._catalogue.targets_metadata),
            ("/rules", _GET, self._rules.rules),
            ("/alerts", _GET, self._rules.alerts),
            ("/status/buildinfo", _GET, self._status.buildinfo),
            ("/targets", _GET, self._status.targets),
            ("/alertmanagers", _GET, self._status.alertmanagers),
        ]
        routes = [Route(PREFIX + path, self._endpoint(each), methods=methods) for path, methods, each in work]
        routes.append(Route(PREFIX + "/label/{name}/values", self._label_values, methods=_GET))
        return routes

    def _endpoint(self, work: Work) -> Endpoint:
        async def answer(request: Request) -> Response:
            return await self._answer(request, work)

        return answer

    async def _label_values(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        return await self._answer(request, lambda params: self._catalogue.values(params, name))

    async def _answer(self, request: Request, work: Work) -> Response:
        try:
            params = await Params.of(request)
            body, gzipped = await self._workers.run(lambda: compressed(request, work(params).encoded()))
        except ApiError as error:
            return failure(error)
        return response(body, gzipped=gzipped)
