from __future__ import annotations

import json
import socket

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tests.unit.web.serving import FakeView, ask, pages, serving

from rabbitwatch.web.middleware import MAX_BODY
from rabbitwatch.web.server import HttpServer


def test_metrics_come_as_the_client_asks() -> None:
    with serving() as server:
        plain = ask(server, "/metrics")
        prometheus = ask(
            server,
            "/metrics",
            accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            accept_encoding="gzip",
        )
    assert (plain.status, plain.headers["content-type"]) == (200, "text/x-test")
    assert plain.body == b"openmetrics=False gzipped=False\n"
    assert "content-encoding" not in plain.headers
    assert prometheus.body == b"openmetrics=True gzipped=True\n"
    assert prometheus.headers["content-encoding"] == "gzip"
    assert prometheus.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/-/ready", "/api/v1/clusters"])
def test_head_tells_the_length_and_sends_nothing(path: str) -> None:
    with serving() as server:
        get, head = ask(server, path), ask(server, path, "HEAD")
    assert head.body == b""
    assert head.status == get.status == 200
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))


def test_ready_names_the_clusters_that_were_not_polled_yet() -> None:
    view = FakeView(waiting=["orders", "billing"])
    with serving(pages(view)) as server:
        assert ask(server, "/-/healthy").status == 200
        before = ask(server, "/-/ready")
        view.waiting = []
        after = ask(server, "/-/ready")
    assert (before.status, before.body) == (503, b"not ready: no poll has ended yet of orders, billing\n")
    assert after.status == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reload_says_whether_it_took(method: str) -> None:
    view = FakeView()
    with serving(pages(view)) as server:
        good = ask(server, "/-/reload", method)
        view.refusal = "c.yml:1:1: unknown key 'a'"
        bad = ask(server, "/-/reload", method)
        wrong = ask(server, "/-/reload")
    assert (good.status, view.reloads) == (200, 2)
    assert bad.status == 500
    assert b"c.yml:1:1: unknown key 'a'" in bad.body
    assert (wrong.status, sorted(wrong.headers["allow"].split(", "))) == (405, ["POST", "PUT"])


def test_clusters_are_json() -> None:
    with serving(pages(FakeView(clusters=[{"name": "orders"}]))) as server:
        got = ask(server, "/api/v1/clusters")
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.body) == {"status": "success", "data": [{"name": "orders"}]}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/metrics", 405)])
def test_what_is_not_there_is_told_plainly(method: str, path: str, status: int) -> None:
    with serving() as server:
        got = ask(server, path, method)
    assert got.status == status
    assert got.headers["content-type"].startswith("text/plain")


def test_every_answer_has_the_security_headers_and_none_names_the_server() -> None:
    with serving() as server:
        answers = [ask(server, path) for path in ("/-/healthy", "/metrics", "/nope")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "deny"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


async def _reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    size = len(await Request(scope, receive).body())
    await PlainTextResponse(str(size))(scope, receive, send)


def _posted(server: HttpServer, head: bytes, body: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + body)
        return connection.recv(1000)


def test_a_body_that_is_too_large_is_refused_announced_or_not() -> None:
    chunk = b"%x\r\n%s\r\n" % (MAX_BODY // 2, b"x" * (MAX_BODY // 2))
    with serving(_reads_all) as server:
        assert _posted(server, b"Content-Length: %d" % (MAX_BODY + 1)).startswith(b"HTTP/1.1 413")
        assert _posted(server, b"Transfer-Encoding: chunked", 2 * chunk + b"1\r\nx\r\n").startswith(b"HTTP/1.1 413")
        assert _posted(server, b"Transfer-Encoding: chunked", 2 * chunk + b"0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_page_that_reads_a_body_refuses_one_that_is_too_large_too() -> None:
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    chunk = b"%x\r\n%s\r\n" % (MAX_BODY, b"x" * MAX_BODY)
    with serving(Starlette(routes=[Route("/", read, methods=["POST"])])) as server:
        for head, body in ((b"Content-Length: %d" % (MAX_BODY + 1), b""), (b"Transfer-Encoding: chunked", 2 * chunk)):
            assert _posted(server, head, body).startswith(b"HTTP/1.1 413")


def test_garbage_is_answered_with_400() -> None:
    with serving() as server, socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 garbage\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
