from __future__ import annotations

import asyncio
import base64
import http.client
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from anyio import to_thread
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from tests.unit.web.serving import FakeView, ask, certificate, hashed, pages, serving, trusting, web_file

from rabbitwatch.errors import ConfigError
from rabbitwatch.web.middleware import RateLimited
from rabbitwatch.web.protocol import PatientProtocol
from rabbitwatch.web.server import HttpServer, entrance, listen


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            listen(f"127.0.0.1:{port}")
    assert str(caught.value) == f"web.listen: cannot listen on 127.0.0.1:{port}: address already in use"


@pytest.mark.parametrize("address", [":0", "[::1]:0", "127.0.0.1:0"])
def test_every_way_to_write_an_address_listens(address: str) -> None:
    server = HttpServer(listen(address))
    server.start(entrance(pages(), None))
    host = "::1" if "::1" in address else "127.0.0.1"
    try:
        with socket.create_connection((host, server.port), timeout=10) as connection:
            connection.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            assert connection.recv(20).startswith(b"HTTP/1.1 200")
    finally:
        server.stop()


def test_passwords_guard_every_path(tmp_path: Path) -> None:
    web = web_file(tmp_path, f"basic_auth_users: {{alice: '{hashed('s3cret')}'}}")
    with serving(web=web) as server:
        for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/nope", "/api/v1/clusters"):
            refused = ask(server, path)
            assert refused.status == 401
            assert refused.headers["www-authenticate"].startswith('Basic realm="rabbitwatch"')
            assert "openmetrics" not in refused.body.decode()
        assert ask(server, "/-/reload", "POST").status == 401
        assert ask(server, "/metrics", authorization=basic("alice", "s3cret")).status == 200
        assert ask(server, "/metrics", authorization=basic("alice", "wrong")).status == 401
        assert ask(server, "/metrics", authorization=basic("mallory", "s3cret")).status == 401


