"""The agent's HTTP server on a free port of the loopback, with pages that a test decides; certificates by openssl."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
from starlette.types import ASGIApp

from rabbitwatch.config.webfile import WebFile, read_web_file
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.web.app import application
from rabbitwatch.web.ports import Watched
from rabbitwatch.web.server import HttpServer, entrance, listen


@dataclass
class FakeView:
    waiting: list[str] = field(default_factory=list)
    clusters: list[dict[str, Any]] = field(default_factory=list)
    seen: list[Watched] = field(default_factory=list)
    refusal: str | None = None
    reloads: int = 0

    def scrape(self, *, openmetrics: bool, gzipped: bool) -> tuple[bytes, str]:
        return f"openmetrics={openmetrics} gzipped={gzipped}\n".encode(), "text/x-test"

    def unpolled(self) -> Sequence[str]:
        return self.waiting

    def documents(self) -> Sequence[dict[str, Any]]:
        return self.clusters

    def watched(self) -> Sequence[Watched]:
        return self.seen

    def reload(self) -> None:
        self.reloads += 1
        if self.refusal is not None:
            raise RabbitwatchError(self.refusal)


def pages(view: FakeView | None = None) -> ASGIApp:
    shown = view or FakeView()
    return application(shown, shown.reload)


@contextlib.contextmanager
def serving(app: ASGIApp | None = None, web: WebFile | None = None) -> Iterator[HttpServer]:
    server = HttpServer(listen("127.0.0.1:0"))
    server.start(entrance(app or pages(), web))
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    server: HttpServer,
    path: str,
    method: str = "GET",
    *,
    tls: ssl.SSLContext | None = None,
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    connection: http.client.HTTPConnection
    if tls is None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    else:
        connection = http.client.HTTPSConnection("localhost", server.port, timeout=20, context=tls)
    with contextlib.closing(connection):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


def web_file(folder: Path, text: str) -> WebFile:
    (folder / "web.yml").write_text(text)
    return read_web_file(folder / "web.yml")


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def certificate(folder: Path, name: str, *, san: str = "DNS:localhost,IP:127.0.0.1", authority: str = "") -> Path:
    """`name`.pem and `name`.key in the folder; signed by the authority of that name there, else by itself."""
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem"),
        "-addext", f"subjectAltName={san}",
    ]  # fmt: skip
    if authority:
        signer = [str(folder / f"{authority}.pem"), str(folder / f"{authority}.key")]
        command += ["-CA", signer[0], "-CAkey", signer[1], "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"{name}.pem"


def trusting(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
