"""The AMQP client against a scripted broker; that real ones understand it is shown in tests/cluster/test_lab.py."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from rabbitlab.amqp import AmqpError, Connection

START, TUNE, OPEN_OK, CHANNEL_OK = (10, 10), (10, 30), (10, 41), (20, 11)


def frame(kind: int, payload: bytes, channel: int = 1) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(ids: tuple[int, int], body: bytes = b"") -> bytes:
    return frame(1, struct.pack(">HH", *ids) + body)


WELCOME = method(START) + method(TUNE) + method(OPEN_OK) + method(CHANNEL_OK)

Broker = Callable[[bytes], tuple[str, int]]


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A server that says the given bytes to whoever connects, and listens to the rest."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(said: bytes) -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(said)
                while connection.recv(65536):
                    pass

        def script(said: bytes) -> tuple[str, int]:
            threading.Thread(target=serve, args=(said,), daemon=True).start()
            host, port = server.getsockname()
            return host, port

        yield script


def test_a_delivery_in_several_bodies_and_after_a_heartbeat(broker: Broker) -> None:
    deliver = b"\x01t" + struct.pack(">QB", 7, 0) + b"\x00\x01q"
    header = struct.pack(">HHQH", 60, 0, 5, 0)
    said = frame(8, b"", 0) + method((60, 60), deliver) + frame(2, header) + frame(3, b"ab") + frame(3, b"cde")
    with Connection(broker(WELCOME + said), "u", "p", wait=5) as connection:
        delivery = connection.receive()
        assert delivery is not None
        assert (delivery.tag, delivery.body) == (7, b"abcde")
        connection.patience(0.1)
        assert connection.receive() is None


def test_confirms_out_of_order_and_for_several(broker: Broker) -> None:
    acks = [method((60, 80), struct.pack(">QB", tag, multiple)) for tag, multiple in ((3, 0), (2, 1), (4, 0))]
    with Connection(broker(WELCOME + b"".join(acks)), "u", "p", wait=5) as connection:
        for _ in range(4):
            connection.publish("q", b"m")
        connection.wait_confirmed()


def test_a_missing_confirm_is_an_error_and_not_a_wait_for_ever(broker: Broker) -> None:
    with Connection(broker(WELCOME), "u", "p", wait=0.2) as connection:
        connection.publish("q", b"m")
        with pytest.raises(AmqpError, match="no answer"):
            connection.wait_confirmed()


def test_the_brokers_refusal_is_told_in_its_words(broker: Broker) -> None:
    words = b"ACCESS_REFUSED"
    close = method((10, 50), struct.pack(">H", 403) + bytes([len(words)]) + words + b"\0\0\0\0")
    with pytest.raises(AmqpError, match="403 ACCESS_REFUSED"):
        Connection(broker(method(START) + close), "u", "p", wait=5)


def test_something_that_is_no_broker(broker: Broker) -> None:
    with pytest.raises(AmqpError, match=r"no AMQP broker|no answer"):
        Connection(broker(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(70000)), "u", "p", wait=0.5)


def test_nobody_listens() -> None:
    with pytest.raises(AmqpError, match=r"AMQP 127\.0\.0\.1:1: "):
        Connection(("127.0.0.1", 1), "u", "p", wait=1)
