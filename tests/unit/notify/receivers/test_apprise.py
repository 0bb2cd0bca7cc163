"""The many services behind apprise: what they are told, that no queue's name becomes markup, that no token is said."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from tests.support.notices import alert, notice
from tests.support.webhookserver import Hang, Reaction, Reply, Reset, WebhookServer

from rabbitwatch.config.receivers import AppriseConfig, ReceiverConfig
from rabbitwatch.errors import ConfigError, DeliveryError
from rabbitwatch.notify.receivers import apprise as receiver
from rabbitwatch.notify.receivers.base import Ending
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools

HOSTILE = "<script>alert(1)</script> **b** [a](http://evil.example/) @everyone `x` <!channel> &lt;i&gt;"
TOKEN = "s3cr3t-t0ken"


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as running:
        yield running


def address(server: WebhookServer, path: str = f"/hook/{TOKEN}", query: str = "") -> str:
    return f"json://user:{TOKEN}@{server.url.removeprefix('http://')}{path}{query}"


def make(url: str, timeout: float = 5.0, **more: Any) -> receiver.AppriseSender:
    return receiver.make(AppriseConfig(url=SecretStr(url), timeout=timeout, **more), Tools())


def test_it_arrives(server: WebhookServer) -> None:
    assert make(address(server)).send(notice(alert(queue="orders.created")), {}, "id") == {}
    document = server.posts[0].json()
    assert document["title"] == "[FIRING:1] QueueDeep orders"
    assert "<strong>orders.created is deep</strong>" in document["message"]
    assert document["type"] == "warning"


@pytest.mark.parametrize(
    ("labels", "kind"), [({"severity": "critical"}, "failure"), ({"severity": "info"}, "info"), ({}, "warning")]
)
def test_the_kind_follows_the_severity(server: WebhookServer, labels: dict[str, str], kind: str) -> None:
    make(address(server)).send(notice(alert(**labels)), {}, "id")
    assert server.posts[0].json()["type"] == kind


def test_the_end_is_a_success(server: WebhookServer) -> None:
    make(address(server)).send(notice(alert(ended=True)), {}, "id")
    document = server.posts[0].json()
    assert document["type"] == "success"
    assert document["title"].startswith("[RESOLVED]")


@pytest.mark.parametrize("query", ["", "?format=html", "?format=markdown", "?format=text"])
def test_no_queue_name_becomes_markup(server: WebhookServer, query: str) -> None:
    make(address(server, query=query)).send(notice(alert(queue=HOSTILE)), {}, "id")
    message = server.posts[0].json()["message"]
    assert "](http://evil.example/)" not in message.replace("\\](", "")
    assert "http://evil" not in message
    assert "@everyone" not in message
    if query in {"", "?format=html"}:
        assert "<script" not in message
        assert "<b>" not in message
        assert "<strong>b</strong>" not in message
        assert "<i>" not in message


@pytest.mark.parametrize(
    "url",
    [
        f"discord://123456789012345678/{TOKEN}",
        "tgram://123456789:abcdefg_hijklmnop-ABCDEFGHIJKLMNOPQ/-1001234/",
        f"workflows://host/{TOKEN}/signature",
    ],
)
def test_services_get_the_format_that_is_safe_for_them_and_fits(url: str) -> None:
    sender = make(url)
    title, body = sender._words(notice(*[alert(queue=f"{HOSTILE}{number}") for number in range(500)]))
    assert len(title) + len(body) <= sender._service.body_maxlen
    assert "500" in title + body
    assert "http://evil" not in body
    assert body.count("is deep") >= 1
    assert "more" in body
    if url.startswith("tgram"):
        assert title == ""
        assert "<script" not in body
        assert body.startswith("<p><strong>[FIRING:500]")
    else:
        assert "<script" not in body.replace("\\<", "")
        assert "**b**" not in body


@pytest.mark.parametrize(
    ("reaction", "permanent"),
    [
        (Reply(400), True),
        (Reply(401), True),
        (Reply(404), True),
        (Reply(429), False),
        (Reply(500), False),
        (Reply(503), False),
        (Hang(), False),
        (Reset(), False),
    ],
)
def test_failures_are_told_apart_and_hold_no_token(server: WebhookServer, reaction: Reaction, permanent: bool) -> None:
    server.answer(f"/hook/{TOKEN}", reaction)
    with pytest.raises(DeliveryError, match="JSON") as caught:
        make(address(server), timeout=0.5).send(notice(), {}, "id")
    assert caught.value.permanent is permanent
    assert TOKEN not in str(caught.value)


class Root(logging.Handler):
    """What comes out of the agent's log. (caplog would also take what does not reach the root.)"""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.names.append(record.name.partition(".")[0])


def test_apprises_own_log_stays_out_of_the_agents(server: WebhookServer) -> None:
    server.answer(f"/hook/{TOKEN}", Reply(500, TOKEN.encode()))
    sender = make(address(server))
    log, before, root = logging.getLogger(), logging.getLogger("apprise").handlers[:], Root()
    level = log.level
    log.addHandler(root)
    log.setLevel(logging.WARNING)  # another test may have left it elsewhere
    try:
        log.warning("heard")
        with pytest.raises(DeliveryError):
            sender.send(notice(), {}, "id")
    finally:
        log.setLevel(level)
        log.removeHandler(root)
    assert "root" in root.names
    assert "apprise" not in root.names
    assert logging.getLogger("apprise").handlers == before


def test_what_others_complain_of_at_the_same_time_is_not_taken_for_ours() -> None:
    log = logging.getLogger("apprise")
    with receiver._Heard() as heard:
        other = threading.Thread(target=log.warning, args=("of another message",))
        other.start()
        other.join()
        log.warning("of %s", "ours")
    assert heard.lines == ["of ours"]


def test_a_whole_integration_says_no_token(server: WebhookServer) -> None:
    server.answer(f"/hook/{TOKEN}", Reply(500))
    config = AppriseConfig(url=SecretStr(address(server)))
    made = integrations([ReceiverConfig(name="team", apprise_configs=(config,))], Tools())
    outcome = made["team"][0].once(notice())
    assert outcome.ending is Ending.FAILED
    assert "error=500" in outcome.why
    assert TOKEN not in outcome.why


def test_a_service_that_hangs_is_waited_for_as_long_as_configured(server: WebhookServer) -> None:
    server.answer(f"/hook/{TOKEN}", Hang())
    sender = make(address(server), timeout=0.5)
    service = sender._service
    assert (service.socket_connect_timeout, service.socket_read_timeout) == (0.5, 0.5)


@pytest.mark.parametrize("url", ["", "nosuch://s3cr3t", "msteams://s3cr3t", "s3cr3t", "tgram://s3cr3t"])
def test_an_address_that_apprise_does_not_understand_is_refused_unquoted(url: str) -> None:
    with pytest.raises(ConfigError, match="url is none that apprise understands") as caught:
        make(url)
    assert "s3cr3t" not in str(caught.value)


def test_without_the_package_the_remedy_is_said() -> None:
    def load(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    config = AppriseConfig(url=SecretStr("json://localhost"))
    with pytest.raises(ConfigError, match=r"not installed: pip install rabbitwatch\[apprise\]"):
        receiver.make(config, Tools(), load)


def test_own_texts_are_used(server: WebhookServer) -> None:
    make(address(server), title="{{ status }}!", text="**{{ alerts[0].labels.queue }}**").send(
        notice(alert(queue="*q*")), {}, "id"
    )
    document = json.loads(server.posts[0].body)
    assert document["title"] == "firing!"
    assert document["message"] == "<p><strong>*q*</strong></p>"
