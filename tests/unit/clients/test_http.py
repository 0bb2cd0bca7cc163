"""Every way in which an address can fail to answer has its own clear reason, and none takes longer than it may."""

from __future__ import annotations

import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fakebroker import Answer, Drip, FakeBroker, Flood, Hang, HangUp, Reaction, as_json, html
from tests.support.waiting import until

from rabbitwatch.clients.http import Endpoint, Login
from rabbitwatch.config.trust import TlsConfig
from rabbitwatch.errors import CallError, CallFailure, UnsentError

PASSWORD = "s3cret-never-shown"
PATH = "/api/nodes"


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as running:
        yield running


def endpoint(url: str, **options: object) -> Endpoint:
    settings: dict[str, object] = {"tls": TlsConfig(), "login": Login("monitor", PASSWORD), **options}
    return Endpoint(url, **settings)  # type: ignore[arg-type]


def failure(asked: Endpoint, *, within: float = 5.0, path: str = PATH) -> CallError:
    with pytest.raises(CallError) as caught:
        asked.get(path, within=within)
    assert PASSWORD not in caught.value.reason
    assert "\n" not in caught.value.reason
    return caught.value


def test_the_body_comes_decompressed_with_user_and_agent_sent(broker: FakeBroker) -> None:
    broker.serve(PATH, as_json([1, 2]))
    assert endpoint(broker.url).get(PATH + "?a=b", within=5.0) == b"[1, 2]"
    path, headers = broker.calls[0]
    assert path == PATH + "?a=b"
    assert headers["User-Agent"].startswith("rabbitwatch/")
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Authorization"].startswith("Basic ")


def test_no_connection_is_kept_that_a_broker_would_wait_for_when_it_stops(broker: FakeBroker) -> None:
    broker.serve(PATH, as_json([0] * 100_000))
    asked = endpoint(broker.url)
    for _ in range(4):
        asked.get(PATH, within=5.0)
    until(lambda: broker.open == 0, "all are closed")
    assert broker.connections == 4
    assert {headers["Connection"] for _, headers in broker.calls} == {"close"}


@pytest.mark.parametrize("reaction", [HangUp(), html(500), Answer(b"[1,2]", truncate=2), Flood(9_000_000)])
def test_nor_is_one_whose_answer_cannot_be_used(broker: FakeBroker, reaction: Reaction) -> None:
    broker.serve(PATH, reaction)
    failure(endpoint(broker.url, body_limit=1024))
    until(lambda: broker.open == 0, "it is closed")
    assert broker.connections == 1


def test_a_name_or_password_beyond_ascii_is_sent_as_utf8(broker: FakeBroker) -> None:
    broker.serve(PATH, b"[]")
    endpoint(broker.url, login=Login("zoë", "π")).get(PATH, within=5.0)
    assert broker.calls[0][1]["Authorization"] == "Basic em/DqzrPgA=="


@pytest.mark.parametrize(
    ("reaction", "kind", "words"),
    [
        (html(), CallFailure.ERROR, ["answered with text/html, not json", "really the broker's"]),
        (
            Answer(as_json({"error": "not_authorized", "reason": "Login failed"}), 401),
            CallFailure.UNAUTHORISED,
            ["'monitor'", "401", "Login failed", "tag monitoring"],
        ),
        (html(403), CallFailure.UNAUTHORISED, ["403", "tag monitoring"]),
        (html(404), CallFailure.ERROR, ["status 404", "really the broker's"]),
        (html(502), CallFailure.ERROR, ["status 502"]),
        (
            Answer(as_json({"error": "internal", "reason": "line\nbreak"}), 500),
            CallFailure.ERROR,
            ["status 500", "internal"],
        ),
        (
            Answer(b"", 302, headers={"Location": f"http://u:{PASSWORD}@elsewhere:99/x"}),
            CallFailure.ERROR,
            ["redirects to http://elsewhere:99", "not followed"],
        ),
        (Answer(b"[1,2,3]", truncate=3, compress=False), CallFailure.ERROR, ["truncated"]),
        (Answer(b"[" + b"1," * 5000, truncate=10), CallFailure.ERROR, ["truncated"]),
        (Answer(b"nonsense", headers={"Content-Encoding": "gzip"}, compress=False), CallFailure.ERROR, ["compression"]),
        (HangUp(), CallFailure.ERROR, ["closed the connection"]),
    ],
    ids=["html", "401", "403", "404", "502", "500", "redirect", "truncated", "truncated-gzip", "no-gzip", "hang-up"],
)
def test_each_failure_has_its_kind_and_its_words(
    broker: FakeBroker, reaction: Reaction, kind: CallFailure, words: list[str]
) -> None:
    broker.serve(PATH, reaction)
    error = failure(endpoint(broker.url))
    assert error.kind is kind
    assert all(word in error.reason for word in words), error.reason
    assert str(broker.port) in error.reason


