from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.unit.web.prometheus.served import Client, an_api, served

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import GroupStatus, Health, RuleStatus
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.promql.labels import LabelSet


def an_alert(queue: str, state: AlertState, **more: Any) -> Alert:
    labels = LabelSet.of({"alertname": "QueueDeep", "queue": queue, "severity": "page"})
    return Alert(
        labels=labels, annotations={"summary": f"{queue} is deep"}, state=state, value=1.0, active_at=1000.5, **more
    )


ALERTS = [
    an_alert("q1", AlertState.FIRING, fired_at=1060.0, keep_firing_since=1100.0, blind_since=1090.0),
    an_alert("q2", AlertState.PENDING),
]


FILE = """
groups:
  - name: queues
    rules:
      - alert: QueueDeep
        expr: rabbitwatch_queue_messages > 5
        for: 1m
        keep_firing_for: 5m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.queue }} is deep"}
      - record: job:sum
        expr: sum(x)
        labels: {a: b}
  - name: idle
    rules: []
"""


class SomeRules:
    """Two groups, as an evaluator would show them."""

    def __init__(self, file: Path) -> None:
        file.write_text(FILE)
        self._groups = load([file]).groups

    def status(self) -> Sequence[GroupStatus]:
        queues, idle = self._groups
        deep, total = queues.rules
        shared: dict[str, Any] = {"last_evaluation": 2000.25, "duration_s": 0.002}
        rules = [
            RuleStatus(rule=deep, health=Health.OK, last_error="", alerts=ALERTS, **shared),
            RuleStatus(rule=total, health=Health.ERROR, last_error="it failed", alerts=[], **shared),
        ]
        return [
            GroupStatus(group=queues, interval_s=15.0, rules=rules, **shared),
            GroupStatus(group=idle, interval_s=60.0, rules=[], last_evaluation=None, duration_s=0.0),
        ]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules") / "queues.yml"


@pytest.fixture(scope="module")
def ruled(file: Path) -> Iterator[Client]:
    with served(an_api(rules=SomeRules(file))) as asked:
        yield asked


SHOWN = [
    {
        "labels": {"alertname": "QueueDeep", "queue": "q1", "severity": "page"},
        "annotations": {"summary": "q1 is deep"},
        "state": "firing",
        "activeAt": "1970-01-01T00:16:40.5Z",
        "value": "1e+00",
        "keepFiringSince": "1970-01-01T00:18:20Z",
        "blindSince": "1970-01-01T00:18:10Z",
    },
    {
        "labels": {"alertname": "QueueDeep", "queue": "q2", "severity": "page"},
        "annotations": {"summary": "q2 is deep"},
        "state": "pending",
        "activeAt": "1970-01-01T00:16:40.5Z",
        "value": "1e+00",
    },
]


def test_alerts(ruled: Client) -> None:
    assert ruled.data("/alerts") == {"alerts": SHOWN}


def test_rules(ruled: Client, file: Path) -> None:
    queues, idle = ruled.data("/rules")["groups"]
    assert idle == {
        "name": "idle",
        "file": str(file),
        "rules": [],
        "interval": 60,
        "limit": 0,
        "evaluationTime": 0,
        "lastEvaluation": "0001-01-01T00:00:00Z",
    }
    deep, total = queues["rules"]
    assert deep == {
        "state": "firing",
        "name": "QueueDeep",
        "query": "rabbitwatch_queue_messages > 5",
        "duration": 60,
        "keepFiringFor": 300,
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $labels.queue }} is deep"},
        "alerts": SHOWN,
        "health": "ok",
        "evaluationTime": 0.002,
        "lastEvaluation": "1970-01-01T00:33:20.25Z",
        "type": "alerting",
    }
    assert total == {
        "name": "job:sum",
        "query": "sum(x)",
        "labels": {"a": "b"},
        "health": "err",
        "lastError": "it failed",
        "evaluationTime": 0.002,
        "lastEvaluation": "1970-01-01T00:33:20.25Z",
        "type": "recording",
    }


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ([("type", "alert")], {"queues": ["QueueDeep"], "idle": []}),
        ([("type", "record")], {"queues": ["job:sum"], "idle": []}),
        ([("rule_name[]", "job:sum"), ("rule_name[]", "other")], {"queues": ["job:sum"]}),
        ([("rule_group[]", "idle")], {"idle": []}),
        ([("file[]", "other.yml")], {}),
        ([("match[]", '{severity="page"}')], {"queues": ["QueueDeep"]}),
    ],
)
def test_filters(ruled: Client, params: list[tuple[str, str]], shown: dict[str, list[str]]) -> None:
    groups = ruled.data("/rules", params)["groups"]
    assert {group["name"]: [rule["name"] for rule in group["rules"]] for group in groups} == shown


def test_a_file_is_named_as_it_was_loaded(ruled: Client, file: Path) -> None:
    assert [group["name"] for group in ruled.data("/rules", {"file[]": str(file)})["groups"]] == ["queues", "idle"]


def test_alerts_may_be_left_out(ruled: Client) -> None:
    groups = ruled.data("/rules", {"exclude_alerts": "true"})["groups"]
    assert groups[0]["rules"][0]["alerts"] == []


def test_bad_requests(ruled: Client) -> None:
    assert ruled.error("/rules", {"type": "x"}) == (
        400,
        "bad_data",
        'invalid parameter "type": not supported value "x"',
    )
    assert ruled.error("/rules", {"exclude_alerts": "x"})[:2] == (400, "bad_data")


def test_an_agent_without_rules(client: Client) -> None:
    assert client.data("/rules") == {"groups": []}
    assert client.data("/alerts") == {"alerts": []}
