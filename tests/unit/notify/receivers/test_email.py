"""Mail against a real mail server: privacy, threads, headers, and what is tried again."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.smtpserver import DISCONNECT, HANG, SmtpServer

from rabbitwatch.config.receivers import EmailConfig
from rabbitwatch.errors import ConfigError, DeliveryError
from rabbitwatch.model.notice import Notice, OutAlert, Reason
from rabbitwatch.notify.receivers import email
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.texts.samples import sample

PASSWORD = "pässword-never-shown"
HOSTILE = "x\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script> <!channel> \u202egnp.exe http://evil.example/"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", str(folder / "cert.pem"), "-keyout", str(folder / "key.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return server


@pytest.fixture
def plain() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def sender(server: SmtpServer | str, **keys: Any) -> email.EmailSender:
    config = {
        "to": "On Call <oncall@example.org>",
        "from": "rabbitwatch@example.org",
        "smarthost": server if isinstance(server, str) else server.address,
        "encryption": "none",
        "timeout": "10s",
    }
    return email.make(EmailConfig.model_validate(config | keys), Tools())


@contextmanager
def _dripping(listener: socket.socket) -> Iterator[None]:
    """Accepts one connection and greets it for ever, a byte at a time."""
    over = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while not over.wait(0.05):
                connection.send(b"2")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def failure(made: email.EmailSender, notice: Notice | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        made.send(notice or sample(), {}, "attempt-0001")
    return raised.value


def hostile() -> Notice:
    name = HOSTILE + "q" * 10_000
    labels = {"alertname": "RabbitMQQueueDeep", "queue": name, "severity": "critical"}
    annotations = {"summary": f"{name} is deep", "description": f"Queue {name}", "runbook_url": "javascript:alert(1)"}
    alert = OutAlert(labels=labels, annotations=annotations, starts_at=1.7e9, ends_at=None, updated_at=1.7e9)
    return replace(sample(), alerts=[alert], group_labels={"queue": name})


def test_a_mail_has_text_and_html_and_the_headers_that_programs_need(plain: SmtpServer) -> None:
    sender(plain, headers={"X-Team": "queues"}).send(sample(), {}, "attempt-0001")
    (mail,) = plain.mails
    message = mail.message
    assert (mail.sender, mail.recipients) == ("rabbitwatch@example.org", ["oncall@example.org"])
    assert message["From"] == "rabbitwatch@example.org"
    assert message["To"] == "On Call <oncall@example.org>"
    assert message["Subject"] == "[FIRING:1] SampleAlert orders"
    assert message["Message-ID"] == "<attempt-0001@example.org>"
    assert message["Date"].datetime.timestamp() == sample().at
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Rabbitwatch-Status"] == "firing"
    assert message["Importance"] == "high"
    assert message["X-Team"] == "queues"
    assert message["In-Reply-To"] is None
    assert message.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        assert "orders.created in vhost / of orders holds 12345 messages" in mail.body(kind)  # type: ignore[arg-type]
        assert "https://runbooks.example.org/SampleAlert" in mail.body(kind)  # type: ignore[arg-type]
    assert mail.data.isascii()
    assert max(map(len, mail.data.splitlines())) < 998


def test_the_html_asks_no_one_for_anything(plain: SmtpServer) -> None:
    sender(plain).send(sample(), {}, "attempt-0001")
    html = plain.mails[0].body("html").lower()
    assert "<a " in html
    for outside in ("<img", "<link", "<script", "src=", "url(", "@import", "<form", "<iframe"):
        assert outside not in html


def test_a_groups_mails_make_one_thread(plain: SmtpServer) -> None:
    mailer = sender(plain)
    memory = mailer.send(sample(), {}, "attempt-0001")
    memory = mailer.send(sample(), memory, "attempt-0002")
    mailer.send(sample(), memory, "attempt-0003")
    first, second, third = (mail.message for mail in plain.mails)
    assert first["In-Reply-To"] is None
    for later in (second, third):
        assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert len({message["Message-ID"] for message in (first, second, third)}) == 3


def test_the_same_attempt_is_the_same_mail(plain: SmtpServer) -> None:
    for _ in range(2):
        sender(plain).send(sample(), {}, "oncall/email[0] 17\r\nX: y")
    one, other = (mail.message for mail in plain.mails)
    assert one["Message-ID"] == other["Message-ID"]
    assert "oncall" not in one["Message-ID"]


def test_a_hostile_memory_is_no_header(plain: SmtpServer) -> None:
    sender(plain).send(sample(), {"thread": "<a@b>\r\nBcc: victim@example.org"}, "attempt-0001")
    message = plain.mails[0].message
    assert message["Bcc"] is None
    assert message["In-Reply-To"] is None


def test_a_hostile_queue_name_is_only_text(plain: SmtpServer) -> None:
    sender(plain).send(hostile(), {}, "attempt-0001")
    (mail,) = plain.mails
    message = mail.message
    assert message["Bcc"] is None
    assert mail.recipients == ["oncall@example.org"]
    assert len(message["Subject"]) <= 250
    assert "\\r\\nBcc: victim@example.org" in message["Subject"]
    html = mail.body("html")
    assert "<script" not in html.lower()
    assert "&lt;script&gt;" in html
    assert "javascript:" not in html.replace("What to do: javascript:", "")
    assert 'href="javascript' not in html
    assert len(mail.data) < 60_000
    for text in (html, mail.body("plain"), message["Subject"]):
        assert "\u202e" not in text
        assert "http://evil" not in text
    assert not any(line.startswith("Bcc") for line in mail.body("plain").splitlines())


def test_many_alerts_are_cut_and_counted(plain: SmtpServer) -> None:
    alerts = [
        OutAlert(
            labels={"alertname": "RabbitMQQueueDeep", "queue": f"queue-{number}", "severity": "warning"},
            annotations={"summary": f"queue-{number} is deep"},
            starts_at=1.7e9 + number,
            ends_at=None,
            updated_at=1.7e9,
        )
        for number in range(57)
    ]
    sender(plain).send(replace(sample(), alerts=alerts), {}, "attempt-0001")
    for kind in ("plain", "html"):
        text = plain.mails[0].body(kind)  # type: ignore[arg-type]
        assert "queue-19 is deep" in text
        assert "queue-20 is deep" not in text
        assert "and 37 more" in text


def test_own_words(plain: SmtpServer) -> None:
    mailer = sender(
        plain, subject="{{ status }}: {{ names|join(' and ') }}", text="T {{ receiver }}", html="<i>{{ now }}"
    )
    mailer.send(sample(), {}, "attempt-0001")
    (mail,) = plain.mails
    assert mail.message["Subject"] == "firing: SampleAlert"
    assert mail.body("plain") == "T sample\n"
    assert mail.body("html") == f"<i>{sample().at}\n"


def test_starttls_is_verified_and_the_login_goes_through_it(certificate: Path, context: ssl.SSLContext) -> None:
    with SmtpServer(mode="starttls", tls=context, login=("agent", PASSWORD)) as server:
        keys = {"encryption": "starttls", "auth_username": "agent", "auth_password": PASSWORD}
        refused = failure(sender(server, **keys))
        assert "not trusted" in refused.reason
        assert "tls.ca_file" in refused.reason
        assert not refused.permanent
        assert server.mails == []
        sender(server, **keys, tls={"ca_file": certificate}).send(sample(), {}, "attempt-0001")
        sender(server, **keys, tls={"verify": False}).send(sample(), {}, "attempt-0002")
        assert [(mail.secure, mail.login) for mail in server.mails] == [(True, "agent"), (True, "agent")]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_tls_from_the_first_byte(certificate: Path, context: ssl.SSLContext, mechanism: str) -> None:
    keys = {"encryption": "tls", "auth_username": "agent", "auth_password": PASSWORD, "tls": {"ca_file": certificate}}
    with SmtpServer(mode="tls", tls=context, login=("agent", PASSWORD), mechanisms=frozenset({mechanism})) as server:
        sender(server, **keys).send(sample(), {}, "attempt-0001")
        assert [(mail.secure, mail.login) for mail in server.mails] == [(True, "agent")]


def test_a_wrong_password_is_permanent_and_never_shown(certificate: Path, context: ssl.SSLContext) -> None:
    with SmtpServer(mode="starttls", tls=context, login=("agent", "another")) as server:
        keys = {"auth_username": "agent", "auth_password": PASSWORD, "tls": {"ca_file": certificate}}
        error = failure(sender(server, encryption="starttls", **keys))
    assert error.permanent
    assert "refuses the login of agent: 535" in error.reason
    assert PASSWORD not in error.reason


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_reason(
    certificate: Path, context: ssl.SSLContext
) -> None:
    sent = base64.b64encode(f"\0agent\0{PASSWORD}".encode()).decode()
    with SmtpServer(mode="starttls", tls=context, login=("agent", PASSWORD)) as server:
        server.answer("MAIL", f"550 you said {sent} and {base64.b64encode(PASSWORD.encode()).decode()}")
        keys = {"auth_username": "agent", "auth_password": PASSWORD, "tls": {"ca_file": certificate}}
        error = failure(sender(server, encryption="starttls", **keys))
    assert "550 you said <secret> and <secret>" in error.reason


def test_what_was_to_be_private_is_never_sent_in_the_clear(plain: SmtpServer) -> None:
    error = failure(sender(plain, encryption="starttls"))
    assert error.permanent
    assert "offers no STARTTLS" in error.reason
    assert plain.mails == []


def test_tls_to_a_server_that_speaks_none(plain: SmtpServer) -> None:
    error = failure(sender(plain, encryption="tls"))
    assert "TLS failed" in error.reason
    assert not error.permanent


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("reply", "permanent"), [("451 try later", False), ("550 no such user", True)])
def test_the_servers_word_decides_whether_it_is_tried_again(
    plain: SmtpServer, command: str, reply: str, permanent: bool
) -> None:
    plain.answer(command, reply)
    mailer = sender(plain)
    error = failure(mailer)
    assert error.permanent is permanent
    assert reply in error.reason
    assert plain.mails == []
    mailer.send(sample(), {}, "attempt-0002")
    assert len(plain.mails) == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_lost_connection_is_tried_again(plain: SmtpServer, command: str) -> None:
    plain.answer(command, DISCONNECT)
    error = failure(sender(plain))
    assert not error.permanent
    assert plain.address in error.reason


def test_a_server_that_hangs_is_left_in_time(plain: SmtpServer) -> None:
    plain.answer("DATA", HANG)
    began = time.monotonic()
    error = failure(sender(plain, timeout="500ms"))
    assert "within 0.5 s" in error.reason
    assert not error.permanent
    assert time.monotonic() - began < 5


def test_a_server_that_drips_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        mailer = sender(address, timeout="1s")
        with _dripping(listener):
            error = failure(mailer)
    assert "within 1 s" in error.reason
    assert time.monotonic() - began < 5


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(sender(f"127.0.0.1:{port}"))
    assert "refuses the connection" in error.reason
    assert not error.permanent


def test_only_those_that_were_refused_for_now_get_it_again(plain: SmtpServer) -> None:
    mailer = sender(plain, to="a@example.org, b@example.org, c@example.org")
    plain.answer("RCPT", "", "451 greylisted")
    error = failure(mailer)
    assert not error.permanent
    assert "b@example.org" in error.reason
    assert mailer.send(sample(), {}, "attempt-0001") == {"thread": "<attempt-0001@example.org>"}
    assert [mail.recipients for mail in plain.mails] == [["a@example.org", "c@example.org"], ["b@example.org"]]
    mailer.send(sample(), {}, "attempt-0002")
    assert len(plain.mails[-1].recipients) == 3


def test_one_wrong_recipient_does_not_keep_the_others_from_it(plain: SmtpServer) -> None:
    plain.answer("RCPT", "550 no such user")
    with capture_logs() as logs:
        sender(plain, to="gone@example.org, b@example.org").send(sample(), {}, "attempt-0001")
    assert [mail.recipients for mail in plain.mails] == [["b@example.org"]]
    assert [(line["event"], line["recipients"]) for line in logs] == [("mail recipient refused", ["gone@example.org"])]


def test_addresses_beyond_ascii(plain: SmtpServer) -> None:
    sender(plain, to="jürgen@example.org").send(sample(), {}, "attempt-0001")
    assert plain.mails[0].recipients == ["jürgen@example.org"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Bcc": "x@example.org"}, "cannot be replaced"),
        ({"X Team": "a"}, "no name of a header"),
        ({"X-Team": "a\r\nBcc: x@example.org"}, "one line"),
    ],
)
def test_headers_that_are_refused(headers: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        sender("127.0.0.1:25", headers=headers)


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=r"tls\.ca_file: .*ca\.pem"):
        sender("127.0.0.1:25", tls={"ca_file": tmp_path / "ca.pem"})
    with pytest.raises(ConfigError, match=r"tls\.ca_file: .*gone\.pem"):
        sender("127.0.0.1:25", tls={"ca_file": tmp_path / "gone.pem"})


def test_the_end_is_told(plain: SmtpServer) -> None:
    ended = [replace(alert, ends_at=alert.starts_at + 90) for alert in sample().alerts]
    sender(plain).send(replace(sample(), alerts=ended, reason=Reason.ALL_RESOLVED), {}, "attempt-0001")
    (mail,) = plain.mails
    assert mail.message["Subject"] == "[RESOLVED] SampleAlert orders"
    assert mail.message["Importance"] is None
    assert "1 m 30 s" in mail.body("plain")
