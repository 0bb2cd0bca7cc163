"""That every shipped alert fires on a real cluster in some test, or has a reason here why it does not.

Which alerts a test makes fire says its mark `fires`, which is held against what did fire. Needs no cluster itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import yaml

HERE = Path(__file__).parent
TOP = HERE.parents[2]
UNIT = "; rules/tests/ alone makes it fire"
SELF = "speaks of the agent's own metrics, for which no cluster has to be in any state" + UNIT
REPAIRS = "speaks of the agent's own repairs, which tests/cluster/actions/ has on real brokers" + UNIT

NOT_ON_A_REAL_CLUSTER = {
    "RabbitMQDistributionLinkDown": "while a link is silent no API answers, and when one does the brokers have already "
    "made a full partition of it" + UNIT,
    "RabbitMQMixedVersions": "the lab has 3.10, 4.0 and 4.3, no two of which can be in one cluster" + UNIT,
    "RabbitMQQueueDepthUnknown": "brokers from 3.10 on tell a number for each queue that runs, 0 even for one whose "
    "process hangs (measured on 3.10.8)" + UNIT,
    "RabbitMQErlangProcessesHigh": "the limit is fixed when the Erlang machine starts, and at the default of a million "
    "it takes 2 GB of memory to come near it" + UNIT,
    "RabbitwatchOneObserverBlind": "needs two observers in one Prometheus; the agent sees itself alone" + UNIT,
    "RabbitwatchReloadFailed": SELF,
    "RabbitwatchRuleFailing": SELF,
    "RabbitwatchNotEvaluating": SELF,
    "RabbitwatchCyclesFailing": SELF,
    "RabbitwatchAlertsBlind": SELF,
    "RabbitwatchHistoryDropped": SELF,
    "RabbitwatchNotificationFailing": SELF,
    "RabbitwatchAlertmanagerFailing": SELF,
    "RabbitwatchActionFight": REPAIRS,
    "RabbitwatchActionFailed": REPAIRS,
    "RabbitwatchActionOpenTooLong": REPAIRS,
    "RabbitwatchActionsWithoutLease": REPAIRS,
    "RabbitwatchActionsNotRecorded": REPAIRS,
    "RabbitwatchAuditBroken": REPAIRS,
    "RabbitwatchActionWebhookRefused": REPAIRS,
    "RabbitwatchActionsBrokenOff": REPAIRS,
    "RabbitwatchActionsPaused": REPAIRS,
}


def shipped_alerts() -> set[str]:
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in (TOP / "rules").glob("*.yml")]
    return {rule["alert"] for file in files for group in file["groups"] for rule in group["rules"]}


def fired() -> Iterator[str]:
    """By the marks of all tests on real clusters."""
    for file in HERE.parent.rglob("test_*.py"):
        name = ".".join(file.relative_to(TOP).with_suffix("").parts)
        for test in vars(importlib.import_module(name)).values():
            marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "fires"] if callable(test) else []
            assert not marks or "paging" in signature(test).parameters, f"{name}: nothing holds the mark of {test}"
            yield from (alert for mark in marks for alert in mark.args)


def test_every_alert_fires_on_a_real_cluster_or_says_why_not() -> None:
    marked = set(fired())
    assert marked | NOT_ON_A_REAL_CLUSTER.keys() == shipped_alerts()
    assert not marked & NOT_ON_A_REAL_CLUSTER.keys(), "the table is out of date"
