"""A Slack with a channel, a receiver with buttons in it, and what the buttons do."""

from __future__ import annotations

import functools
from typing import Any

from tests.support.slacknotices import a_notice, out_alert
from tests.support.slackserver import SlackServer

from rabbitwatch.config.matchers import Matchers
from rabbitwatch.config.receivers import SlackConfig
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.slack.bot import SlackBot
from rabbitwatch.notify.receivers.slack.make import Actions, SlackSockets, make
from rabbitwatch.notify.receivers.slack.socket import SocketMode
from rabbitwatch.notify.receivers.tools import Tools

QUICK = functools.partial(SocketMode, pause_s=lambda _failures: 0.05, look_s=0.05, ping_s=0.2)


class Keeper:
    """What was silenced and ended, and how it is refused. over: silences have ended by themselves."""

    def __init__(self) -> None:
        self.made: list[tuple[Matchers, str, str, float]] = []
        self.ended: list[str] = []
        self.over = False
        self.refusal: Exception | None = None

    def begin(self, matchers: Matchers, author: str, comment: str, seconds: float) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.made.append((matchers, author, comment, seconds))
        return f"silence-{len(self.made)}"

    def end(self, silence_id: str) -> tuple[Matchers, bool]:
        if self.refusal is not None:
            raise self.refusal
        self.ended.append(silence_id)
        return self.made[-1][0], not self.over


class Desk:
    """See the module. tools: more for the receiver's maker."""

    def __init__(self, slack: SlackServer, actions: Actions = lambda _: {}, **tools: Any) -> None:
        self.slack = slack
        self.silences = Keeper()
        self.states: list[tuple[str, bool]] = []
        self.channel = slack.channel("alerts")
        self.sockets = SlackSockets(
            self.silences,
            actions=actions,
            on_state=lambda api, connected: self.states.append((api, connected)),
            connection=QUICK,
        )
        config = SlackConfig.model_validate(
            {"bot_token": slack.bot_token, "app_token": slack.app_token, "api": slack.api, "channel": "#alerts"}
        )
        sender = make(config, Tools(slack_buttons=self.sockets, **tools))
        assert isinstance(sender, SlackBot)
        self.sender = sender

    def tell(self) -> Memory:
        """Two alerts of a group."""
        return self.sender.send(a_notice([out_alert(), out_alert("mails")]), {}, "1")

    def thread(self, memory: Memory) -> list[str]:
        """What is said in a message's thread."""
        return [each.blocks[0]["text"]["text"] for each in self.slack.thread(self.channel, memory["ts"])]
