"""A small HTTP server that answers like a broker, or in ways that no real broker can be made to answer.

    with FakeBroker() as broker:
        broker.serve("/api/overview", recorded("3.10", "overview.json"))
        broker.serve("/api/nodes", Drip(b"[", pause=0.1))
        ... broker.url ...

A path is matched without its query string unless one was given to `serve`. What was not served answers 404. `calls`
holds (path with query, headers) of every request, `written` (method, path, body) of those that are no GET,
`connections` counts TCP connections and `open` those that are open now. It runs in daemon threads of the test's own
process and ends within a moment, whatever still hangs.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

RECORDED = Path(__file__).resolve().parent.parent / "contract" / "recorded"

JSON = "application/json"


def recorded(version: str, name: str) -> bytes:
    """A payload as a real broker of that version (3.10, 4.0, 4.3) sent it."""
    return (RECORDED / version / name).read_bytes()


@dataclass(frozen=True)
class Answer:
    """A whole answer. truncate: announce the full length and close after that many bytes."""

    body: bytes = b""
    status: int = 200
    media: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    truncate: int | None = None
    compress: bool = True


@dataclass(frozen=True)
class Drip:
    """Status 200 at once, and then the body byte by byte with a pause (seconds) before each."""

    body: bytes
    pause: float
    media: str = JSON


@dataclass(frozen=True)
class Flood:
    """A body of `size` bytes, made as it is sent. announced: with a Content-Length, else chunked."""

    size: int
    announced: bool = False
    media: str = JSON


@dataclass(frozen=True)
class Hang:
    """The request is read and never answered."""


@dataclass(frozen=True)
class HangUp:
    """The connection is closed without a word."""


Reaction = bytes | Answer | Drip | Flood | Hang | HangUp | Callable[[], "Reaction"]


def html(status: int = 200) -> Answer:
    """What a proxy shows in the broker's place."""
    return Answer(b"<html><script>alert(1)</script><h1>Welcome to nginx</h1></html>", status, "text/html")


def as_json(value: Any) -> bytes:
    """Any value as a body."""
    return json.dumps(value).encode()


class FakeBroker:
    """See the module. tls: a certificate and its key as PEM files. client_ca: clients must show a certificate that one
    of these has signed. host: any of this machine's loopback addresses, so that several fakes share one port; port: 0
    takes a free one."""

    def __init__(
        self,
        tls: tuple[Path, Path] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        client_ca: Path | None = None,
    ) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.written: list[tuple[str, str, bytes]] = []
        self.connections = self.open = 0
        self._counting = threading.Lock()
        self.host = host
        self._reactions: dict[str, Reaction] = {}
        self._ending = threading.Event()
        self._server = _Server((host, port), self)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            if client_ca is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_ca)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}:{self.port}"

    def serve(self, path: str, reaction: Reaction) -> None:
        """From now on `path` is answered so; a callable is called for each request."""
        self._reactions[path] = reaction

    def asked(self, path: str) -> int:
        """How often a path was asked for, whatever its query string."""
        return sum(1 for called, _ in self.calls if called.partition("?")[0] == path)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()

    def count(self, change: int) -> None:
        """A connection has come or gone."""
        with self._counting:
            self.open += change
            self.connections += max(change, 0)

    def react(self, handler: _Handler) -> None:
        """Answer one request."""
        self.calls.append((handler.path, dict(handler.headers)))
        reaction = self._reactions.get(handler.path) or self._reactions.get(handler.path.partition("?")[0])
        while callable(reaction):
            reaction = reaction()
        match reaction:
            case None:
                handler.answer(Answer(as_json({"error": "Object Not Found", "reason": "Not Found"}), 404))
            case bytes():
                handler.answer(Answer(reaction))
            case Answer():
                handler.answer(reaction)
            case Drip():
                handler.drip(reaction, self._ending)
            case Flood():
                handler.flood(reaction)
            case Hang():
                self._ending.wait()
                handler.hang_up()
            case HangUp():
                handler.hang_up()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], broker: FakeBroker) -> None:
        self.broker = broker
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.broker.count(1)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.broker.count(-1)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def end_headers(self) -> None:
        if self.close_connection:  # as asked, and as a broker says too
            self.send_header("Connection", "close")
        super().end_headers()

    def do_GET(self) -> None:
        self.server.broker.react(self)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.broker.written.append((self.command, self.path, body))
        self.server.broker.react(self)

    def do_POST(self) -> None:
        self.do_PUT()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing."""

    def answer(self, answer: Answer) -> None:
        body = answer.body
        self.send_response(answer.status)
        if answer.status == HTTPStatus.NO_CONTENT:  # has no body, not even an empty one that was compressed
            self.end_headers()
            return
        self.send_header("Content-Type", answer.media)
        if answer.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: answer.truncate])
        if answer.truncate is not None:
            self.hang_up()

    def drip(self, drip: Drip, ending: threading.Event) -> None:
        self._head(drip.media, len(drip.body))
        for byte in drip.body:
            if ending.wait(drip.pause):
                break
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def flood(self, flood: Flood) -> None:
        piece = b" " * 65536
        left = flood.size
        self._head(flood.media, flood.size if flood.announced else None)
        while left > 0:
            part = piece[:left]
            self.wfile.write(part if flood.announced else b"%x\r\n%b\r\n" % (len(part), part))
            left -= len(part)
        if not flood.announced:
            self.wfile.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, media: str, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
