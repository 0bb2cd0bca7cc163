"""A small AMQP 0-9-1 client: enough to fill queues and to keep traffic flowing, with the standard library alone.

One connection, one channel, blocking, for one thread. Heartbeats are declined. Source of all numbers: the AMQP 0-9-1
specification (frame types 1 method, 2 header, 3 body; class and method ids).
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, Self

from rabbitlab.errors import LabError

_END = 0xCE
_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_START, _START_OK, _TUNE, _TUNE_OK, _OPEN, _OPEN_OK = (10, 10), (10, 11), (10, 30), (10, 31), (10, 40), (10, 41)
_CONNECTION_CLOSE, _CHANNEL_CLOSE = (10, 50), (20, 40)
_CHANNEL_OPEN, _CHANNEL_OPEN_OK = (20, 10), (20, 11)
_DECLARE, _DECLARE_OK = (50, 10), (50, 11)
_QOS, _QOS_OK, _CONSUME, _CONSUME_OK = (60, 10), (60, 11), (60, 20), (60, 21)
_PUBLISH, _DELIVER, _ACK, _NACK = (60, 40), (60, 60), (60, 80), (60, 120)
_CONFIRM, _CONFIRM_OK = (85, 10), (85, 11)
_PERSISTENT_FLAG = 0x1000
_FRAME_MAX = 131072


class AmqpError(LabError):
    """The broker refused, or the connection broke."""


class _SilenceError(AmqpError):
    """Nothing came within the patience."""


class Delivery(NamedTuple):
    """A message that a consumer was given."""

    tag: int
    body: bytes


class Connection:
    """An open channel to one broker, usable as a context manager."""

    def __init__(
        self, address: tuple[str, int], user: str, password: str, vhost: str = "/", wait: float = 30.0
    ) -> None:
        """Connect and open. Raises AmqpError."""
        self._buffer = b""
        self._published = 0
        self._unconfirmed: set[int] = set()
        self._at = f"{address[0]}:{address[1]}"
        try:
            self._socket = socket.create_connection(address, timeout=wait)
        except OSError as error:
            raise AmqpError(f"AMQP {self._at}: {error}") from None
        try:
            self._handshake(user, password, vhost)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def patience(self, seconds: float) -> None:
        """How long a call may wait for the broker."""
        self._socket.settimeout(seconds)

    def declare(self, queue: str, arguments: dict[str, str] | None = None, exclusive: bool = False) -> None:
        """Declare a queue: durable, or exclusive to this connection."""
        flags = 0b00100 if exclusive else 0b00010
        body = struct.pack(">H", 0) + _short(queue) + bytes([flags]) + _table(arguments or {})
        self._call(_DECLARE, body, _DECLARE_OK)

    def confirm(self) -> None:
        """From now on the broker confirms what is published. Call before the first message: tags count from here."""
        self._call(_CONFIRM, b"\0", _CONFIRM_OK)

    def publish(self, queue: str, body: bytes) -> None:
        """Publish a persistent message through the default exchange."""
        method = struct.pack(">HHH", *_PUBLISH, 0) + _short("") + _short(queue) + b"\0"
        header = struct.pack(">HHQH", 60, 0, len(body), _PERSISTENT_FLAG) + b"\2"
        pieces = [body[at : at + _FRAME_MAX - 8] for at in range(0, len(body), _FRAME_MAX - 8)]
        frames = [_frame(_METHOD, 1, method), _frame(_HEADER, 1, header), *(_frame(_BODY, 1, it) for it in pieces)]
        self._send(b"".join(frames))
        self._published += 1
        self._unconfirmed.add(self._published)

    def wait_confirmed(self) -> None:
        """Wait until the broker has confirmed all that was published. Raises AmqpError when it refuses a message."""
        while self._unconfirmed:
            method, body = self._method()
            if method == _NACK:
                raise AmqpError(f"AMQP {self._at}: the broker refused a message")
            if method == _ACK:
                tag, multiple = struct.unpack(">QB", body[:9])
                done = {it for it in self._unconfirmed if it <= tag} if multiple else {tag}
                self._unconfirmed -= done

    def consume(self, queue: str, prefetch: int) -> None:
        """Become a consumer that is given at most `prefetch` unacknowledged messages (AMQP's basic.qos)."""
        self._call(_QOS, struct.pack(">IHB", 0, prefetch, 0), _QOS_OK)
        self._call(_CONSUME, struct.pack(">H", 0) + _short(queue) + _short("") + b"\0" + _table({}), _CONSUME_OK)

    def receive(self) -> Delivery | None:
        """The next message; None when none came within the patience."""
        try:
            method, body = self._method()
        except _SilenceError:
            return None
        if method != _DELIVER:
            return None
        (tag,) = struct.unpack_from(">Q", body, 1 + body[0])
        _, header = self._frame()
        (size,) = struct.unpack_from(">Q", header, 4)
        content = b""
        while len(content) < size:
            content += self._frame()[1]
        return Delivery(tag, content)

    def acknowledge(self, tag: int) -> None:
        """Acknowledge one message."""
        self._send(_frame(_METHOD, 1, struct.pack(">HHQB", *_ACK, tag, 0)))

    def _handshake(self, user: str, password: str, vhost: str) -> None:
        self._send(b"AMQP\x00\x00\x09\x01")
        self._expect(_START)
        login = _long(f"\0{user}\0{password}")
        self._send(_frame(_METHOD, 0, _id(_START_OK) + _table({}) + _short("PLAIN") + login + _short("en_US")))
        self._expect(_TUNE)
        self._send(_frame(_METHOD, 0, _id(_TUNE_OK) + struct.pack(">HIH", 2, _FRAME_MAX, 0)))
        self._send(_frame(_METHOD, 0, _id(_OPEN) + _short(vhost) + _short("") + b"\0"))
        self._expect(_OPEN_OK)
        self._call(_CHANNEL_OPEN, _short(""), _CHANNEL_OPEN_OK)

    def _call(self, method: tuple[int, int], body: bytes, answer: tuple[int, int]) -> None:
        self._send(_frame(_METHOD, 1, _id(method) + body))
        self._expect(answer)

    def _expect(self, wanted: tuple[int, int]) -> None:
        method, _ = self._method()
        if method != wanted:
            raise AmqpError(f"AMQP {self._at}: method {wanted} was expected and {method} came")

    def _method(self) -> tuple[tuple[int, int], bytes]:
        """The next method frame. A close from the broker becomes an AmqpError with its words."""
        kind, payload = self._frame()
        while kind != _METHOD:
            kind, payload = self._frame()
        ids = struct.unpack(">HH", payload[:4])
        method, body = (ids[0], ids[1]), payload[4:]
        if method in (_CONNECTION_CLOSE, _CHANNEL_CLOSE):
            (code,) = struct.unpack(">H", body[:2])
            raise AmqpError(f"AMQP {self._at}: {code} {body[3 : 3 + body[2]].decode(errors='replace')}")
        return method, body

    def _frame(self) -> tuple[int, bytes]:
        """The next frame. Nothing is taken off the buffer before the frame is whole, so silence loses nothing."""
        while True:
            self._fill(7)
            kind, _channel, size = struct.unpack(">BHI", self._buffer[:7])
            self._fill(size + 8)
            payload, end = self._buffer[7 : size + 7], self._buffer[size + 7]
            self._buffer = self._buffer[size + 8 :]
            if end != _END:
                raise AmqpError(f"AMQP {self._at}: this is no AMQP broker")
            if kind != _HEARTBEAT:
                return kind, payload

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            try:
                piece = self._socket.recv(_FRAME_MAX)
            except TimeoutError:
                raise _SilenceError(f"AMQP {self._at}: no answer") from None
            except OSError as error:
                raise AmqpError(f"AMQP {self._at}: {error}") from None
            if not piece:
                raise AmqpError(f"AMQP {self._at}: the broker closed the connection")
            self._buffer += piece

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise AmqpError(f"AMQP {self._at}: {error}") from None


def _id(method: tuple[int, int]) -> bytes:
    return struct.pack(">HH", *method)


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _long(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def _table(entries: dict[str, str]) -> bytes:
    """A field table whose values are all long strings: all that queue arguments of the lab need."""
    content = b"".join(_short(key) + b"S" + _long(value) for key, value in entries.items())
    return struct.pack(">I", len(content)) + content


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([_END])
