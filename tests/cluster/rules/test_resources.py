"""Memory, disk, descriptors, sockets and processors of a node, and how fast clients come and go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pika
import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, Paging
from tests.cluster.rules.common import SEVERAL_MINUTES, TWO, ctl, erlang
from tests.support.waiting import NOTICED, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.mark.fires("RabbitMQDiskAlarm")
def test_a_disk_that_is_full(lab: Lab, paging: Paging) -> None:
    lab.run("alarm", "rabbit2", "disk", "on")
    try:
        with paging(lab) as pager:
            told = pager.until(["RabbitMQDiskAlarm"], NOTICED)
            assert pager.minutes(6).names == {"RabbitMQDiskAlarm"}
            assert [alert["node"] for alert in told.firing["RabbitMQDiskAlarm"]] == [TWO]
    finally:
        lab.run("alarm", "rabbit2", "disk", "off")


@pytest.mark.fires("RabbitMQMemoryHigh", "RabbitMQDiskLow")
def test_memory_and_disk_that_come_close_to_their_limits(lab: Lab, paging: Paging) -> None:
    with paging(lab) as pager:
        until(lambda: pager.look().seen.value("node_memory_used_bytes", TWO), "the node has statistics")
        seen = pager.look().seen
        used, free = (seen.value(f"node_{name}_bytes", TWO) for name in ("memory_used", "disk_free"))
        assert used
        assert free
        try:
            ctl(lab, "rabbit2", "set_vm_memory_high_watermark", "absolute", str(round(used / 0.94)))
            ctl(lab, "rabbit2", "set_disk_free_limit", str(round(free / 1.5)))
            told = pager.until(["RabbitMQMemoryHigh", "RabbitMQDiskLow"], NOTICED)
        finally:
            ctl(lab, "rabbit2", "set_vm_memory_high_watermark", "0.4")
            ctl(lab, "rabbit2", "set_disk_free_limit", "50000000")
    assert {alert["node"] for name in told.names for alert in told.firing[name]} == {TWO}


@contextmanager
def small_disk(lab: Lab, node: str, folder: str) -> Iterator[str]:
    """A file system of 40 MB that only the node's broker sees, and that it takes for the one of its data folder."""
    watch = "sys:replace_state(rabbit_disk_monitor, fun(S) -> setelement(2, S, {}) end), rabbit_disk_monitor ! update."
    in_its_place(lab, node, "mount", "-t", "tmpfs", "-o", "size=40m", "none", folder)
    try:
        ctl(lab, node, "set_disk_free_limit", "5MB")
        erlang(lab, node, watch.format(f'"{folder}"'))
        yield folder
    finally:
        erlang(lab, node, watch.format("rabbit_mnesia:dir()"))
        ctl(lab, node, "set_disk_free_limit", "50000000")
        in_its_place(lab, node, "umount", folder)


def in_its_place(lab: Lab, node: str, *argv: str) -> None:
    """Run where the file systems are those of the node's broker, which has a mount namespace of its own."""
    pid = next(each["pid"] for each in lab.status()["nodes"] if each["name"] == node)
    subprocess.run(["nsenter", "--mount", f"--target={pid}", *argv], check=True, timeout=60)


@pytest.mark.fires("RabbitMQDiskLowPredicted")
def test_a_disk_that_will_be_full_tomorrow(lab: Lab, api: Api, paging: Paging, tmp_path: Path) -> None:
    """In steps: a fifth of seven hours, and 4 MB more are gone."""
    (tmp_path / "disk").mkdir()
    with small_disk(lab, "rabbit2", str(tmp_path / "disk")) as folder, paging(lab, step=SEVERAL_MINUTES) as pager:
        for step in range(5):
            in_its_place(lab, "rabbit2", "fallocate", "-l", "4M", f"{folder}/{step}")
            erlang(lab, "rabbit2", "rabbit_disk_monitor ! update.")
            wait_until_free_is_below(api, TWO, (40 - 4 * step) << 20)
            told = pager.minutes(17)
    assert told.names == {"RabbitMQDiskLowPredicted"}
    assert [alert["node"] for alert in told.firing["RabbitMQDiskLowPredicted"]] == [TWO]


BUSY = """spawn(fun() ->
    register(busy, self()),
    [{ok, _} = file:open("/dev/null", [read, raw]) || _ <- lists:seq(1, 70)],
    Work = fun Again() -> lists:sum(lists:seq(1, 1000)), Again() end,
    [spawn_link(Work) || _ <- lists:seq(1, 40)],
    Count = fun Again() -> ets:update_counter(connection_churn_metrics, node(), [{2, 1000}, {3, 1000}]),
        receive after 100 -> Again() end end,
    Count()
end).""".replace("\n", " ")
"""70 files, 40 processes that never rest, and 10,000 connections a second that are counted without being made: real
ones would take minutes for each minute that is told."""


@pytest.mark.fires(
    "RabbitMQFileDescriptorsHigh",
    "RabbitMQSocketsHigh",
    "RabbitMQRunQueueHigh",
    "RabbitMQConnectionChurn",
)
def test_descriptors_sockets_and_processors_that_are_used_up(lab: Lab, api: Api, paging: Paging) -> None:
    node = lab.node("rabbit2")
    login = pika.PlainCredentials("admin", lab.admin_password)
    where = pika.ConnectionParameters(node["address"], node["amqp_port"], credentials=login, heartbeat=0)
    with ExitStack() as clients, paging(lab, step=SEVERAL_MINUTES) as pager:
        for _ in range(160):
            clients.enter_context(pika.BlockingConnection(where))
        erlang(lab, "rabbit2", BUSY)
        try:
            for _ in range(5):
                wait_until_more_connections_are_counted(api)
                told = pager.look()
        finally:
            erlang(lab, "rabbit2", "exit(whereis(busy), kill).")
    assert told.names == {
        "RabbitMQFileDescriptorsHigh",
        "RabbitMQSocketsHigh",
        "RabbitMQRunQueueHigh",
        "RabbitMQConnectionChurn",
    }
    assert [alert["node"] for alert in told.firing["RabbitMQRunQueueHigh"]] == [TWO]


def wait_until_free_is_below(api: Api, node: str, size: int) -> None:
    until(lambda: api.call("GET", "nodes", node).get("disk_free", size) < size, f"less than {size} bytes are free")


def wait_until_more_connections_are_counted(api: Api) -> None:
    """The management plugin counts every five seconds."""
    before = made(api)
    until(lambda: made(api) > before, "more connections are counted")


def made(api: Api) -> int:
    """Connections that clients have ever made, as the management plugin counts them."""
    return int(api.call("GET", "overview")["churn_rates"].get("connection_created", 0))
