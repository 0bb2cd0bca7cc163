"""Nodes that stop, and come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, Paging
from tests.cluster.rules.common import ONE, TWO, erlang, wait_until_whole
from tests.support.waiting import NOTICED

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.mark.fires("RabbitMQCookieMismatch", "RabbitMQNodeDown")
def test_a_cookie_that_differs(lab: Lab, paging: Paging, tmp_path: Path) -> None:
    with paging(lab) as pager:
        pager.look()
        lab.run("cookie", "rabbit2", "ANOTHERCOOKIE")
        try:
            told = pager.until(["RabbitMQCookieMismatch", "RabbitMQNodeDown"], NOTICED)
        finally:
            lab.run("cookie", "rabbit2", "--restore")
    assert told.names == {"RabbitMQCookieMismatch", "RabbitMQNodeDown"}
    wait_until_whole(lab, tmp_path)


@pytest.mark.fires(
    "RabbitMQNodeDown",
    "RabbitMQQueuesWithoutLeader",
    "RabbitMQOneDiscNode",
    "RabbitMQMembersOffline",
    "RabbitMQQueuesUnavailable",
    "RabbitMQNoDiscNode",
    "RabbitMQNoMajority",
    "RabbitMQQueuesWithoutMajority",
)
def test_nodes_that_are_killed_one_after_the_other(lab: Lab, api: Api, paging: Paging, tmp_path: Path) -> None:
    lab.run("load", "--kind", "quorum", "--queues", "1", "--prefix", "quorum.", "--messages", "5")
    api.queue("plain", messages=3, node=TWO)
    api.queue("headless", node=TWO, **{"x-queue-type": "quorum"})
    with paging(lab) as pager:
        assert pager.minutes(2).names == set()
        for node in ("rabbit1", "rabbit3"):
            erlang(lab, node, "sys:suspend('%2F_headless').")
        lab.run("kill", "rabbit2")
        try:
            told = pager.until(["RabbitMQNodeDown", "RabbitMQQueuesWithoutLeader"], NOTICED)
            assert "Some of them: headless" in told.texts["RabbitMQQueuesWithoutLeader"]
            for node in ("rabbit1", "rabbit3"):
                erlang(lab, node, "sys:resume('%2F_headless').")
            told = pager.minutes(17)
            assert told.names == {
                "RabbitMQNodeDown",
                "RabbitMQOneDiscNode",
                "RabbitMQMembersOffline",
                "RabbitMQQueuesUnavailable",
            }
            lab.run("kill", "rabbit1")
            told = pager.until(["RabbitMQNoDiscNode", "RabbitMQNoMajority", "RabbitMQQueuesWithoutMajority"], NOTICED)
            told = pager.minutes(3)
            assert {alert["node"] for alert in told.firing["RabbitMQNodeDown"]} == {ONE, TWO}
            assert not {"RabbitMQClusterSplit", "RabbitMQQueuesWithoutLeader"} & set(told.firing)
        finally:
            lab.run("start", "rabbit1", "rabbit2")
    wait_until_whole(lab, tmp_path)
