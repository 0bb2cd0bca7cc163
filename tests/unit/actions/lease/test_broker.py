"""What the lease on the broker makes of its configuration, of failures, and of what the API tells; the rest needs a
real broker and stands in tests/cluster/actions/test_lease.py."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika.exceptions
import pytest
from tests.support.fakebroker import Answer, FakeBroker, as_json
from tests.support.servers import free_port

from rabbitwatch.actions.lease.amqp import HEARTBEAT_SECONDS, AmqpAddress, explain, parameters
from rabbitwatch.actions.lease.broker import addresses, broker_grip
from rabbitwatch.actions.lease.occupant import ARGUMENT, Occupancy, Occupant
from rabbitwatch.clients.http import Endpoint, Login
from rabbitwatch.config.actions import ActionsConfig, LeaseConfig
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.config.trust import TlsConfig

PASSWORD = "s3cret-never-shown"
LOGIN = Login("repairs", PASSWORD)
ADDRESS = AmqpAddress("rabbit1", 5672, secure=False)
QUEUE_PATH = "/api/queues/%2F/rabbitwatch.actions"


def cluster(*urls: str) -> ClusterConfig:
    return ClusterConfig.model_validate({"name": "orders", "nodes": [{"url": url} for url in urls]})


@pytest.mark.parametrize(
    ("nodes", "urls", "expected"),
    [
        (["http://rabbit1:15672", "https://rabbit2"], None, ["amqp://rabbit1:5672", "amqp://rabbit2:5672"]),
        (["http://rabbit1:15672"], ["amqps://{host}"], ["amqps://rabbit1:5671"]),
        (["http://[fd00::1]:15672"], None, ["amqp://[fd00::1]:5672"]),
        (["http://a:1", "http://b:1"], ["amqp://lb"], ["amqp://lb:5672"]),
        (["http://a:15672", "http://a:15673"], ["amqp://{host}:5672", "amqp://{host}:5673"],
         ["amqp://a:5672", "amqp://a:5673"]),
    ],
)  # fmt: skip
def test_where_amqp_is(nodes: list[str], urls: list[str] | None, expected: list[str]) -> None:
    lease = LeaseConfig.model_validate({"urls": urls} if urls else {})
    assert [str(address) for address in addresses(cluster(*nodes), lease)] == expected


def test_a_connection_has_a_heartbeat_a_name_and_limits_and_shows_no_password() -> None:
    made = parameters(ADDRESS, LOGIN, LeaseConfig(vhost="ops"), "agent one (host h, process 1)")
    assert (made.host, made.port, made.virtual_host, made.heartbeat) == ("rabbit1", 5672, "ops", HEARTBEAT_SECONDS)
    assert (made.credentials.username, made.credentials.password) == ("repairs", PASSWORD)
    assert made.connection_attempts == 1
    assert 0 < made.stack_timeout <= 10
    assert made.blocked_connection_timeout is None, "an alarm must not end it"
    assert "agent one" in made.client_properties["connection_name"]
    assert made.ssl_options is None
    assert PASSWORD not in repr(made)


def test_amqps_verifies_the_host_unless_told_not_to() -> None:
    secure = AmqpAddress("rabbit1", 5671, secure=True)
    made = parameters(secure, LOGIN, LeaseConfig(), "").ssl_options
    assert made.server_hostname == "rabbit1"
    assert (made.context.verify_mode, made.context.check_hostname) == (ssl.CERT_REQUIRED, True)
    loose = parameters(secure, LOGIN, LeaseConfig(tls=TlsConfig(verify=False)), "").ssl_options
    assert (loose.context.verify_mode, loose.context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_ca_file_that_is_not_there_is_no_lease_and_named(tmp_path: Path) -> None:
    settings = {"urls": ["amqps://{host}"], "tls": {"ca_file": tmp_path / "none.pem"}}
    refused = grip("http://rabbit1:1", **settings).take()
    assert "lease.tls" in refused.why
    assert not refused.elsewhere


@pytest.mark.parametrize(
    ("error", "everywhere", "locked", "why"),
    [
        (pika.exceptions.ChannelClosedByBroker(405, "RESOURCE_LOCKED"), True, True, "another connection owns"),
        (pika.exceptions.ChannelClosedByBroker(403, "ACCESS_REFUSED"), True, False, r"configure ^rabbitwatch\.act"),
        (pika.exceptions.ChannelClosedByBroker(404, "NOT_FOUND\nx"), False, False, "refused the queue: NOT_FOUND\\nx"),
        (pika.exceptions.ConnectionClosedByBroker(403, "ACCESS_REFUSED"), True, False, "check actions.username"),
        (pika.exceptions.ProbableAuthenticationError(), True, False, "check actions.username"),
        (pika.exceptions.ProbableAccessDeniedError(), True, False, "into vhost /"),
        (pika.exceptions.ConnectionClosedByBroker(530, "NOT_ALLOWED"), True, False, "into vhost /"),
        (pika.exceptions.AMQPHeartbeatTimeout(), False, False, "gave no answer in time"),
        (pika.exceptions.AMQPConnectionError(ConnectionRefusedError()), False, False, "refuses the connection"),
        (OSError("strange\nthing"), False, False, "OSError: strange\\nthing"),
    ],
)  # fmt: skip
def test_a_failure_says_what_helps(error: Exception, everywhere: bool, locked: bool, why: str) -> None:
    trouble = explain(error, ADDRESS, LOGIN, LeaseConfig())
    assert why in trouble.why
    assert (trouble.everywhere, trouble.locked) == (everywhere, locked)
    assert "\n" not in trouble.why


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as running:
        yield running


def occupant(*urls: str) -> Occupant:
    return Occupant([Endpoint(url, tls=TlsConfig(), login=LOGIN) for url in urls], "/", "rabbitwatch.actions")


def test_the_holder_is_told_by_the_queues_argument(broker: FakeBroker) -> None:
    broker.serve(QUEUE_PATH, as_json({"arguments": {ARGUMENT: "agent one (host a, process 7)"}}))
    assert occupant(broker.url).ask() == Occupancy(free=False, holder="agent one (host a, process 7)")


@pytest.mark.parametrize(
    "told", [{}, {"arguments": []}, {"arguments": {}}, {"arguments": {ARGUMENT: 7}}, [], "x"], ids=json.dumps
)
def test_a_queue_without_that_argument_is_held_by_somebody(broker: FakeBroker, told: Any) -> None:
    broker.serve(QUEUE_PATH, as_json(told))
    assert occupant(broker.url).ask() == Occupancy(free=False)


def test_a_queue_that_is_not_there_is_free(broker: FakeBroker) -> None:
    assert occupant(broker.url).ask() == Occupancy(free=True)


def test_nodes_are_asked_in_turn_and_silence_is_not_free(broker: FakeBroker) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    assert occupant(dead, broker.url).ask() == Occupancy(free=True)
    assert occupant(dead).ask() == Occupancy(free=None)
    broker.serve(QUEUE_PATH, Answer(b"{}", status=401))
    assert occupant(broker.url).ask() == Occupancy(free=None)


def grip(url: str, **lease: Any) -> Any:
    given = {"username": "repairs", "password": PASSWORD, "lease": lease}
    return broker_grip(cluster(url), ActionsConfig.model_validate(given), None, "agent one")


def test_nothing_that_listens_is_no_lease_and_costs_nothing_to_let_go_of() -> None:
    made = grip("http://127.0.0.1:1", urls=[f"amqp://{{host}}:{free_port()}"])
    refused = made.take()
    assert "refuses the connection: is the node running" in refused.why
    assert not refused.elsewhere
    assert made.confirm().why
    made.wake()
    made.rest(60)  # ended by the wake before it
    made.release()


def test_what_speaks_no_amqp_is_named(broker: FakeBroker) -> None:
    port = broker.url.rpartition(":")[2]
    refused = grip("http://127.0.0.1:1", urls=[f"amqp://{{host}}:{port}"]).take()
    assert f"amqp://127.0.0.1:{port}" in refused.why
    assert PASSWORD not in refused.why
