"""From the configuration to a receiver: who is called, and when there is a button."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.slacknotices import a_notice, out_alert
from tests.support.slackserver import SlackServer

from rabbitwatch.config.matchers import Matchers
from rabbitwatch.config.receivers import SlackConfig
from rabbitwatch.errors import ConfigError
from rabbitwatch.notify.receivers.slack.bot import SlackBot
from rabbitwatch.notify.receivers.slack.buttons import SHOW, SILENCE
from rabbitwatch.notify.receivers.slack.make import SlackSockets, make, mention
from rabbitwatch.notify.receivers.slack.webhook import SlackWebhook
from rabbitwatch.notify.receivers.tools import Tools


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("", ""),
        ("@here", "<!here>"),
        ("@channel <@U012AB3CD>", "<!channel> <@U012AB3CD>"),
        ("<!subteam^S0123|@on-call>", "<!subteam^S0123|@on-call>"),
        ("<!everyone>", "<!everyone>"),
    ],
)
def test_mentions(text: str, markup: str) -> None:
    assert mention(text) == markup


@pytest.mark.parametrize("text", ["@alice", "on-call", "<https://e.example>", "<@alice>"])
def test_a_mention_that_would_call_nobody_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="mention: Slack calls nobody for"):
        mention(text)


class Refusing:
    def begin(self, *_: object) -> str:
        raise AssertionError

    def end(self, _: str) -> tuple[Matchers, bool]:
        raise AssertionError


@pytest.mark.parametrize(
    ("changes", "answered", "shown"),
    [
        ({}, True, set()),
        ({"app_token": "xapp-1"}, False, set()),
        ({"app_token": "xapp-1"}, True, {SHOW, SILENCE}),
        ({"app_token": "xapp-1", "buttons": False}, True, set()),
    ],
)
def test_buttons_are_there_where_somebody_answers(
    slack: SlackServer, changes: dict[str, Any], answered: bool, shown: set[str]
) -> None:
    channel = slack.channel("alerts")
    keys = {"bot_token": slack.bot_token, "api": slack.api, "channel": channel, **changes}
    sender = make(SlackConfig.model_validate(keys), Tools(slack_buttons=SlackSockets(Refusing()) if answered else None))
    assert isinstance(sender, SlackBot)
    sender.send(a_notice([out_alert()]), {}, "1")
    [message] = slack.messages(channel)
    assert {each for each in (SHOW, SILENCE) if message.button(each)} == shown


def test_an_incoming_webhook(slack: SlackServer) -> None:
    sender = make(SlackConfig.model_validate({"api_url": slack.webhook_url}), Tools())
    assert isinstance(sender, SlackWebhook)
    sender.send(a_notice([out_alert()]), {}, "1")
    assert slack.called("webhook")
    sender.close()
