"""Two real agents, one killed: everybody is told once, and nobody is left untold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.agents import AgentProcess, agents
from tests.support.waiting import until
from tests.support.webhookserver import Post, WebhookServer

WAIT = 3.0
GROUP_INTERVAL = 6.0
SLACK = 20.0
"""What a busy machine may add."""


@pytest.fixture
def hook() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server


@pytest.fixture
def pair(tmp_path: Path, hook: WebhookServer) -> Iterator[tuple[AgentProcess, AgentProcess]]:
    with agents(tmp_path, 2) as (first, second):
        for position, (one, other) in enumerate([(first, second), (second, first)]):
            one.configure(
                {
                    "route": {
                        "receiver": "hook",
                        "group_by": ["team"],
                        "group_wait": "1s",
                        "group_interval": f"{GROUP_INTERVAL:g}s",
                    },
                    "receivers": [{"name": "hook", "webhook_configs": [{"url": hook.url}]}],
                    "notify": {"peer": {"url": other.url, "position": position, "wait": f"{WAIT:g}s"}},
                }
            )
            one.fire("First", team="a")
        yield first, second


def told(posts: list[Post]) -> list[tuple[str, list[str]]]:
    """Status and names of the alerts of each message."""
    found = [post.json() for post in posts]
    return [(each["status"], sorted(alert["labels"]["alertname"] for alert in each["alerts"])) for each in found]


def test_one_message_whoever_lives(pair: tuple[AgentProcess, AgentProcess], hook: WebhookServer) -> None:
    first, second = pair
    first.start()
    second.start()
    hook.wait_for(1, SLACK)
    time.sleep(WAIT + GROUP_INTERVAL + 2)
    assert told(hook.posts) == [("firing", ["First"])]

    first.kill()
    second.fire("First", "Second", team="a")
    until(lambda: len(hook.posts) >= 2, "the second takes over", WAIT + GROUP_INTERVAL + SLACK, second.log)
    assert told(hook.posts)[1:] == [("firing", ["First", "Second"])]

    first.fire("First", "Second", team="a")
    first.start()
    time.sleep(WAIT + GROUP_INTERVAL + 4)
    assert told(hook.posts)[2:] == []  # the first has learnt what was told while it was away

    for agent in pair:
        agent.fire("Other", team="b")
    posts = hook.wait_for(4, WAIT + GROUP_INTERVAL + SLACK)
    assert sorted(told(posts)[2:]) == [("firing", ["Other"]), ("resolved", ["First", "Second"])]
    time.sleep(WAIT + GROUP_INTERVAL + 2)
    assert len(hook.posts) == 4


def test_the_second_alone_tells_after_its_wait(pair: tuple[AgentProcess, AgentProcess], hook: WebhookServer) -> None:
    _, second = pair
    second.start()
    hook.wait_for(1, WAIT + SLACK)
    assert told(hook.posts) == [("firing", ["First"])]
    assert "this one sends alone" in second.log()
