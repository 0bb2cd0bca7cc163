"""Mirrors that lag, are missing or are filled, and what only rabbitmq-diagnostics tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, Paging
from tests.cluster.rules.common import IMPATIENT, ONE, THREE, TWO, ctl, erlang
from tests.support.waiting import NOTICED, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.mark.fires(
    "RabbitMQMessagesAtRisk",
    "RabbitMQQueuesWouldStop",
    "RabbitMQMirrorsLag",
    "RabbitMQMirrorsMissing",
    "RabbitMQHoldRestarts",
    "RabbitMQStopWouldLoseMessages",
    "RabbitMQStopWouldLoseQuorum",
    "RabbitMQVhostDown",
    "RabbitMQHealthCheckFailing",
    "RabbitMQCookieFileDiffers",
)
def test_mirrors_that_lag_and_all_that_diagnostics_tell(lab: Lab, api: Api, paging: Paging, tmp_path: Path) -> None:
    """One round of rabbitmq-diagnostics takes most of a minute here, so all that needs one is looked at together."""
    lab.run("unsync", "--queues", "2", "--messages", "60", "--node", "rabbit1")
    api.queue("late", messages=5, node=TWO)
    careful = {"ha-mode": "all", "ha-sync-mode": "manual", "ha-promote-on-failure": "when-synced"}
    api.policy("careful", "^late$", careful)
    api.call("PUT", "vhosts", "shop")
    ctl(lab, "rabbit1", "set_permissions", "-p", "shop", "monitor", "^$", "^$", "^$")
    ctl(lab, "rabbit1", "set_permissions", "-p", "shop", "admin", ".*", ".*", ".*")
    erlang(lab, "rabbit2", 'rabbit_vhost_sup_sup:stop_and_delete_vhost(<<"shop">>).')
    api.policy("everywhere", "^orders$", {"ha-mode": "all"}, vhost="shop")
    api.queue("orders", "shop", node=ONE)
    api.queue("single", node=THREE, **{"x-queue-type": "quorum", "x-quorum-initial-group-size": 1})
    amqp = "[ranch:{}_listener(R) || {{acceptor, _, 5672}} = R <- maps:keys(ranch:info())]."
    erlang(lab, "rabbit2", amqp.format("suspend"))
    other = tmp_path / "cookie"
    other.write_text("ANOTHERCOOKIE")
    text = lab.config_text().replace(str(lab.node("rabbit3")["cookie_file"]), str(other))
    try:
        with paging(lab, diagnostics=True, text=text) as pager:
            told = pager.minutes(17, diagnostics=True)
    finally:
        erlang(lab, "rabbit2", amqp.format("resume"))
        api.delete("vhosts", "shop")
    assert told.names == {
        "RabbitMQMessagesAtRisk",
        "RabbitMQQueuesWouldStop",
        "RabbitMQMirrorsLag",
        "RabbitMQHoldRestarts",
        "RabbitMQMirrorsMissing",
        "RabbitMQStopWouldLoseMessages",
        "RabbitMQStopWouldLoseQuorum",
        "RabbitMQVhostDown",
        "RabbitMQHealthCheckFailing",
        "RabbitMQCookieFileDiffers",
    }
    assert "120 messages are lost" in told.texts["RabbitMQMessagesAtRisk"]
    assert {alert["node"] for alert in told.firing["RabbitMQStopWouldLoseMessages"]} == {ONE, TWO}
    assert [alert["node"] for alert in told.firing["RabbitMQStopWouldLoseQuorum"]] == [THREE]
    assert [alert["vhost"] for alert in told.firing["RabbitMQMirrorsMissing"]] == ["shop"]
    assert [(alert["vhost"], alert["node"]) for alert in told.firing["RabbitMQVhostDown"]] == [("shop", TWO)]
    failing = [(alert["check"], alert["node"]) for alert in told.firing["RabbitMQHealthCheckFailing"]]
    assert failing == [("port_connectivity", TWO)]
    assert [alert["node"] for alert in told.firing["RabbitMQCookieFileDiffers"]] == [THREE]


@pytest.mark.fires("RabbitMQSyncStuck", "RabbitMQSyncInProgress", "RabbitMQMemoryAlarm")
def test_a_synchronisation_that_a_memory_alarm_pauses(lab: Lab, api: Api, paging: Paging) -> None:
    api.queue("late", messages=5, node=TWO)
    api.policy("manual", "^late$", {"ha-mode": "all", "ha-sync-mode": "manual"})
    until(
        lambda: len(api.call("GET", "queues", "/", "late").get("slave_nodes", ())) == 2,
        "both mirrors have joined: a synchronisation leaves out one that has not",
    )
    lab.run("alarm", "rabbit3", "memory", "on")
    try:
        api.call("POST", "queues", "/", "late", "actions", body={"action": "sync"})
        with paging(lab, poll=IMPATIENT) as pager:
            told = pager.until(["RabbitMQSyncStuck", "RabbitMQMemoryAlarm"], NOTICED)
            assert [alert["queue"] for alert in told.firing["RabbitMQSyncStuck"]] == ["late"]
            assert "RabbitMQSyncInProgress" in told.firing
            assert "RabbitMQMemoryHigh" not in told.firing
    finally:
        lab.run("alarm", "rabbit3", "memory", "off")
    with paging(lab) as pager:
        until(lambda: pager.look().seen.value("queue_mirrors_synchronised", "/", "late") == 2, "synchronised")
        until(lambda: pager.look().seen.value("node_memory_alarm", THREE) == 0, "statistics say that it is over")
        assert pager.minutes(16).names == set(), "keep_firing_for is over as well"
