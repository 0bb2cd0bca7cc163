"""Nodes that see different clusters: divided, cut off, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, Paging
from tests.cluster.rules.common import IMPATIENT, ONE, THREE, ctl, erlang, wait_until_whole
from tests.support.waiting import NOTICED, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

LIST = """Key = rabbit_misc:r(<<"/">>, queue, <<"one.sided">>), """


@pytest.mark.fires("RabbitMQNodeDisowned", "RabbitMQOneWayView", "RabbitMQObjectCountsDiffer", "RabbitMQViewsDisagree")
def test_databases_that_are_divided_behind_links_that_work(lab: Lab, api: Api, paging: Paging) -> None:
    """As an interruption of milliseconds leaves them: one node holds another for down, and has a queue more."""
    api.queue("one.sided", node=ONE)
    erlang(lab, "rabbit1", f"mnesia_lib:del({{current, db_nodes}}, '{THREE}').")
    erlang(lab, "rabbit3", LIST + "true = ets:delete(rabbit_queue, Key).")
    try:
        with paging(lab) as pager:
            told = pager.minutes(16)
            assert told.names == {"RabbitMQNodeDisowned", "RabbitMQOneWayView", "RabbitMQObjectCountsDiffer"}
            assert [alert["node"] for alert in told.firing["RabbitMQNodeDisowned"]] == [THREE]
            assert f"does not run: {ONE}." in " ".join(told.texts["RabbitMQNodeDisowned"].split())
            assert [alert["kind"] for alert in told.firing["RabbitMQObjectCountsDiffer"]] == ["queues"]
        lab.run("hang", "rabbit3")
        with paging(lab, poll=IMPATIENT) as pager:
            told = pager.until(["RabbitMQViewsDisagree"], NOTICED)
            assert "RabbitMQNodeDisowned" not in told.firing, "nobody knows whether it lives"
    finally:
        lab.run("unhang", "rabbit3")
        fetched = f"rpc:call('{ONE}', ets, lookup, [rabbit_queue, Key])"
        erlang(lab, "rabbit3", LIST + f"true = ets:insert(rabbit_queue, {fetched}).")
        erlang(lab, "rabbit1", f"mnesia_lib:add({{current, db_nodes}}, '{THREE}').")


@pytest.mark.fires(
    "RabbitMQClusterSplit",
    "RabbitMQContestedQueues",
    "RabbitMQPartitionReported",
    "RabbitMQPartitionNotMended",
)
def test_a_cut_in_one_direction_then_in_both_and_after_healing(
    lab: Lab, api: Api, paging: Paging, tmp_path: Path
) -> None:
    """Only the alerts that stay: that a node sees another which does not see it lasts half a second with this tick."""
    api.policy("ha", "^master", {"ha-mode": "all"})
    api.queue("master.orders", messages=3, node=ONE)
    with paging(lab, poll=IMPATIENT) as pager:
        mirrored = ("queue_mirrors_synchronised", "/", "master.orders")
        until(lambda: pager.look().seen.value(*mirrored) == 2, "mirrored")
        assert pager.minutes(2).names == set()
        lab.run("partition", "rabbit3", "--one-way")
        pager.until(["RabbitMQClusterSplit"], NOTICED)
        lab.run("partition", "rabbit3")
        pager.until(["RabbitMQClusterSplit", "RabbitMQContestedQueues"], NOTICED)
        told = pager.minutes(12)
        assert told.names == {"RabbitMQClusterSplit", "RabbitMQContestedQueues"}
        assert "rabbit@rabbit3 sees rabbit@rabbit3;" in told.texts["RabbitMQClusterSplit"]
        lab.run("heal")
        pager.until(["RabbitMQPartitionReported"], NOTICED)
        told = pager.until(["RabbitMQPartitionNotMended"], NOTICED)
        assert "RabbitMQClusterSplit" in told.firing, "nodes go on to call each other down after the link has healed"
        lab.run("stop", "rabbit3")
        lab.run("start", "rabbit3")
    wait_until_whole(lab, tmp_path)


@pytest.mark.fires("RabbitMQStaleMember", "RabbitMQNodeDown")
def test_a_member_that_is_removed(lab: Lab, paging: Paging) -> None:
    lab.run("stop", "rabbit3")
    with paging(lab) as pager:
        pager.until(["RabbitMQNodeDown"], NOTICED)
        ctl(lab, "rabbit1", "forget_cluster_node", THREE)
        told = pager.minutes(75)
    assert told.names == {"RabbitMQStaleMember"}
