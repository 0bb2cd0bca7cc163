"""What Debian's Prometheus posts to an Alertmanager, beside what the agent posts: the same, name by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.prometheus.server import PROMETHEUS, prometheus
from tests.support.webhookserver import WebhookServer

from rabbitwatch.config.notices import AlertmanagerConfig
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.outward import generator_url
from rabbitwatch.notify.push import PATH, Push

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian package prometheus)"),
]

EXPR = 'vector(1) > bool 0 or up{job="a b"}'
LABELS = {"severity": "critical", "queue": 'q "ö" \\'}


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The first alert that a Prometheus posts."""
    # it waits until Prometheus has discovered its Alertmanagers, which takes 5 s: what fires before is sent to nobody
    rule = {"alert": "Always", "expr": EXPR, "for": "8s", "labels": LABELS, "annotations": {"summary": "it fires"}}
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "g", "interval": "1s", "rules": [rule]}]}))
    with WebhookServer() as receiver:
        alertmanagers = [{"static_configs": [{"targets": [receiver.url.removeprefix("http://")]}]}]
        settings = {
            "global": {"external_labels": {"site": "north"}},
            "rule_files": [str(rules)],
            "alerting": {"alertmanagers": alertmanagers},
        }
        with prometheus(tmp_path, settings):
            post = receiver.wait_for(1, within=60)[0]
            assert post.path == PATH
            [alert] = post.json()
            yield alert


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_it_is_the_same_but_for_the_time(theirs: dict[str, Any]) -> None:
    at = _seconds(theirs["startsAt"])
    address = theirs["generatorURL"].partition("/graph")[0]
    mine = OutAlert(
        labels={"alertname": "Always", "site": "north", **LABELS},
        annotations={"summary": "it fires"},
        starts_at=at,
        ends_at=None,
        updated_at=at,
        generator_url=generator_url(address, EXPR),
    )
    with WebhookServer() as receiver:
        push = Push([AlertmanagerConfig(url=receiver.url)], interval=1, now=lambda: at)
        push.take([mine])
        [post] = receiver.wait_for(1)
        push.close()
    [ours] = post.json()
    assert ours == theirs
    assert _seconds(ours["endsAt"]) - at == 240
