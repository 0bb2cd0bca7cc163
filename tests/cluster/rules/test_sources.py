"""Nodes that do not answer, refuse, or fail one question."""

from __future__ import annotations

import pytest
from tests.cluster.conftest import Lab, Paging
from tests.cluster.rules.common import IMPATIENT, SEVERAL_MINUTES, TWO, erlang
from tests.support.waiting import NOTICED

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.mark.fires("RabbitMQNodeSilent", "RabbitMQClusterUnreachable")
def test_one_api_that_hangs_and_then_all(lab: Lab, paging: Paging) -> None:
    with paging(lab, poll=IMPATIENT) as pager:
        pager.look()
        lab.run("hang", "rabbit2")
        try:
            told = pager.minutes(5)
            assert told.names == {"RabbitMQNodeSilent"}
            assert "How asking ends: timeout." in told.texts["RabbitMQNodeSilent"]
            lab.run("hang", "rabbit1")
            lab.run("hang", "rabbit3")
            told = pager.until(["RabbitMQClusterUnreachable"], NOTICED)
            assert "timeout: 3;" in told.texts["RabbitMQClusterUnreachable"]
            assert not {"RabbitMQNodeDown", "RabbitMQNoMajority", "RabbitMQClusterSplit"} & set(told.firing)
        finally:
            for node in ("rabbit1", "rabbit2", "rabbit3"):
                lab.run("unhang", node)


@pytest.mark.fires("RabbitMQNodeUnauthorised")
def test_a_node_that_refuses_the_user(lab: Lab, paging: Paging) -> None:
    backends = "application:set_env(rabbit, auth_backends, [{}])."
    erlang(lab, "rabbit2", backends.format("rabbit_auth_backend_dummy"))
    try:
        with paging(lab) as pager:
            told = pager.minutes(12)
    finally:
        erlang(lab, "rabbit2", backends.format("rabbit_auth_backend_internal"))
    assert told.names == {"RabbitMQNodeUnauthorised"}
    assert [alert["node"] for alert in told.firing["RabbitMQNodeUnauthorised"]] == [TWO]


@pytest.mark.fires("RabbitMQNodeUnauthorised", "RabbitMQClusterUnreachable")
def test_a_wrong_password(lab: Lab, paging: Paging) -> None:
    text = lab.config_text().replace(lab.monitor_password, "wrong")
    with paging(lab, text=text) as pager:
        told = pager.minutes(8)
    assert told.names == {"RabbitMQNodeUnauthorised", "RabbitMQClusterUnreachable"}
    assert "unauthorised: 3;" in told.texts["RabbitMQClusterUnreachable"]


@pytest.mark.fires("RabbitwatchDataStale", "RabbitwatchAbsent")
def test_nobody_polls(lab: Lab, paging: Paging) -> None:
    with paging(lab) as pager:
        pager.minutes(3)
        pager.pass_over(4)
        assert pager.pass_over(2).names == {"RabbitwatchDataStale"}
        assert pager.pass_over(40).names == {"RabbitwatchDataStale", "RabbitwatchAbsent"}


@pytest.mark.fires("RabbitMQManagementSlow")
def test_an_api_that_answers_late(lab: Lab, paging: Paging) -> None:
    lab.run("slow", "rabbit2", "3.2")
    try:
        with paging(lab, poll="poll: {interval: 30s, timeout: 29s}\n", step=SEVERAL_MINUTES) as pager:
            told = pager.minutes(5)
    finally:
        lab.run("slow", "rabbit2", "0")
    assert told.names == {"RabbitMQManagementSlow"}
    assert [alert["node"] for alert in told.firing["RabbitMQManagementSlow"]] == [TWO]


POLICY = '{<<"/">>, <<"policy">>, <<"broken">>}'


@pytest.mark.fires("RabbitwatchSourceFailing", "RabbitwatchListFailing")
def test_questions_that_fail(lab: Lab, paging: Paging) -> None:
    """One node fails over its own settings, and all over a policy that is none."""
    erlang(lab, "rabbit2", "application:set_env(rabbitmq_management, sample_retention_policies, broken).")
    erlang(lab, "rabbit1", f"mnesia:dirty_write(rabbit_runtime_parameters, {{runtime_parameters, {POLICY}, broken}}).")
    try:
        with paging(lab) as pager:
            told = pager.minutes(12)
    finally:
        erlang(lab, "rabbit1", f"mnesia:dirty_delete(rabbit_runtime_parameters, {POLICY}).")
        erlang(lab, "rabbit2", "application:unset_env(rabbitmq_management, sample_retention_policies).")
    assert told.names == {"RabbitwatchSourceFailing", "RabbitwatchListFailing"}
    assert [(alert["node"], alert["source"]) for alert in told.firing["RabbitwatchSourceFailing"]] == [
        (TWO, "overview")
    ]
    assert [alert["source"] for alert in told.firing["RabbitwatchListFailing"]] == ["policies"]
