"""promtool, which is Prometheus' own client, against the API."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from tests.unit.web.prometheus.served import NOW, Client

PROMTOOL = shutil.which("promtool")

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)"),
]

DEPTH = "rabbitwatch_queue_messages"


def query(*arguments: str) -> str:
    command = [str(PROMTOOL), "query", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_instant(client: Client) -> None:
    out = query(
        "instant", "-o", "json", f"--time={NOW}", client.url, f'sum(rabbitwatch_node_up) or {DEPTH}{{queue="q0"}}'
    )
    rows = json.loads(out)
    assert rows == [
        {"metric": {}, "value": [NOW, "2"]},
        {"metric": {"__name__": DEPTH, "cluster": "lab", "queue": "q0", "vhost": "/"}, "value": [NOW, "190"]},
    ]
    assert query("instant", client.url, "1+1").startswith("scalar: 2 @[")


def test_instant_error(client: Client) -> None:
    done = subprocess.run(
        [str(PROMTOOL), "query", "instant", client.url, "sum("],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode != 0
    assert "bad_data" in done.stdout + done.stderr


def test_range(client: Client) -> None:
    out = query("range", "-o", "json", f"--start={NOW - 60}", f"--end={NOW}", "--step=30s", client.url, f"sum({DEPTH})")
    assert json.loads(out) == [{"metric": {}, "values": [[NOW - 60, "453"], [NOW - 30, "513"], [NOW, "573"]]}]


def test_series(client: Client) -> None:
    out = query("series", f"--match={DEPTH}", "--match=ALERTS", f"--start={NOW - 60}", f"--end={NOW}", client.url)
    assert len(out.splitlines()) == 4
    assert f'{{__name__="{DEPTH}", cluster="lab", queue="q0", vhost="/"}}' in out


def test_labels(client: Client) -> None:
    assert query("labels", f"--start={NOW - 60}", f"--end={NOW}", client.url, "queue").split() == ["q0", "q1", "q2"]
