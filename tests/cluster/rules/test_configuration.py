"""What the configuration declares and the cluster is not."""

from __future__ import annotations

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, Paging
from tests.cluster.rules.common import ALWAYS, ONE, YOUNG
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.mark.fires("RabbitwatchHeartbeat", "RabbitMQNodeRestarted")
def test_healthy(lab: Lab, paging: Paging) -> None:
    with paging(lab) as pager:
        told = pager.minutes(20)
    assert set(told.firing) == ALWAYS | YOUNG


EXTRA = """\
      - {{url: {beside}, name: rabbit@rabbit9}}
    queues: {{limit: 2}}
    policies:
      - {{name: ha, pattern: "^master", apply_to: queues, definition: {{ha-mode: all}}}}
"""


@pytest.mark.fires(
    "RabbitMQNodeTypeMismatch",
    "RabbitMQNodeUnlisted",
    "RabbitMQPolicyDrift",
    "RabbitMQAmbiguousPolicies",
    "RabbitMQTooFewMembers",
    "RabbitMQUndeclaredPolicies",
    "RabbitMQLeadersUnbalanced",
    "RabbitMQUnmirroredQueues",
    "RabbitwatchSourceMissing",
    "RabbitwatchQueuesHidden",
    "RabbitwatchAnswerFlawed",
)
def test_what_is_not_as_configured(lab: Lab, api: Api, paging: Paging) -> None:
    for number in range(24):
        api.queue(f"plain.{number}", node=ONE)
    api.queue("master.orders", node=ONE)
    api.queue("one", messages=1, **{"x-queue-type": "quorum", "x-quorum-initial-group-size": 1})
    api.call("PUT", "vhosts", "unseen")
    api.policy("ha", "^master", {"ha-mode": "exactly", "ha-params": 2})
    api.policy("more", "^mas", {"message-ttl": 1000})
    nowhere = lab.url("rabbit1").replace(":15672", ":15999")
    text = lab.config_text().replace("type: ram", f"type: disc\n        plugin_url: {nowhere}")
    with paging(lab, text=text, extra=EXTRA.format(beside=nowhere)) as pager:
        until(lambda: pager.look().seen.value("queue_members", "/", "one"), "what holds something is shown")
        told = pager.minutes(70)
    api.delete("vhosts", "unseen")
    assert told.names == {
        "RabbitMQNodeTypeMismatch",
        "RabbitMQNodeUnlisted",
        "RabbitMQPolicyDrift",
        "RabbitMQAmbiguousPolicies",
        "RabbitMQTooFewMembers",
    }
    assert set(told.firing) - told.names == ALWAYS | YOUNG | {
        "RabbitMQUndeclaredPolicies",
        "RabbitMQLeadersUnbalanced",
        "RabbitMQUnmirroredQueues",
        "RabbitwatchSourceMissing",
        "RabbitwatchQueuesHidden",
        "RabbitwatchAnswerFlawed",
    }
    assert [alert["node"] for alert in told.firing["RabbitMQNodeUnlisted"]] == ["rabbit@rabbit9"]
