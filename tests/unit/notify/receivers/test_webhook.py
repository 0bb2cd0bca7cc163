"""The webhook against a server that fails in every way: what is tried again, what is not, and what is never said."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.support.notices import NOW, alert, notice
from tests.support.webhookserver import Hang, Raw, Reaction, Reply, Reset, WebhookServer

from rabbitwatch.config.receivers import HttpAuth, ReceiverConfig, WebhookConfig
from rabbitwatch.config.trust import TlsConfig
from rabbitwatch.errors import ConfigError, DeliveryError
from rabbitwatch.notify.receivers import webhook
from rabbitwatch.notify.receivers.http import retry_after
from rabbitwatch.notify.receivers.payload import payload, rfc3339
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools

PATH = "/services/T000/s3cr3t-path?token=s3cr3t-query"


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as running:
        yield running


def sender(server: WebhookServer, path: str = PATH, timeout: float = 5.0, **more: Any) -> webhook.WebhookSender:
    config = WebhookConfig(url=SecretStr(server.url + path), timeout=timeout, **more)
    return webhook.make(config, Tools(now=lambda: NOW))


def failure(server: WebhookServer, *reactions: Reaction, timeout: float = 5.0) -> DeliveryError:
    if reactions:
        server.answer(PATH, *reactions)
    with pytest.raises(DeliveryError) as caught:
        sender(server, timeout=timeout).send(notice(), {}, "id-1")
    assert "s3cr3t" not in str(caught.value)
    return caught.value


def test_what_arrives(server: WebhookServer) -> None:
    assert sender(server).send(notice(alert(queue="q"), alert(ended=True)), {}, "id-1") == {}
    [post] = server.posts
    assert post.path == PATH
    assert post.headers["content-type"] == "application/json"
    assert post.headers["idempotency-key"] == "id-1"
    assert post.headers["user-agent"].startswith("rabbitwatch/")
    assert post.json() == {
        "version": "4",
        "groupKey": '{}:{cluster="orders"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "team",
        "groupLabels": {"cluster": "orders"},
        "commonLabels": {"alertname": "QueueDeep", "cluster": "orders", "severity": "warning"},
        "commonAnnotations": {},
        "externalURL": "http://agent:9419",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "QueueDeep", "cluster": "orders", "queue": "q", "severity": "warning"},
                "annotations": {"summary": "q is deep"},
                "startsAt": "2023-11-14T22:09:20Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://agent:9419/graph?g0.expr=up&g0.tab=1",
                "fingerprint": alert(queue="q").fingerprint,
            },
            {
                "status": "resolved",
                "labels": {"alertname": "QueueDeep", "cluster": "orders", "severity": "warning"},
                "annotations": {"summary": "a queue is deep"},
                "startsAt": "2023-11-14T22:09:20Z",
                "endsAt": "2023-11-14T22:12:20Z",
                "generatorURL": "http://agent:9419/graph?g0.expr=up&g0.tab=1",
                "fingerprint": alert().fingerprint,
            },
        ],
    }


def test_max_alerts_cuts_and_says_how_many(server: WebhookServer) -> None:
    alerts = [alert(queue=f"q{number}") for number in range(5)]
    sender(server, max_alerts=2).send(notice(*alerts), {}, "")
    document = server.posts[0].json()
    assert [each["labels"]["queue"] for each in document["alerts"]] == ["q0", "q1"]
    assert document["truncatedAlerts"] == 3
    assert "idempotency-key" not in server.posts[0].headers


@pytest.mark.parametrize("limit", [0, 2, 3])
def test_nothing_is_cut_where_all_have_room(limit: int) -> None:
    document = payload(notice(alert(queue="a"), alert(queue="b")), limit)
    assert (len(document["alerts"]), document["truncatedAlerts"]) == (2, 0)


def test_a_hostile_queue_name_stays_one_json_string(server: WebhookServer) -> None:
    hostile = '"}],"x":[{"\r\n\x00\u202e<script>\ud83d\ude00'.encode("utf-16", "surrogatepass").decode("utf-16")
    sender(server).send(notice(alert(queue=hostile)), {}, "id")
    assert server.posts[0].json()["alerts"][0]["labels"]["queue"] == hostile


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_refusal_is_for_good(server: WebhookServer, status: int) -> None:
    error = failure(server, Reply(status, b"no such channel"))
    assert error.permanent
    assert str(error) == f"{server.url} answered with status {status}: no such channel"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(server: WebhookServer, status: int) -> None:
    error = failure(server, Reply(status, b""))
    assert not error.permanent
    assert error.retry_after is None
    assert str(error) == f"{server.url} answered with status {status}"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 30),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
    ],
)
def test_retry_after_is_read(server: WebhookServer, status: int, header: dict[str, str], seconds: float | None) -> None:
    got = failure(server, Reply(status, b"", header)).retry_after
    assert got == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        # the other side's clock is an hour ahead: what counts is the difference between its own two times
        ({"retry-after": "Tue, 14 Nov 2023 23:14:20 GMT", "date": "Tue, 14 Nov 2023 23:13:20 GMT"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT", "date": "yesterday"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 -0000"}, 60),
        ({"retry-after": "Tue, 14 Nov 1999 22:14:20 GMT"}, 0),
        ({"retry-after": "9" * 400}, 999_999_999),
        ({"retry-after": "٣"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_as_a_date_counts_from_the_answers_own_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_a_refusal_for_good_is_not_put_off_by_retry_after(server: WebhookServer) -> None:
    assert failure(server, Reply(400, b"", {"Retry-After": "5"})).retry_after is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed_for_they_would_carry_the_notice_elsewhere(
    server: WebhookServer, status: int
) -> None:
    with WebhookServer() as elsewhere:
        error = failure(server, Reply(status, b"", {"Location": f"{elsewhere.url}/login?token=s3cr3t"}))
        assert not elsewhere.posts
    assert error.permanent
    assert f"redirects to {elsewhere.url}, which is not followed" in str(error)


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (Hang(), "gave no answer within 0.5 s"),
        (Reset(), "closed the connection"),
        (Raw([]), "closed the connection"),
        (Raw([b"220 mail.example.org ESMTP\r\n"]), "spoke no HTTP"),
        (Raw([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"]), "truncated"),
        (Raw([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n"]), ""),
        (Raw([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"]), "compression is broken"),
    ],
)
def test_what_is_no_answer_is_tried_again(server: WebhookServer, reaction: Reaction, words: str) -> None:
    error = failure(server, reaction, timeout=0.5)
    assert not error.permanent
    assert words in str(error)
    assert server.url in str(error)


def test_nobody_listens(server: WebhookServer) -> None:
    with WebhookServer() as gone:
        pass
    error = failure(gone)
    assert not error.permanent
    assert "refuses the connection" in str(error)


def test_a_huge_answer_is_not_read_to_its_end(server: WebhookServer) -> None:
    server.answer(PATH, Raw([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 200], pause=0.02))
    began = time.monotonic()
    sender(server).send(notice(), {}, "id")
    assert time.monotonic() - began < 3


def test_a_body_that_drips_costs_its_timeout_and_no_more(server: WebhookServer) -> None:
    server.answer(PATH, Raw([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 1000], pause=0.1))
    began = time.monotonic()
    sender(server, timeout=0.5).send(notice(), {}, "id")
    assert time.monotonic() - began < 5


def test_headers_that_drip_are_given_up_by_the_integration(server: WebhookServer) -> None:
    server.answer("/drip", Raw([b"HTTP/1.1 200 OK\r\n", *[b"x"] * 3000], pause=0.05))
    config = WebhookConfig(url=SecretStr(server.url + "/drip"), timeout=0.2)
    made = integrations([ReceiverConfig(name="team", webhook_configs=(config,))], Tools())
    began = time.monotonic()
    outcome = made["team"][0].once(notice())
    assert outcome.why == "no end within 5.4 s"
    assert time.monotonic() - began < 20


def test_who_it_is(server: WebhookServer) -> None:
    auth = HttpAuth(username="Jürgen", password=SecretStr("pass:wörd"))
    sender(server, http=auth).send(notice(), {}, "id")
    auth = HttpAuth(bearer_token=SecretStr("tok"), headers={"X-Team": "blue", "User-Agent": "mine"})
    sender(server, http=auth).send(notice(), {}, "id")
    first, second = (post.headers for post in server.posts)
    assert first["authorization"] == "Basic SsO8cmdlbjpwYXNzOnfDtnJk"
    assert second["authorization"] == "Bearer tok"
    assert (second["x-team"], second["user-agent"]) == ("blue", "mine")


def test_a_proxy_is_used_where_one_is_configured_and_not_from_the_environment(
    server: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    sender(server).send(notice(), {}, "id")
    config = WebhookConfig(
        url=SecretStr("http://webhook.invalid/hook"), http=HttpAuth(proxy_url=server.url), timeout=5.0
    )
    webhook.make(config, Tools()).send(notice(), {}, "id")
    assert server.posts[1].path == "http://webhook.invalid/hook"


def test_tls_is_checked_against_the_given_authority(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    with WebhookServer((cert, key)) as server:
        error = failure(server)
        assert "the certificate is not trusted" in str(error)
        assert not error.permanent
        sender(server, http=HttpAuth(tls=TlsConfig(ca_file=cert))).send(notice(), {}, "id")
        sender(server, http=HttpAuth(tls=TlsConfig(verify=False))).send(notice(), {}, "id")
        assert len(server.posts) == 2


@pytest.mark.parametrize(
    "url", ["", "hook", "ftp://s3cr3t.example.org/x", "http://", "http:///s3cr3t", "http://a:b:c/s3cr3t"]
)
def test_an_address_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match="url is no address; write it like https://") as caught:
        webhook.make(WebhookConfig(url=SecretStr(url)), Tools())
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "auth",
    [
        HttpAuth(headers={"X-A": "s3cr3t\r\nB: c"}),
        HttpAuth(bearer_token=SecretStr("s3cr3t\n")),
        HttpAuth(bearer_token=SecretStr("s3cr3t→")),
    ],
)
def test_a_header_that_would_forge_another_is_refused(auth: HttpAuth) -> None:
    with pytest.raises(ConfigError, match="holds a character that no header may hold") as caught:
        webhook.make(WebhookConfig(url=SecretStr("http://host/"), http=auth), Tools())
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "2023-11-14T22:13:20Z"),
        (NOW + 0.5, "2023-11-14T22:13:20.5Z"),
        (NOW + 0.1239, "2023-11-14T22:13:20.124Z"),
        (NOW + 0.9999, "2023-11-14T22:13:21Z"),
    ],
)
def test_times_are_spelt_as_go_spells_them(at: float, text: str) -> None:
    assert rfc3339(at) == text


def test_the_document_survives_a_round_trip() -> None:
    document = payload(notice(alert(queue="ö"), alert(ended=True)))
    assert json.loads(json.dumps(document)) == document
