"""The sections that the agent shares with Alertmanager, held against Debian's Alertmanager and amtool."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from tests.support.alertmanager import ALERTMANAGER, AMTOOL, alertmanager
from tests.support.webhookserver import WebhookServer

from rabbitwatch.config.loading import load
from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.config.models import Config
from rabbitwatch.errors import ConfigFileError
from rabbitwatch.model.notice import fingerprint
from rabbitwatch.notify.routing import Routing

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(
        ALERTMANAGER is None or AMTOOL is None, reason="alertmanager is not installed (Debian: prometheus-alertmanager)"
    ),
]

RECEIVERS = [{"name": name} for name in ("chat", "pager", "mail", "nobody")]
TREE: dict[str, Any] = {
    "receiver": "chat",
    "routes": [
        {"matchers": ['severity="critical"'], "receiver": "pager", "continue": True},
        {
            "match": {"vhost": "/"},
            "receiver": "mail",
            "routes": [
                {"match_re": {"queue": "dead|.*[.]dlq"}, "receiver": "nobody"},
                {"matchers": ["severity!~warning|info", "node!="], "receiver": "pager", "continue": True},
                {"matchers": ['node=~".*"'], "receiver": "chat"},
            ],
        },
        {"matchers": ['{severity=~"info|none", team=""}'], "receiver": "nobody"},
        {"matchers": ["severity=~inf"], "receiver": "pager"},
        {"matchers": ['queue="a \\"b\\" c\\\\d"', "x!=y"], "receiver": "mail"},
    ],
}
LABELS = [
    {"severity": "critical"},
    {"severity": "warning"},
    {"severity": "info"},
    {"severity": "inf"},
    {"severity": "info", "team": "a"},
    {"severity": "none"},
    {"severity": "none", "vhost": ""},
    {"severity": "criticals"},
    {"vhost": "/"},
    {"vhost": "/", "severity": "critical"},
    {"vhost": "/", "severity": "critical", "node": "n"},
    {"vhost": "/", "severity": "warning", "node": "n"},
    {"vhost": "/", "queue": "dead"},
    {"vhost": "/", "queue": "dead2", "severity": "critical"},
    {"vhost": "/", "queue": "x.dlq", "severity": "critical"},
    {"vhost": "/", "queue": "x_dlq"},
    {"vhost": "/x", "queue": "dead"},
    {"queue": 'a "b" c\\d'},
    {"queue": 'a "b" c\\d', "x": "y"},
    {"alertname": "A", "severity": "CRITICAL"},
]


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(AMTOOL), *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_routes_lead_where_amtool_says(tmp_path: Path) -> None:
    config = {"route": TREE, "receivers": RECEIVERS}
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    routing = Routing.of(Config.model_validate(config))

    def asked(labels: dict[str, str]) -> list[str]:
        words = [str(Matcher(name, Operator.EQUAL, value)) for name, value in labels.items()]
        done = amtool("config", "routes", "test", f"--config.file={file}", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().split(",")

    with ThreadPoolExecutor(2) as threads:
        theirs = list(threads.map(asked, LABELS))
    ours = [[route.receiver for route in routing.routes_for(labels)] for labels in LABELS]
    assert ours == theirs
    assert {receiver for each in theirs for receiver in each} == {"chat", "pager", "mail", "nobody"}


ROOT = {"receiver": "chat"}


def tree(*routes: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {"route": {**ROOT, **root, "routes": list(routes)}}


def interval(**spec: Any) -> dict[str, Any]:
    return {"time_intervals": [{"name": "it", "time_intervals": [spec]}]}


GOOD: list[dict[str, Any]] = [
    tree(),
    tree({"matchers": ["a=b", 'c="d e"', "f=~g|h", '{i!="j",k!~l}']}),
    tree({"match": {"a": 1}}),
    tree(group_by=["..."]),
    tree(group_by=[]),
    tree(group_wait="0s"),
    {**tree({"mute_time_intervals": ["it"]}), **interval()},
    {**tree(), **interval(times=[{"start_time": "00:00", "end_time": "24:00"}])},
    {**tree(), **interval(weekdays=["Monday:friday", "sunday"])},
    {**tree(), **interval(days_of_month=["-3:-1", "1", "1:-1"])},
    {**tree(), **interval(months=["may:9", "DECEMBER"])},
    {**tree(), **interval(location="Europe/Berlin")},
    {**tree(), "inhibit_rules": [{"source_match": {"a": "b"}, "target_matchers": ["c=d"], "equal": ["e"]}]},
]
BAD: list[dict[str, Any]] = [
    {},
    {"route": {}},
    tree(receiver="unknown"),
    tree({"receiver": "unknown"}),
    tree(matchers=["a=b"]),
    tree(match={"a": "b"}),
    tree(**{"continue": True}),
    tree(mute_time_intervals=["it"]),
    tree({"mute_time_intervals": ["unknown"]}),
    tree({"active_time_intervals": ["unknown"]}),
    tree(group_by=["a", "a"]),
    tree(group_by=["a", "..."]),
    tree(group_by=["a, b"]),
    tree(group_interval="0s"),
    tree(repeat_interval="0s"),
    tree(group_wait="5"),
    tree({"matchers": ["a"]}),
    tree({"matchers": ['a="b']}),
    tree({"matchers": ["a=~["]}),
    tree({"match_re": {"a": "("}}),
    tree({"unknown": 1}),
    {**tree(), "receivers": [{"name": "chat"}, {"name": "chat"}]},
    {**tree(), "receivers": [{"name": "chat", "slack_configs": [{"channel": "#a"}]}]},
    {**tree(), "receivers": [{"name": "chat", "webhook_configs": [{}]}]},
    {**tree(), "receivers": [{"name": "chat", "pagerduty_configs": [{}]}]},
    {**tree(), "receivers": [{"name": "chat", "webhook_configs": [{"url": "nowhere"}]}]},
    {**tree(), "time_intervals": [{"name": "it", "time_intervals": []}] * 2},
    {**tree(), **interval(times=[{"start_time": "9:00", "end_time": "10:00"}])},
    {**tree(), **interval(times=[{"start_time": "10:00", "end_time": "09:00"}])},
    {**tree(), **interval(times=[{"start_time": "10:00"}])},
    {**tree(), **interval(weekdays=["friday:monday"])},
    {**tree(), **interval(weekdays=["mon"])},
    {**tree(), **interval(days_of_month=["0"])},
    {**tree(), **interval(days_of_month=["-1:1"])},
    {**tree(), **interval(days_of_month=["28:-10"])},
    {**tree(), **interval(years=["2027:2026"])},
    {**tree(), **interval(location="Mars")},
    {**tree(), "inhibit_rules": [{"source_matchers": ["a"], "target_matchers": ["c=d"]}]},
]
STRICTER: list[dict[str, Any]] = [
    {**tree(), **interval(months=["13"])},
    tree({"matchers": ["a=b", "a=c"]}),
    tree({"matchers": ["a=b"]}, {"matchers": ["a=b", "c=d"]}),
    tree({}, {"matchers": ["a=b"]}),
    {**tree(), "inhibit_rules": [{"source_matchers": ["a=b"], "target_matchers": ["a=b"]}]},
]


def verdicts(config: dict[str, Any], folder: Path) -> tuple[bool, bool]:
    """Whether amtool takes it, and whether the agent does."""
    folder.mkdir()
    file = folder / "config.yml"
    file.write_text(yaml.safe_dump({"receivers": [{"name": "chat"}], **config}))
    theirs = amtool("check-config", str(file)).returncode == 0
    try:
        load(file, environment={})
    except ConfigFileError:
        return theirs, False
    return theirs, True


@pytest.mark.parametrize(
    ("configs", "expected"), [(GOOD, (True, True)), (BAD, (False, False)), (STRICTER, (True, False))]
)
def test_files_are_taken_and_refused_as_amtool_does(
    configs: list[dict[str, Any]], expected: tuple[bool, bool], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(verdicts, configs, (tmp_path / str(n) for n in range(len(configs)))))
    assert not [(config, got) for config, got in zip(configs, found, strict=True) if got != expected]


def test_groups_have_alertmanagers_keys_and_alerts_its_fingerprints(tmp_path: Path) -> None:
    sets = [
        {"alertname": "A", "a": "1", "a_b": "2", "a1": "3"},
        {"alertname": "B", "sev": "x", "k": "a"},
        {"alertname": "C", "sev": "x", "w": 'line\nend\\back"q'},
        {"alertname": "D", "sev": "x y", "b": "qq", "m": "abc", "weird": '\x01\u00a0é\u2028\t\r\n"\\\x7f'},
    ]
    with WebhookServer() as hook:
        route = {
            "receiver": "a",
            "group_by": ["alertname", "a_b", "a1", "a"],
            "group_wait": "0s",
            "routes": [
                {"matchers": ['sev="x y"', 'z!=""', "b=~q.*"], "receiver": "b"},
                {"matchers": ['sev="x y"', 'z!="1"', "b=~q.*", 'b!~"\\\\d"'], "match_re": {"m": "a.*"}}
                | {"receiver": "b", "group_by": ["..."], "continue": True},
                {
                    "matchers": ["sev=x"],
                    "routes": [
                        {"matchers": ['k=~"a|b"'], "group_by": []},
                        {"matchers": ['w="line\\nend\\\\back\\"q"'], "group_by": ["w"]},
                    ],
                },
            ],
        }
        receivers = [{"name": name, "webhook_configs": [{"url": f"{hook.url}/{name}"}]} for name in "ab"]
        config = {"route": route, "receivers": receivers}
        routing = Routing.of(Config.model_validate(config))
        ours = {
            (route.receiver, route.group_key(route.group_labels(labels)), fingerprint(labels))
            for labels in sets
            for route in routing.routes_for(labels)
        }
        with alertmanager(tmp_path, config) as server:
            began = datetime.now(UTC).isoformat()
            alerts = [{"labels": labels, "startsAt": began} for labels in sets]
            assert requests.post(f"{server.url}/api/v2/alerts", json=alerts, timeout=10).ok
            deadline = time.monotonic() + 30
            while len(hook.posts) < len(ours) and time.monotonic() < deadline:
                time.sleep(0.1)
        bodies = [post.json() for post in hook.posts]
    theirs = {(body["receiver"], body["groupKey"], each["fingerprint"]) for body in bodies for each in body["alerts"]}
    assert ours == theirs
