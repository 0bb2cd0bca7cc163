"""`rabbitwatch notify test`: a line for each entry of a receiver, and what the exit code says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.notices import notice
from tests.support.webhookserver import Reply, WebhookServer

from rabbitwatch.cli import main
from rabbitwatch.cli.notify import GROUP_KEY, tried
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.base import Integration


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as running:
        running.answer("/dead-s3cr3t", Reply(500, b"ill"))
        yield running


@pytest.fixture
def config(tmp_path: Path, server: WebhookServer) -> Path:
    file = tmp_path / "c.yml"
    file.write_text(
        f"""
route: {{receiver: chat}}
receivers:
  - name: chat
    webhook_configs: [{{url: '{server.url}/hook'}}, {{url: '{server.url}/hook2', send_resolved: false}}]
  - name: dead
    webhook_configs: [{{url: '{server.url}/dead-s3cr3t'}}]
  - name: nobody
"""
    )
    return file


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["notify", "test", *arguments])
    return int(left.value.code or 0)


def timeless(text: str) -> list[str]:
    return [re.sub(r" \(\d+\.\d\d s\)", "", line) for line in text.splitlines()]


def test_one_that_fails_is_named_and_is_exit_1(
    config: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--config", str(config)) == 1
    out, err = capsys.readouterr()
    assert timeless(out) == [
        "chat/webhook[0]: ok",
        "chat/webhook[1]: ok",
        f"dead/webhook[0]: failed: {server.url} answered with status 500: ill",
        "nobody: tells nobody",
    ]
    assert err == ""
    assert "s3cr3t" not in out
    assert re.search(r" \(\d+\.\d\d s\)$", out.splitlines()[0])


def test_one_receiver_alone(config: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(config), "--receiver", "chat") == 0
    assert timeless(capsys.readouterr().out) == ["chat/webhook[0]: ok", "chat/webhook[1]: ok"]
    document = server.posts[0].json()
    assert document["receiver"] == "chat"
    assert document["status"] == "firing"
    assert "sample" in document["alerts"][0]["annotations"]["summary"]
    assert document["groupKey"] == GROUP_KEY
    assert document["groupLabels"] == {"alertname": "SampleAlert"}


def test_its_end_is_told_to_those_who_want_to_hear_of_ends(
    config: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--config", str(config), "--receiver", "chat", "--resolved") == 0
    assert timeless(capsys.readouterr().out) == [
        "chat/webhook[0]: ok",
        "chat/webhook[1]: not sent: its send_resolved is false",
    ]
    [post] = server.posts
    assert post.json()["status"] == "resolved"
    assert post.json()["groupKey"] == GROUP_KEY


@pytest.mark.parametrize(
    ("text", "arguments", "complaint"),
    [
        (None, ["--receiver", "caht"], "no receiver is called 'caht': did you mean 'chat'?"),
        (None, ["--receiver", "x"], "no receiver is called 'x': there are: chat, dead, nobody"),
        ("{}", [], "no receiver is configured"),
        ("receivers: [{name: a, webhook_configs: [{url: 's3cr3t'}]}]\nroute: {receiver: a}", [], "is no address"),
        ("receivers: [{name: a, apprise_configs: [{url: 's3cr3t'}]}]\nroute: {receiver: a}", [], "apprise"),
    ],
)
def test_what_cannot_be_tried_is_exit_2(
    config: Path, text: str | None, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        config.write_text(text)
    assert run("--config", str(config), *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert "s3cr3t" not in err
    assert len(err.splitlines()) == 1


def test_all_receivers_that_cannot_be_made_are_named_with_their_lines(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(
        "route: {receiver: a}\nreceivers:\n  - name: a\n"
        "    webhook_configs:\n      - url: http://host/\n        http: {bearer_token: 's3cr3t →'}\n"
        "    apprise_configs:\n      - url: s3cr3t\n"
    )
    assert run("--config", str(config)) == 2
    err = capsys.readouterr().err.splitlines()
    assert [line.partition(": receiver ")[0] for line in err] == [f"{config}:5:9", f"{config}:8:9"]


class Together:
    """A sender that arrives only while as many others are under way."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        self._barrier.wait(30)
        return {}

    def close(self) -> None:
        pass


def test_slow_ones_are_tried_side_by_side() -> None:
    barrier = threading.Barrier(3)
    chosen = [(name, [Integration(f"{name}/x[0]", Together(barrier))]) for name in "abc"]
    lines, good = tried(chosen, lambda name: notice(receiver=name), clock=lambda: 0.0)
    assert good
    assert lines == [f"{name}/x[0]: ok (0.00 s)" for name in "abc"]


def test_the_sample_can_be_read_as_json(config: Path, server: WebhookServer) -> None:
    run("--config", str(config), "--receiver", "chat")
    assert json.loads(server.posts[0].body)["version"] == "4"
