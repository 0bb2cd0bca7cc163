"""Mail to any number of people through one SMTP server.

A reply 4xx and a lost connection are tried again, 5xx is not. A server that takes some recipients and refuses others
for now gets the mail again for these only.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import structlog

from rabbitwatch.clients.wording import readable
from rabbitwatch.config.receivers import EmailConfig
from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.mail import MailWriter
from rabbitwatch.notify.receivers.smtp import Conversation, client_context, encoded
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import Texts, own_texts
from rabbitwatch.redaction import Redactor

_REMEMBERED = 256
_PERMANENT = range(500, 600)

_log = structlog.get_logger(__name__)

Refused = Mapping[str, tuple[int, bytes]]


class EmailSender:
    """See the module. host, port: of the server."""

    def __init__(self, config: EmailConfig, texts: Texts) -> None:
        host, _, port = config.smarthost.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._config = config
        self._writer = MailWriter(config, texts)
        self._context = client_context(config.tls)
        self._left: dict[str, list[str]] = {}
        self._password = config.auth_password.get_secret_value() if config.auth_password else ""
        user = config.auth_username or ""
        self._redact = Redactor([self._password, encoded(f"\0{user}\0{self._password}")] if self._password else [])

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender; the mail's id follows from `attempt`."""
        mail, remember = self._writer.write(notice, memory, attempt)
        recipients = self._left.get(attempt, self._writer.recipients)
        refused = self._hand_over(mail, recipients)
        self._left.pop(attempt, None)
        later = [to for to, (code, _) in refused.items() if code not in _PERMANENT]
        never = [to for to in refused if to not in later]
        if never:
            _log.error("mail recipient refused", recipients=never, why=self._first(refused, never))
        if later:
            self._remember(attempt, later)
            raise DeliveryError(f"{self._where} refuses {', '.join(later)} for now: {self._first(refused, later)}")
        return remember

    def close(self) -> None:
        """Nothing is kept open."""

    @property
    def _where(self) -> str:
        return f"mail server {self._config.smarthost}"

    def _hand_over(self, mail: EmailMessage, recipients: list[str]) -> Refused:
        """Whom the server refused, some but not all; DeliveryError when nobody gets the mail."""
        config = self._config
        client = Conversation(config.hello, config.timeout)
        try:
            with client.deadline():
                client.open(self._host, self._port, config.encryption, self._context)
                if config.auth_username:
                    client.authenticate(config.auth_username, self._password)
                refused = client.sendmail(self._writer.sender, recipients, *self._on_the_wire(mail, recipients))
                self._farewell(client)
                return refused
        except (smtplib.SMTPException, OSError) as error:
            raise self._failure(error, client.late) from None

    def _on_the_wire(self, mail: EmailMessage, recipients: list[str]) -> tuple[bytes, list[str]]:
        """Addresses beyond ASCII need a server that knows them."""
        if all(address.isascii() for address in (self._writer.sender, *recipients)):
            return mail.as_bytes(policy=SMTP), []
        return mail.as_bytes(policy=SMTPUTF8), ["SMTPUTF8"]

    def _farewell(self, client: Conversation) -> None:
        """The mail is accepted, whatever becomes of the connection now."""
        try:
            client.quit()
        except (smtplib.SMTPException, OSError) as error:
            _log.debug("mail server ended the connection rudely", server=self._config.smarthost, error=str(error))

    def _remember(self, attempt: str, recipients: list[str]) -> None:
        if len(self._left) >= _REMEMBERED:
            self._left.pop(next(iter(self._left)))
        self._left[attempt] = recipients

    def _first(self, refused: Refused, some: list[str]) -> str:
        code, message = refused[some[0]]
        return self._told(code, message)

    def _told(self, code: int, message: bytes | str) -> str:
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
        return f"{code} {readable(self._redact(text), 160)}".strip()

    def _failure(self, error: Exception, late: bool) -> DeliveryError:
        where = self._where
        if late or isinstance(error, TimeoutError):
            return DeliveryError(f"{where} was not done within {self._config.timeout:.3g} s")
        match error:
            case smtplib.SMTPRecipientsRefused():
                permanent = all(code in _PERMANENT for code, _ in error.recipients.values())
                some = self._first(error.recipients, list(error.recipients))
                return DeliveryError(f"{where} refuses every recipient: {some}", permanent=permanent)
            case smtplib.SMTPAuthenticationError():
                told = self._told(error.smtp_code, error.smtp_error)
                reason = f"{where} refuses the login of {self._config.auth_username}: {told}"
                return DeliveryError(reason, permanent=error.smtp_code in _PERMANENT)
            case smtplib.SMTPResponseException():
                told = self._told(error.smtp_code, error.smtp_error)
                return DeliveryError(f"{where} answers {told}", permanent=error.smtp_code in _PERMANENT)
            case smtplib.SMTPNotSupportedError():
                reason = f"{where} {self._redact(str(error))}; encryption is {self._config.encryption}"
                return DeliveryError(reason, permanent=True)
            case ssl.SSLCertVerificationError():
                reason = f"{where}: its certificate is not trusted: {readable(error.verify_message, 120)}"
                return DeliveryError(f"{reason}; set tls.ca_file to its issuer's certificate")
            case ssl.SSLError():
                return DeliveryError(f"{where}: TLS failed ({error.reason}); encryption is {self._config.encryption}")
            case socket.gaierror():
                return DeliveryError(f"{where}: this host name cannot be resolved here (DNS)")
            case ConnectionRefusedError():
                return DeliveryError(f"{where} refuses the connection: is it running?")
        return DeliveryError(f"{where} cannot be used: {readable(self._redact(str(error)), 160)}")


def make(config: EmailConfig, tools: Tools) -> EmailSender:
    """See table.KINDS."""
    return EmailSender(config, tools.texts.with_own(own_texts("email", config), where="email_configs"))
