"""Who may change things: by socket, password, certificate; and which browser's pages may ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tests.unit.web.serving import ask, certificate, hashed, pages, serving, trusting, web_file

from rabbitwatch.web.guard import Guard, identity
from rabbitwatch.web.middleware import IDENTITY


def request(client: str = "127.0.0.1", user: str | None = None, scheme: str = "http", **headers: str) -> Request:
    named = {"host": "localhost:9419"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope: dict[str, Any] = {
        "type": "http",
        "scheme": scheme,
        "client": (client, 50000),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    return Request(scope if user is None else scope | {IDENTITY: user})


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:9419", "127.0.0.1:9419", "[::1]:9419", "LOCALHOST:9419"])
def test_without_passwords_the_own_machine_may(client: str, host: str) -> None:
    assert Guard().refusal(request(client, host=host)) is None


@pytest.mark.parametrize("client", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2001:db8::1", "0.0.0.0", "x", ""])
def test_without_passwords_nobody_else_may(client: str) -> None:
    refused = Guard().refusal(request(client))
    assert refused is not None
    assert "need a password, and none is configured" in refused
    assert "basic_auth_users" in refused
    assert "\n" not in refused


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
def test_a_proxy_on_this_machine_is_not_this_machine(header: str) -> None:
    assert "through a proxy" in str(Guard().refusal(request(**{header: "127.0.0.1"})))
    assert Guard().refusal(request(user="ann", **{header: "1.2.3.4"})) is None


def test_nobody_becomes_local_by_saying_so() -> None:
    assert Guard().refusal(request("10.0.0.1", x_forwarded_for="127.0.0.1")) is not None


@pytest.mark.parametrize("host", ["evil.example:9419", "rabbit", "localhost.evil.example", "10.0.0.1:9419", "", "[::1"])
def test_a_name_that_others_can_point_here_is_refused_without_a_password(host: str) -> None:
    assert "no name of this machine's own" in str(Guard().refusal(request(host=host)))
    assert Guard().refusal(request(user="ann", host=host)) is None


@pytest.mark.parametrize("user", ["ann", ""])
def test_whoever_has_proved_it_may_from_anywhere(user: str) -> None:
    asked = request("10.0.0.1", user=user, host="rabbitwatch.example")
    assert Guard().refusal(asked) is None
    assert identity(asked) == user


@pytest.mark.parametrize("user", ["ann", None])
@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"origin": "http://localhost:9419"}, True),
        ({"origin": "http://LOCALHOST:9419"}, True),
        ({"origin": "https://localhost:9419"}, False),
        ({"origin": "http://localhost:3000"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://evil.example:9419"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "http://[::1"}, False),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site", "origin": "http://localhost:9419"}, False),
    ],
)
def test_pages_of_others_may_not(user: str | None, headers: dict[str, str], may: bool) -> None:
    assert (Guard().refusal(request(user=user, **headers)) is None) is may


def test_pages_at_the_external_address_may() -> None:
    guard = Guard(lambda: "https://rabbitwatch.example/agent/")
    asked = {"host": "10.0.0.5:9419", "user": "ann"}
    assert guard.refusal(request(origin="https://rabbitwatch.example", **asked)) is None
    assert guard.refusal(request(origin="https://rabbitwatch.example:443", **asked)) is None
    assert guard.refusal(request(origin="http://rabbitwatch.example", **asked)) is not None


def test_standard_ports_are_understood() -> None:
    for scheme, port in (("http", 80), ("https", 443)):
        asked = request(user="ann", scheme=scheme, host="a.example", origin=f"{scheme}://a.example:{port}")
        assert Guard().refusal(asked) is None


def _app() -> Starlette:
    guard = Guard()

    async def change(asked: Request) -> Response:
        return PlainTextResponse(guard.refusal(asked) or f"changed by {identity(asked)!r}")

    return Starlette(routes=[Route("/change", change, methods=["POST"])])


def test_users_of_the_web_configuration_are_known_by_name(tmp_path: Path) -> None:
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('word')}'}}")
    with serving(_app(), web) as server:
        assert ask(server, "/change", "POST").status == 401
        right = "Basic YW5uOndvcmQ="  # ann:word
        assert ask(server, "/change", "POST", authorization=right).body == b"changed by 'ann'"
        assert ask(server, "/change", "POST", authorization=right, host="a.example").body == b"changed by 'ann'"
        assert b"another site" in ask(server, "/change", "POST", authorization=right, sec_fetch_site="cross-site").body


@pytest.mark.parametrize("demand", ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"])
def test_a_certificate_counts_where_it_is_demanded(tmp_path: Path, demand: str) -> None:
    authority = certificate(tmp_path, "ca")
    for name in ("server", "client"):
        certificate(tmp_path, name, authority="ca")
    tls = f"{{cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, client_auth_type: {demand}}}"
    with serving(_app(), web_file(tmp_path, f"tls_server_config: {tls}")) as server:
        trust = trusting(authority)
        trust.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        got = ask(server, "/change", "POST", tls=trust, host="a.example").body
    if demand == "RequireAndVerifyClientCert":
        assert got == b"changed by ''"
    else:
        assert b"no name of this machine's own" in got


def test_reload_is_kept_from_the_pages_of_others_and_from_nobody_else() -> None:
    with serving(pages()) as server:
        assert ask(server, "/-/reload", "POST").status == 200
        assert ask(server, "/-/reload", "POST", host="agent.example", x_forwarded_for="1.2.3.4").status == 200
        refused = ask(server, "/-/reload", "POST", origin="http://evil.example")
    assert refused.status == 403
    assert b"'http://evil.example'" in refused.body
