"""A small API server of Kubernetes: Leases of one namespace over HTTP or TLS, with versions that a writer must know.

It keeps the rules that leader election stands on: POST of a name that exists is 409, PUT with another resourceVersion
than the present one is 409, and every write makes a new version. `refuse` makes it answer a status to everything.
"""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

NAMESPACE = "monitoring"
PREFIX = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


class FakeKubernetes:
    """Leases by name in `leases`, the headers of every call in `calls`; token: what it lets in."""

    def __init__(self, token: str, tls: tuple[Path, Path] | None = None) -> None:
        self.token = token
        self.leases: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.refuse: int | None = None
        self.wait = threading.Event()
        self.wait.set()
        self._version = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wait.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:
        """Status and body."""
        self.calls.append((method, path))
        self.wait.wait(30)
        if self.refuse is not None:
            return self.refuse, {"kind": "Status", "code": self.refuse}
        if authorization != f"Bearer {self.token}":
            return 401, {"kind": "Status", "code": 401}
        with self._lock:
            return self._store(method, path, body)

    def touch(self, name: str, **spec: Any) -> None:
        """A write by somebody else."""
        with self._lock:
            self._put(name, {"metadata": {"name": name}, "spec": spec})

    def _store(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if not path.startswith(PREFIX):
            return 404, {"kind": "Status", "code": 404}
        name = path.removeprefix(PREFIX).lstrip("/") or body["metadata"]["name"]
        found = self.leases.get(name)
        if method == "POST":
            return (409, {"code": 409}) if found else (201, self._put(name, body))
        if found is None:
            return 404, {"kind": "Status", "code": 404}
        if method == "GET":
            return 200, found
        if body["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]:
            return 409, {"kind": "Status", "code": 409}
        return 200, self._put(name, body)

    def _put(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        metadata = {**body["metadata"], "name": name, "resourceVersion": str(self._version)}
        self.leases[name] = {**body, "metadata": metadata}
        return self.leases[name]


def _handler(server: FakeKubernetes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, told = server.answer(self.command, self.path, self.headers.get("Authorization") or "", body)
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in http.server
            pass

    return Handler