def test_tls_is_served_with_the_headers_of_the_file(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    web = web_file(
        tmp_path,
        TLS + "http_server_config: {headers: {Strict-Transport-Security: max-age=1, X-Frame-Options: sameorigin}}",
    )
    with serving(web=web) as server:
        got = ask(server, "/metrics", tls=trusting(tmp_path / "server.pem"))
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(server, "/metrics")
    assert got.status == 200
    assert got.headers["strict-transport-security"] == "max-age=1"
    assert got.headers["x-frame-options"] == "sameorigin"


@pytest.mark.parametrize(
    ("line", "version", "works"),
    [
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_2, False),
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_3, True),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_3, False),
        ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]", ssl.TLSVersion.TLSv1_2, True),
        ("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", ssl.TLSVersion.TLSv1_2, False),
        ("curve_preferences: [X25519]", ssl.TLSVersion.TLSv1_3, True),
        ("curve_preferences: [CurveP384]", ssl.TLSVersion.TLSv1_3, True),
        ("prefer_server_cipher_suites: false", ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_versions_and_ciphers_are_what_the_file_says(
    tmp_path: Path, line: str, version: ssl.TLSVersion, works: bool
) -> None:
    certificate(tmp_path, "server")
    key, _, value = line.partition(": ")
    web = web_file(tmp_path, f"tls_server_config: {{cert_file: server.pem, key_file: server.key, {key}: {value}}}")
    client = trusting(tmp_path / "server.pem")
    client.minimum_version = client.maximum_version = version
    with serving(web=web) as server:
        if works:
            assert ask(server, "/metrics", tls=client).status == 200
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(server, "/metrics", tls=client)


def test_clients_must_show_a_certificate_with_an_allowed_name(tmp_path: Path) -> None:
    for name in ("server", "ca"):
        certificate(tmp_path, name)
    certificate(tmp_path, "prometheus", san="DNS:prometheus,IP:2001:db8::1", authority="ca")
    certificate(tmp_path, "other", san="DNS:other", authority="ca")
    certificate(tmp_path, "stranger", san="DNS:prometheus")
    web = web_file(
        tmp_path,
        "tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, "
        "client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: ['2001:db8::1']}",
    )

    def client(name: str | None) -> ssl.SSLContext:
        context = trusting(tmp_path / "server.pem")
        if name:
            context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        return context

    with serving(web=web) as server:
        assert ask(server, "/metrics", tls=client("prometheus")).status == 200
        for name in (None, "other", "stranger"):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                ask(server, "/metrics", tls=client(name))


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    certificate(tmp_path, "other")
    for text, complaint in [
        ("cert_file: nowhere.pem, key_file: server.key", r"nowhere\.pem: cannot be read: No such file"),
        ("cert_file: server.key, key_file: server.key", r"server\.key: cannot be used for TLS"),
        ("cert_file: server.pem, key_file: other.key", r"server\.pem: cannot be used for TLS: key values mismatch"),
    ]:
        with pytest.raises(ConfigError, match=complaint):
            entrance(pages(), web_file(tmp_path, f"tls_server_config: {{{text}}}"))


def test_an_encrypted_key_is_refused_instead_of_asked_for(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    command = ["openssl", "pkey", "-in", "server.key", "-aes256", "-passout", "pass:x", "-out", "encrypted.key"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    web = web_file(tmp_path, "tls_server_config: {cert_file: server.pem, key_file: encrypted.key}")
    with pytest.raises(ConfigError, match="the private key is encrypted"):
        entrance(pages(), web)


def test_a_new_entrance_takes_over_while_requests_are_under_way(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    let_go = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await to_thread.run_sync(let_go.wait, 20)
        await PlainTextResponse("old")(scope, receive, send)

    with serving(slow) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/slow")
        server.replace(entrance(pages(), web_file(tmp_path, TLS)))
        assert ask(server, "/-/healthy", tls=trusting(tmp_path / "server.pem")).status == 200
        let_go.set()
        assert connection.getresponse().read() == b"old"
        connection.close()


def test_a_client_that_never_finishes_its_request_loses_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    with serving() as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as silent:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as crawling:
            for _ in range(100):
                try:
                    crawling.sendall(b"G")
                except ConnectionError:
                    break
                time.sleep(0.05)
            else:
                pytest.fail("the crawling client was never cut off")
        with pytest.raises(ConnectionError):
            _until_closed(silent)
        assert ask(server, "/-/healthy").status == 200


def test_a_connection_that_is_kept_alive_is_not_cut_off_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    monkeypatch.setattr(PatientProtocol, "answer_seconds", 0.3)
    with serving() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.connect()
        before = connection.sock
        for _ in range(3):
            connection.request("GET", "/metrics")
            assert connection.getresponse().read()
            time.sleep(0.5)
        assert connection.sock is before
        connection.close()


def test_it_stops_soon_although_a_client_reads_nothing() -> None:
    large = PlainTextResponse("x" * (64 << 20))
    with serving(large) as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as lazy:
        lazy.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        lazy.recv(10)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2


def test_the_rate_limit_is_a_token_bucket() -> None:
    now = [0.0]
    answers: list[int] = []

    async def one() -> None:
        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                answers.append(int(str(message["status"])))

        await limited({"type": "http", "method": "GET"}, None, send)  # type: ignore[arg-type]

    limited = RateLimited(PlainTextResponse("ok"), interval=2.0, burst=2, clock=lambda: now[0])
    for at in (0, 0, 0, 1, 2, 2, 100, 100, 100):
        now[0] = at
        asyncio.run(one())
    assert answers == [200, 200, 429, 429, 200, 429, 200, 200, 429]


def test_the_reload_that_replaces_its_own_server_is_answered(tmp_path: Path) -> None:
    view = FakeView()
    server = HttpServer(listen("127.0.0.1:0"))

    def reload() -> None:
        certificate(tmp_path, "server")
        server.replace(entrance(pages(view), web_file(tmp_path, TLS)))

    view.reload = reload  # type: ignore[method-assign]
    server.start(entrance(pages(view), None))
    try:
        assert ask(server, "/-/reload", "POST").status == 200
        assert ask(server, "/-/healthy", tls=trusting(tmp_path / "server.pem")).status == 200
    finally:
        server.stop()


def _until_closed(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass
    raise ConnectionResetError
