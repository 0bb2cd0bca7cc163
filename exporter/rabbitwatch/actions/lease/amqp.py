"""AMQP connections for the lease: where to, with what, and what a failure means, in one line.

pika's connections are for one thread. No message of its holds the password; the broker's own words may hold anything.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pika
from pika.exceptions import (
    AMQPHeartbeatTimeout,
    AuthenticationError,
    ChannelClosed,
    ConnectionClosed,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from rabbitwatch import __version__
from rabbitwatch.clients.http import Login
from rabbitwatch.clients.wording import readable
from rabbitwatch.config.actions import LeaseConfig
from rabbitwatch.config.trust import TlsConfig

HEARTBEAT_SECONDS = 10
"""Offered to the broker, which ends a connection after two of these without a word."""

_SOCKET_SECONDS = 3.0
_STACK_SECONDS = 6.0
_PORTS = {"amqp": 5672, "amqps": 5671}
_REFUSED, _LOCKED, _NOT_ALLOWED = 403, 405, 530


@dataclass(frozen=True, slots=True)
class AmqpAddress:
    """A broker's AMQP listener."""

    host: str
    port: int
    secure: bool

    @classmethod
    def read(cls, url: str, host: str) -> AmqpAddress:
        """`url` as the configuration has checked it, with {host} replaced."""
        spelled = f"[{host}]" if ":" in host else host
        parts = urlsplit(url.replace("{host}", spelled))
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "amqps")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'amqps' if self.secure else 'amqp'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something over AMQP failed. locked: somebody else owns the queue. everywhere: another node would say the
    same."""

    why: str
    everywhere: bool = False
    locked: bool = False


def parameters(address: AmqpAddress, login: Login, lease: LeaseConfig, holder: str) -> pika.ConnectionParameters:
    """For one try, of some seconds at most."""
    return pika.ConnectionParameters(
        host=address.host,
        port=address.port,
        virtual_host=lease.vhost,
        credentials=pika.PlainCredentials(login.username, login.password),
        heartbeat=HEARTBEAT_SECONDS,
        connection_attempts=1,
        socket_timeout=_SOCKET_SECONDS,
        stack_timeout=_STACK_SECONDS,
        ssl_options=pika.SSLOptions(_context(lease.tls), address.host) if address.secure else None,
        client_properties={"connection_name": f"rabbitwatch lease, {holder}", "version": __version__},
    )


def _context(tls: TlsConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if tls.ca_file is None else str(tls.ca_file))
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


def explain(error: BaseException, address: AmqpAddress, login: Login, lease: LeaseConfig) -> Trouble:
    """What a failure means, and what helps."""
    told = readable(f"{type(error).__name__}: {error}", 160)
    code = error.reply_code if isinstance(error, (ChannelClosed, ConnectionClosed)) else 0
    user = f"user {login.username!r}"
    if isinstance(error, ChannelClosed):
        if code == _LOCKED:
            return Trouble("another connection owns the queue", everywhere=True, locked=True)
        if code == _REFUSED:
            return Trouble(
                f"{user} may not make the queue: it needs the permission to configure ^{re.escape(lease.name)}$ "
                f"in vhost {lease.vhost}",
                everywhere=True,
            )
        return Trouble(f"{address} refused the queue: {readable(error.reply_text, 160)}")
    if isinstance(error, (AuthenticationError, ProbableAuthenticationError)) or code == _REFUSED:
        return Trouble(f"{address} refuses {user}: check actions.username and its password", everywhere=True)
    if isinstance(error, ProbableAccessDeniedError) or code == _NOT_ALLOWED:
        return Trouble(
            f"{address} does not let {user} into vhost {lease.vhost}: is there one, and may the user enter it?",
            everywhere=True,
        )
    return Trouble(_unreachable(error, address) or f"{address}: {told}")


def _unreachable(error: BaseException, address: AmqpAddress) -> str:
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or type(cause).__name__
            return f"{address}: TLS failed: {readable(str(reason), 120)}; see lease.tls"
        if isinstance(cause, (FileNotFoundError, PermissionError)):
            return f"{address}: a file of lease.tls cannot be read ({cause.strerror})"
        if isinstance(cause, socket.gaierror):
            return f"{address}: this host name cannot be resolved here (DNS)"
        if isinstance(cause, ConnectionRefusedError):
            return f"{address} refuses the connection: is the node running, and is this AMQP's port?"
        if isinstance(cause, (TimeoutError, AMQPHeartbeatTimeout)):
            return f"{address} gave no answer in time"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and whatever it wraps: pika nests through args, `exception`, `exceptions` and `__cause__` alike."""
    seen: set[int] = set()
    stack: list[object] = [error]
    while stack:
        one = stack.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        stack += [*one.args, getattr(one, "exception", None), *getattr(one, "exceptions", ()), one.__cause__]
