"""Depth and consumers of queues, and messages that reach none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, Paging
from tests.support.waiting import NOTICED, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@contextmanager
def channel_to(lab: Lab, node: str) -> Iterator[BlockingChannel]:
    """An AMQP channel that stays open however long nobody uses it."""
    facts = lab.node(node)
    login = pika.PlainCredentials("admin", lab.admin_password)
    where = pika.ConnectionParameters(facts["address"], facts["amqp_port"], credentials=login, heartbeat=0)
    with pika.BlockingConnection(where) as connection:
        yield connection.channel()


@pytest.mark.fires("RabbitMQNoConsumers", "RabbitMQConsumersStalled", "RabbitMQDeadLetters")
def test_queues_and_their_consumers(lab: Lab, api: Api, paging: Paging) -> None:
    for prefix, *more in (("alone.",), ("reply.",), ("held.", "--consumers", "1", "--hold")):
        lab.run("load", "--queues", "1", "--prefix", prefix, "--messages", "150", "--node", "rabbit1", *more)
    api.queue("orders.dlq", messages=2)
    with paging(lab) as pager:
        pager.minutes(10)
        for _ in range(10):
            api.queue("orders.dlq", messages=3)
            pager.look()
        told = pager.until(["RabbitMQNoConsumers", "RabbitMQConsumersStalled", "RabbitMQDeadLetters"], NOTICED)
    assert told.names == {"RabbitMQNoConsumers", "RabbitMQConsumersStalled", "RabbitMQDeadLetters"}
    assert [alert["queue"] for alert in told.firing["RabbitMQNoConsumers"]] == ["alone.1"]
    assert [alert["queue"] for alert in told.firing["RabbitMQConsumersStalled"]] == ["held.1"]
    assert [alert["queue"] for alert in told.firing["RabbitMQDeadLetters"]] == ["orders.dlq"]


def publish(channel: BlockingChannel, queue: str, count: int) -> None:
    for _ in range(count):
        channel.basic_publish("", queue, b"m")


def wait_for(api: Api, queue: str, **counts: int) -> None:
    """Until the broker tells these counts."""
    told: dict[str, object] = {}

    def as_wanted() -> bool:
        told.update(api.counts(queue))
        return counts.items() <= told.items()

    until(as_wanted, f"{queue} has {counts}")


@pytest.mark.fires("RabbitMQQueueDeep", "RabbitMQUnacknowledgedHigh", "RabbitMQQueueGrowing")
def test_a_deep_queue_and_one_that_grows(lab: Lab, api: Api, paging: Paging) -> None:
    api.queue("growing.1")
    held = ("--consumers", "1", "--hold", "--prefetch", "10100")
    lab.run("load", "--queues", "1", "--prefix", "deep.", "--node", "rabbit1", *held)
    with channel_to(lab, "rabbit1") as channel, paging(lab, step=150) as pager:
        publish(channel, "deep.1", 110_200)
        wait_for(api, "deep.1", messages_unacknowledged=10_100, messages_ready=100_100)
        there = 0
        for look in range(1, 14):
            publish(channel, "growing.1", 200 * look)
            there += 200 * look
            wait_for(api, "growing.1", messages=there)
            told = pager.look()
    assert {name: {alert["queue"] for alert in told.firing[name]} for name in told.names} == {
        "RabbitMQQueueDeep": {"deep.1"},
        "RabbitMQUnacknowledgedHigh": {"deep.1"},
        "RabbitMQConsumersStalled": {"deep.1"},
        "RabbitMQQueueGrowing": {"growing.1"},
        "RabbitMQNoConsumers": {"growing.1"},
    }


@pytest.mark.fires("RabbitMQUnroutableMessages", "RabbitMQMessagesReturned")
def test_messages_that_reach_no_queue(lab: Lab, paging: Paging) -> None:
    with channel_to(lab, "rabbit1") as channel, paging(lab) as pager:
        assert pager.minutes(2).names == set()
        end = time.monotonic() + NOTICED
        told = pager.look()
        while not {"RabbitMQUnroutableMessages", "RabbitMQMessagesReturned"} <= told.firing.keys():
            assert time.monotonic() < end, f"fires: {sorted(told.firing)}"
            channel.basic_publish("amq.direct", "nowhere", b"lost")
            channel.basic_publish("amq.direct", "nowhere", b"returned", mandatory=True)
            channel.connection.sleep(0.5)
            told = pager.look()
    assert told.names == {"RabbitMQUnroutableMessages"}
