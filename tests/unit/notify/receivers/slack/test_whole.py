"""The whole way: an alert, a message in Slack, a click, a silence that holds, an answer; and after a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.slackserver import Message, SlackServer
from tests.support.waiting import until

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle, Raised
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import Config
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.silence import SilenceState
from rabbitwatch.notification import Notification
from rabbitwatch.notify.receivers.slack.buttons import SILENCE
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.storage.database import Database


def cycle(*names: str) -> Cycle:
    return Cycle(time.time(), ["group"], [], [Raised("group", "up == 0", _alert(name)) for name in names])


def _alert(name: str) -> Alert:
    return Alert(
        labels=LabelSet.of({"alertname": name, "severity": "critical", "cluster": "orders"}),
        annotations={"summary": f"{name} of orders"},
        state=AlertState.FIRING,
        value=1.0,
        active_at=time.time() - 60,
        fired_at=time.time() - 50,
        resolved_at=None,
    )


class Agent:
    """The part of the agent that tells, over a folder; may be ended and begun again."""

    def __init__(self, folder: Path, slack: SlackServer) -> None:
        self._folder = folder
        keys = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api": slack.api, "channel": "#alerts"}
        self._sections: dict[str, Any] = {
            "storage": {"path": folder},
            "route": {"receiver": "team", "group_by": ["cluster"], "group_wait": "0s", "group_interval": "1s"},
            "receivers": [{"name": "team", "slack_configs": [keys]}],
        }

    def begin(self) -> Notification:
        config = Config.model_validate(self._sections)
        loaded = Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())
        self.own = OwnMetrics()
        self._database = Database.open(self._folder)
        self._notification = Notification(loaded, self.own, self._database)
        self._notification.begin(loaded)
        return self._notification

    def connected(self) -> float | None:
        return self.own.registry.get_sample_value("rabbitwatch_slack_socket_connected", {"connection": "0"})

    def end(self) -> None:
        self._notification.stop()
        self._database.close()


@pytest.fixture
def agent(tmp_path: Path, slack: SlackServer) -> Iterator[Agent]:
    made = Agent(tmp_path, slack)
    yield made
    made.end()


def title(message: Message) -> str:
    return str(message.blocks[0]["text"]["text"])


def test_a_click_in_slack_keeps_the_group_quiet(agent: Agent, slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    notification = agent.begin()
    notification.take(cycle("A"))
    until(lambda: slack.messages(channel))
    assert slack.connected(1)
    until(lambda: agent.connected() == 1)
    [message] = slack.messages(channel)
    slack.click(channel, message.ts, SILENCE)
    until(lambda: slack.called("chat.update"))
    [silence] = notification.silences.all()
    assert silence.state(time.time()) is SilenceState.ACTIVE
    assert silence.created_by == "alice (U0ALICE00)"
    assert 3590 < silence.ends_at - time.time() <= 3600
    [answer] = slack.thread(channel, message.ts)
    assert silence.id in title(answer)

    notification.take(cycle("A", "B"))
    time.sleep(2.5)
    assert len(slack.thread(channel, message.ts)) == 1
    assert [status.state for status in notification.book.alerts()] == ["suppressed", "suppressed"]

    notification.silences.expire(silence.id)
    notification.take(cycle("A", "B"))
    until(lambda: len(slack.thread(channel, message.ts)) == 2)
    [message] = slack.messages(channel)
    assert "2 firing" in title(message)
    assert message.button(SILENCE) is not None


def test_after_a_restart_the_same_message_goes_on(agent: Agent, slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    agent.begin().take(cycle("A"))
    until(lambda: slack.messages(channel))
    agent.end()
    notification = agent.begin()
    notification.take(cycle("A", "B"))
    [message] = slack.messages(channel)
    until(lambda: slack.thread(channel, message.ts))
    assert len(slack.messages(channel)) == 1
    until(lambda: slack.sockets_opened == 2)
    assert slack.connected(1)
    slack.click(channel, message.ts, SILENCE)
    until(notification.silences.all)
