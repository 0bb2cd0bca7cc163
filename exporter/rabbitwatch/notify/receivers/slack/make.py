"""From the configuration to a receiver, and the connections of Socket Mode that several receivers share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from rabbitwatch.config.receivers import SlackConfig
from rabbitwatch.errors import ConfigError
from rabbitwatch.notify.receivers.slack.answers import Answers
from rabbitwatch.notify.receivers.slack.api import SlackApi
from rabbitwatch.notify.receivers.slack.bot import SlackBot
from rabbitwatch.notify.receivers.slack.buttons import SHOW
from rabbitwatch.notify.receivers.slack.clicks import Click, Handler
from rabbitwatch.notify.receivers.slack.message import Style
from rabbitwatch.notify.receivers.slack.silencing import SilenceButtons, SilenceKeeper
from rabbitwatch.notify.receivers.slack.socket import SocketMode
from rabbitwatch.notify.receivers.slack.webhook import SlackWebhook
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import own_texts

_BROADCAST = re.compile(r"@(here|channel|everyone)")
_MENTION = re.compile(r"<(![a-z]+|@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)(\|[^<>|]*)?>")


Actions = Callable[[Answers], Mapping[str, Handler]]
"""What more buttons do, by action id, and how they answer; made once for each app."""


class SlackSockets:
    """The connections of Socket Mode, one an app token, whoever uses it.

    silences: what the buttons of silences change. actions: other buttons. on_state: told whether a connection stands,
    with the configured address of Slack's API. connection: makes one, for tests.
    """

    def __init__(
        self,
        silences: SilenceKeeper,
        *,
        actions: Actions = lambda _: {},
        on_state: Callable[[str, bool], None] = lambda _api, _connected: None,
        connection: Callable[..., SocketMode] = SocketMode,
    ) -> None:
        self._silences = silences
        self._actions = actions
        self._on_state = on_state
        self._connection = connection
        self._sockets: dict[tuple[str, str], SocketMode] = {}

    def join(self, app_token: str, bot_token: str, api: str) -> None:
        """The buttons of this bot's messages shall work; the first bot of an app answers for all."""
        if (app_token, api) in self._sockets:
            return
        answers = Answers(SlackApi(bot_token, api))
        handlers: dict[str, Handler] = {
            **self._actions(answers),
            **SilenceButtons(answers, self._silences).handlers(),
            SHOW: _only_a_link,
        }
        self._sockets[app_token, api] = self._connection(
            app_token, api, handlers, on_state=lambda connected: self._on_state(api, connected)
        )

    @property
    def connected(self) -> list[bool]:
        """Of each connection, whether it stands."""
        return [socket.connected for socket in self._sockets.values()]

    def begin(self) -> None:
        """Connect them all; call once."""
        for socket in self._sockets.values():
            socket.begin()

    def close(self) -> None:
        """Disconnect them all."""
        for socket in self._sockets.values():
            socket.close()


def make(config: SlackConfig, tools: Tools) -> SlackBot | SlackWebhook:
    """See table.KINDS. Buttons are shown only where somebody would answer them."""
    answered = config.buttons and config.app_token is not None and tools.slack_buttons is not None
    style = Style(
        texts=tools.texts.with_own(own_texts("slack", config), where="slack_configs"),
        mention=mention(config.mention),
        silence=answered,
        approve=answered and tools.approvals,
        show=config.buttons,
    )
    if config.api_url is not None:
        return SlackWebhook(_plain(config.api_url), style, timeout=config.timeout)
    bot_token = _plain(config.bot_token)
    if config.app_token is not None and tools.slack_buttons is not None:
        tools.slack_buttons.join(_plain(config.app_token), bot_token, config.api)
    return SlackBot(SlackApi(bot_token, config.api), config.channel, style, timeout=config.timeout, now=tools.now)


def mention(text: str) -> str:
    """The markup of who is to be called: `@here`, `@channel`, `@everyone`, or Slack's own spelling of a person or a
    group. ConfigError for anything else: Slack would show it as text, and call nobody."""
    words = text.split()
    marked = [_BROADCAST.sub(r"<!\1>", word) if _BROADCAST.fullmatch(word) else word for word in words]
    if wrong := [word for word in marked if not _MENTION.fullmatch(word)]:
        raise ConfigError(
            f"mention: Slack calls nobody for {wrong[0]!r}; write @here, @channel, <@U…> for a person or <!subteam^S…>"
            " for a group"
        )
    return " ".join(marked)


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value().strip() if secret is not None else ""


def _only_a_link(_click: Click) -> None:
    """The browser has opened it; Slack tells us all the same."""