def test_a_redirect_sends_the_password_nowhere(broker: FakeBroker) -> None:
    with FakeBroker() as elsewhere:
        broker.serve(PATH, Answer(b"", 301, headers={"Location": f"{elsewhere.url}{PATH}"}))
        failure(endpoint(broker.url))
        assert elsewhere.calls == []


@pytest.mark.parametrize("reaction", [Hang(), Drip(b"[" * 100, pause=0.05)], ids=["hang", "drip"])
def test_an_answer_that_does_not_come_to_an_end_is_a_timeout(broker: FakeBroker, reaction: Reaction) -> None:
    broker.serve(PATH, reaction)
    began = time.monotonic()
    error = failure(endpoint(broker.url), within=0.4)
    assert error.kind is CallFailure.TIMEOUT
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_body_beyond_the_limit_is_left(broker: FakeBroker, announced: bool) -> None:
    broker.serve(PATH, Flood(100 * 1024 * 1024, announced=announced))
    error = failure(endpoint(broker.url, body_limit=2 * 1024 * 1024), within=20.0)
    assert error.kind is CallFailure.ERROR
    assert "more than 2 MiB" in error.reason


def test_the_limit_counts_what_gzip_unpacks(broker: FakeBroker) -> None:
    broker.serve(PATH, Answer(b" " * 3_000_000))
    assert "more than 1 MiB" in failure(endpoint(broker.url, body_limit=1024 * 1024)).reason


def test_after_any_failure_the_next_call_works(broker: FakeBroker) -> None:
    asked = endpoint(broker.url, body_limit=1000)
    for reaction in (Hang(), HangUp(), html(), Flood(5000), Answer(b"[1,2]", truncate=2)):
        broker.serve(PATH, reaction)
        failure(asked, within=0.3)
    broker.serve(PATH, b"[]")
    assert asked.get(PATH, within=5.0) == b"[]"


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(endpoint(f"http://127.0.0.1:{taken.getsockname()[1]}", hint="is the plugin off?"))
    assert error.kind is CallFailure.REFUSED
    assert "is the plugin off?" in error.reason


def test_a_name_that_nobody_knows() -> None:
    error = failure(endpoint("http://no-such-host.invalid:15672"))
    assert error.kind is CallFailure.ERROR
    assert "cannot be resolved" in error.reason
    assert "no-such-host.invalid" in error.reason


def test_something_that_speaks_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"AMQP\x00\x00\x09\x01")

        threading.Thread(target=greet, daemon=True).start()
        error = failure(endpoint(f"http://127.0.0.1:{server.getsockname()[1]}"))
    assert error.kind is CallFailure.ERROR
    assert "no HTTP" in error.reason


