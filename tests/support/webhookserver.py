"""A small HTTP server that takes posts as a webhook does, or fails in every way that one can.

    with WebhookServer() as server:
        server.answer("/hook", Reply(503), Reply(200))     # in turn; the last one stays
        ... server.url + "/hook" ...
        server.posts[0].json()

What no path is given for answers 200. It runs in daemon threads of the test's own process and ends within a moment,
whatever still hangs.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """The request is read and never answered."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset (RST) once the request was read."""


@dataclass(frozen=True)
class Raw:
    """These bytes, each piece after a pause (seconds), and the end of the connection: no HTTP, or dripping."""

    pieces: Sequence[bytes]
    pause: float = 0.0


Reaction = Reply | Hang | Reset | Raw


@dataclass(frozen=True)
class Post:
    """One request. at: monotonic seconds when it was read."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        return json.loads(self.body)


class WebhookServer:
    """See the module. tls: a certificate and its key as PEM files."""

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        self.posts: list[Post] = []
        self.ending = threading.Event()
        self._reactions: dict[str, list[Reaction]] = {}
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._server = _Server(("127.0.0.1", 0), self)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, *reactions: Reaction) -> None:
        """From now on the path is answered so, in turn; the last one stays."""
        with self._lock:
            self._reactions[path] = list(reactions)

    def wait_for(self, count: int, within: float = 10.0) -> list[Post]:
        """The posts, once there are that many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.posts) >= count, within), f"{len(self.posts)} of {count}"
            return list(self.posts)

    def react(self, post: Post) -> Reaction:
        """Note a post, and what to do about it."""
        with self._arrived:
            self.posts.append(post)
            self._arrived.notify_all()
            turn = self._reactions.get(post.path, [Reply()])
            return turn.pop(0) if len(turn) > 1 else turn[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: WebhookServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's delayed ACK
    server: _Server

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        post = Post(self.path, headers, self.rfile.read(size), time.monotonic())
        match self.server.owner.react(post):
            case Reply(status, body, headers):
                self._reply(status, body, headers)
            case Hang():
                self.server.owner.ending.wait(60)
                self.close_connection = True
            case Reset():
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
            case Raw(pieces, pause):
                for piece in pieces:
                    if self.server.owner.ending.wait(pause):
                        break
                    self.wfile.write(piece)
                    self.wfile.flush()
                self.close_connection = True

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)  # with no Date: some tests have one of their own
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._reply(200, b"{}", {})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent."""
