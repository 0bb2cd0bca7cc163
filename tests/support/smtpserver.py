"""A real mail server on a free port of the loopback, which a test tells what to do wrong.

with SmtpServer(tls=server_context, mode="starttls", login=("agent", "password")) as server:
    server.answer("RCPT", "451 later")      # the next one only
    ...
    server.mails[0].recipients
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DISCONNECT = "disconnect"
HANG = "hang"


@dataclass(frozen=True)
class Mail:
    """One accepted mail. secure: whether it came over TLS. login: the user that had logged in."""

    sender: str
    recipients: list[str]
    data: bytes
    secure: bool
    login: str

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.data, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def body(self, kind: Literal["plain", "html"]) -> str:
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")


class SmtpServer:
    """mode: `none`, `starttls` (offered, and demanded before a login or a mail), or `tls` from the first byte."""

    def __init__(
        self,
        *,
        mode: Literal["none", "starttls", "tls"] = "none",
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        mechanisms: frozenset[str] = frozenset({"PLAIN", "LOGIN"}),
    ) -> None:
        self.mails: list[Mail] = []
        self.sessions = 0
        self._answers: dict[str, deque[str]] = defaultdict(deque)
        self._login = login
        options: dict[str, Any] = {"enable_SMTPUTF8": True}
        if mode == "starttls":
            options |= {"tls_context": tls, "require_starttls": True}
        if login is not None:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": mode == "starttls",
                "auth_require_tls": mode == "starttls",
                "auth_exclude_mechanism": {"PLAIN", "LOGIN"} - mechanisms,
            }
        self._options = options
        self._tls = tls if mode == "tls" else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = int(listening.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        def connected() -> SMTP:
            return SMTP(self, loop=self._loop, **self._options)

        return await self._loop.create_server(connected, "127.0.0.1", 0, ssl=self._tls)

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, command: str, *replies: str) -> None:
        """The next replies to MAIL, RCPT or DATA (after the mail's end): `451 …`, `550 …`, DISCONNECT or HANG; empty
        is as usual."""
        self._answers[command].extend(replies)

    # what aiosmtpd calls by these names

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._planned("MAIL", server)
        if not reply:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._planned("RCPT", server)
        if not reply:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = await self._planned("DATA", server)
        if reply:
            return reply
        content = envelope.original_content
        assert isinstance(content, bytes)
        user = getattr(session.auth_data, "login", b"").decode()
        secure = server.transport.get_extra_info("ssl_object") is not None
        self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), content, secure, user))
        return "250 OK"

    async def _planned(self, command: str, server: SMTP) -> str:
        reply = self._answers[command].popleft() if self._answers[command] else ""
        if reply == DISCONNECT:
            server.transport.abort()
            return "421 gone"
        if reply == HANG:
            await asyncio.sleep(60)
        return reply

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        assert self._login is not None
        right = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=right, handled=False, auth_data=data)
