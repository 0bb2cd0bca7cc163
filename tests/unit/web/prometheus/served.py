"""A served API over a small window, for the tests beside this file."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import requests
import uvicorn
from starlette.applications import Starlette

from rabbitwatch.model.sample import Block, Family, Kind
from rabbitwatch.promql.engine import Engine, Limits
from rabbitwatch.promql.labels import LabelSet, Matcher, MatchOp
from rabbitwatch.promql.window import Requirement, Window
from rabbitwatch.web.prometheus import PrometheusApi, RulesView
from rabbitwatch.web.prometheus.queries import QueryLimits
from rabbitwatch.web.prometheus.workers import Workers

Params = dict[str, str] | Sequence[tuple[str, str]]

NOW = 1_700_000_000
INTERVAL = 15
DEPTH = Family(
    name="rabbitwatch_queue_messages",
    kind=Kind.GAUGE,
    labels=("cluster", "vhost", "queue"),
    help="Messages in the queue.",
    source="",
)
UP = Family(name="rabbitwatch_node_up", kind=Kind.GAUGE, labels=("cluster", "node"), help="Up.", source="")
BUILD = Family(name="rabbitwatch_build_info", kind=Kind.INFO, labels=("version",), help="Build.", source="")


def a_window(polls: int = 20, queues: int = 3) -> Window:
    """Polls up to NOW, history for all of it, and an alert's series."""
    window = Window(interval_ms=INTERVAL * 1000)
    window.retain([Requirement((Matcher(MatchOp.NOT_EQUAL, "__name__", ""),), 3_600_000)])
    for number in range(polls):
        at_ms = (NOW - (polls - 1 - number) * INTERVAL) * 1000
        depth = [(("lab", "/", f"q{n}"), float(number * 10 + n)) for n in range(queues)]
        blocks = [Block(DEPTH, depth), Block(UP, [(("lab", f"rabbit@r{n}"), 1.0) for n in range(2)])]
        window.ingest(at_ms, blocks, "lab")
        window.ingest(at_ms, [Block(BUILD, [(("0.1.0",), 1.0)])], "")
    firing = {"__name__": "ALERTS", "alertname": "QueueDeep", "alertstate": "firing", "queue": "q1"}
    window.append(LabelSet.of(firing), NOW * 1000, 1.0)
    return window


def make_engine(timeout_s: float) -> Engine:
    return Engine(Limits(timeout_s=timeout_s))


def an_api(
    window: Window | None = None,
    rules: RulesView | None = None,
    limits: QueryLimits | None = None,
    workers: Workers | None = None,
) -> PrometheusApi:
    return PrometheusApi(
        window or a_window(), make_engine, rules, limits=limits, workers=workers, now=lambda: float(NOW)
    )


class Client:
    """Asks one served API."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def ask(self, path: str, params: Params = (), **more: Any) -> requests.Response:
        """A GET, or what `method` says."""
        return self._session.request(more.pop("method", "GET"), f"{self.url}/api/v1{path}", params=params, **more)

    def data(self, path: str, params: Params = (), **more: Any) -> Any:
        """The data of a good answer."""
        got = self.ask(path, params, **more)
        assert got.status_code == 200, got.text
        assert got.headers["content-type"] == "application/json"
        body = got.json()
        assert body["status"] == "success"
        return body["data"]

    def error(self, path: str, params: Params = (), **more: Any) -> tuple[int, str, str]:
        """Status, type and text of a bad answer."""
        got = self.ask(path, params, **more)
        body = got.json()
        assert set(body) == {"status", "errorType", "error"}
        assert body["status"] == "error"
        assert "\n" not in body["error"]
        return got.status_code, body["errorType"], body["error"]


@contextlib.contextmanager
def served(api: PrometheusApi) -> Iterator[Client]:
    """The API on a port of its own, by uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = Starlette(routes=list(api.routes()))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        try:
            yield Client(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(10)
