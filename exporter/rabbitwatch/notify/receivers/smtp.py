"""One conversation with an SMTP server: as private as configured or not at all, and over by its deadline.

smtplib knows time-outs per socket operation only, so a server that sends a byte now and then would hold a mail for
ever: at the deadline the connection is cut from outside. One wait is left: the resolver's own, which has no time-out.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from rabbitwatch.config.trust import TlsConfig
from rabbitwatch.errors import ConfigError

Encryption = Literal["starttls", "tls", "none"]


def client_context(tls: TlsConfig) -> ssl.SSLContext:
    """ConfigError, naming the file, when a certificate or key cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"tls.ca_file: {tls.ca_file}: cannot be used: {_reason(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file is not None:
        try:
            context.load_cert_chain(tls.cert_file, tls.key_file, "")
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls.cert_file: {tls.cert_file}: cannot be used: {_reason(error)}") from None
    return context


class Conversation(smtplib.SMTP):
    """smtplib's client over a socket that this file opens and encrypts."""

    def __init__(self, hello: str, timeout: float) -> None:
        super().__init__(local_hostname=hello, timeout=timeout)
        self.late = False
        self._limit = timeout

    def open(self, host: str, port: int, encryption: Encryption, context: ssl.SSLContext) -> None:
        """Connect, encrypt, and greet; raises what smtplib, ssl and socket raise."""
        self._host = host
        self.sock = socket.create_connection((host, port), self._limit)
        if self.late:
            raise TimeoutError("connected too late")
        if encryption == "tls":
            self._encrypt(context)
        self._expect(*self.getreply(), 220)
        self.ehlo_or_helo_if_needed()
        if encryption == "starttls":
            if not self.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError("offers no STARTTLS")
            self._expect(*self.docmd("STARTTLS"), 220)
            self._encrypt(context)
            self.ehlo_or_helo_if_needed()

    def authenticate(self, username: str, password: str) -> None:
        """PLAIN or LOGIN, in UTF-8: the connection is private, so there is nothing to gain by hashes."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            reply = self.docmd("AUTH", f"PLAIN {encoded(f'{chr(0)}{username}{chr(0)}{password}')}")
        elif "LOGIN" in offered:
            reply = self.docmd("AUTH", "LOGIN")
            for answer in (username, password):
                self._expect(*reply, 334)
                reply = self.docmd(encoded(answer))
        else:
            raise smtplib.SMTPNotSupportedError("offers neither AUTH PLAIN nor AUTH LOGIN")
        if reply[0] != 235:
            raise smtplib.SMTPAuthenticationError(*reply)

    @contextmanager
    def deadline(self) -> Iterator[None]:
        """Cuts the connection when the time is over; `late` says so then."""
        timer = threading.Timer(self._limit, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self.close()

    def _encrypt(self, context: ssl.SSLContext) -> None:
        plain = self.sock
        if plain is None:
            raise smtplib.SMTPServerDisconnected("the connection is lost")
        # the handshake comes after the new socket is known to _cut
        self.sock = context.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        # what was said in the clear counts no longer (RFC 3207), not even what is read already
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.sock.do_handshake()

    def _cut(self) -> None:
        self.late = True
        open_socket = self.sock
        if open_socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def _expect(self, code: int, message: bytes, wanted: int) -> None:
        if code != wanted:
            raise smtplib.SMTPResponseException(code, message)


def encoded(text: str) -> str:
    """As AUTH wants it."""
    return base64.b64encode(text.encode()).decode()


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate or key in it").replace("_", " ").lower()
    return error.strerror or str(error)