def test_the_environment_s_proxy_is_not_used(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    broker.serve(PATH, b"[]")
    assert endpoint(broker.url).get(PATH, within=5.0) == b"[]"


def test_a_login_shows_no_password() -> None:
    assert PASSWORD not in repr(Login("monitor", PASSWORD))


def self_signed(folder: Path, name: str, *more: str) -> tuple[Path, Path]:
    cert, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2"
    files = ["-subj", f"/CN={name}", "-out", str(cert), "-keyout", str(key)]
    subprocess.run([*shlex.split(command), *files, *(more or ("-nodes",))], check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    return self_signed(folder, "127.0.0.1", "-nodes", "-addext", "subjectAltName=IP:127.0.0.1")


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The certificate of a client, and its key."""
    return self_signed(tmp_path_factory.mktemp("client"), "monitor")


def test_tls_is_verified_unless_switched_off(certificate: tuple[Path, Path]) -> None:
    with FakeBroker(tls=certificate) as broker:
        broker.serve(PATH, b"[]")
        error = failure(endpoint(broker.url))
        assert error.kind is CallFailure.ERROR
        assert "not trusted" in error.reason
        assert "tls.ca_file" in error.reason
        assert broker.calls == []
        assert endpoint(broker.url, tls=TlsConfig(ca_file=certificate[0])).get(PATH, within=5.0) == b"[]"
        assert endpoint(broker.url, tls=TlsConfig(verify=False)).get(PATH, within=5.0) == b"[]"


def test_a_ca_file_that_is_not_there_is_named(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    with FakeBroker(tls=certificate) as broker:
        error = failure(endpoint(broker.url, tls=TlsConfig(ca_file=tmp_path / "gone.pem")))
    assert "gone.pem" in error.reason


def test_http_on_a_tls_port_and_tls_on_a_plain_one(certificate: tuple[Path, Path], broker: FakeBroker) -> None:
    with FakeBroker(tls=certificate) as secure:
        assert failure(endpoint(secure.url.replace("https", "http")), within=2.0).kind is CallFailure.ERROR
    plain = failure(endpoint(broker.url.replace("http", "https")), within=2.0)
    assert "TLS failed" in plain.reason


def test_a_broker_that_demands_a_certificate_gets_the_configured_one(
    certificate: tuple[Path, Path], monitor: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = monitor
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    with FakeBroker(tls=certificate, client_ca=cert) as broker:
        broker.serve(PATH, b"[]")
        for shown in (TlsConfig(cert_file=cert, key_file=key, verify=False), TlsConfig(cert_file=both, verify=False)):
            assert endpoint(broker.url, tls=shown).get(PATH, within=5.0) == b"[]"
        whole = TlsConfig(ca_file=certificate[0], cert_file=cert, key_file=key)
        assert endpoint(broker.url, tls=whole).get(PATH, within=5.0) == b"[]"
        assert broker.asked(PATH) == 3


def test_a_missing_or_a_strange_client_certificate_is_said(
    certificate: tuple[Path, Path], monitor: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = self_signed(tmp_path, "stranger")
    with FakeBroker(tls=certificate, client_ca=monitor[0]) as broker:
        broker.serve(PATH, b"[]")
        for shown in ({}, {"cert_file": cert, "key_file": key}):
            reason = failure(endpoint(broker.url, tls=TlsConfig(ca_file=certificate[0], **shown))).reason
            # in the words of the server's alert, or of a connection that ended before it was read
            assert "client certificate" in reason
            assert "tls.cert_file" in reason
        assert broker.calls == []


def test_files_of_a_client_certificate_that_cannot_be_used_are_named(
    certificate: tuple[Path, Path], monitor: tuple[Path, Path], tmp_path: Path
) -> None:
    locked = self_signed(tmp_path, "locked", "-passout", "pass:secret")
    with FakeBroker(tls=certificate, client_ca=monitor[0]) as broker:
        gone = failure(endpoint(broker.url, tls=TlsConfig(ca_file=certificate[0], cert_file=tmp_path / "gone.pem")))
        assert "gone.pem" in gone.reason
        mixed = TlsConfig(ca_file=certificate[0], cert_file=monitor[0], key_file=certificate[1])
        assert "tls.key_file is not the key of tls.cert_file" in failure(endpoint(broker.url, tls=mixed)).reason
        asked = TlsConfig(ca_file=certificate[0], cert_file=locked[0], key_file=locked[1])
        assert "tls.key_file is encrypted" in failure(endpoint(broker.url, tls=asked)).reason


@pytest.mark.parametrize("url", ["http://nobody.invalid:15672", "http://127.0.0.1:9"])
def test_what_surely_nobody_heard_is_told_from_a_doubt(url: str, broker: FakeBroker) -> None:
    with pytest.raises(UnsentError) as unsent:
        endpoint(url).send("PUT", "/api/x", {}, within=2.0)
    assert PASSWORD not in unsent.value.reason
    broker.serve("/api/x", HangUp())
    with pytest.raises(CallError) as doubt:
        endpoint(broker.url).send("PUT", "/api/x", {}, within=2.0)
    assert not isinstance(doubt.value, UnsentError)


def test_a_server_that_is_not_trusted_hears_nothing(certificate: tuple[Path, Path]) -> None:
    with FakeBroker(tls=certificate) as strange:
        with pytest.raises(UnsentError, match="not trusted"):
            endpoint(strange.url).send("POST", "/api/x", {}, within=5.0)
        assert strange.written == []


def test_each_change_is_sent_over_a_connection_of_its_own(broker: FakeBroker) -> None:
    broker.serve("/api/x", Answer(status=204))
    asked = endpoint(broker.url)
    assert [asked.send("PUT", "/api/x", {"a": "ü"}, within=5.0).status for _ in range(3)] == [204] * 3
    assert broker.connections == 3
    assert broker.written == [("PUT", "/api/x", b'{"a": "\\u00fc"}')] * 3


def test_the_password_of_a_change_goes_to_no_other_address(broker: FakeBroker) -> None:
    with FakeBroker() as elsewhere:
        broker.serve("/api/x", Answer(status=307, headers={"Location": f"{elsewhere.url}/api/x"}))
        assert endpoint(broker.url).send("PUT", "/api/x", {}, within=5.0).status == 307
        assert elsewhere.calls == []
