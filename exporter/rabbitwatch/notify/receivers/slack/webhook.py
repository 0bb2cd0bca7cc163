"""The receiver with an incoming webhook: a message a notice, which cannot be edited, answered or found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk.webhook import WebhookClient

from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.slack.api import MUTE, TOO_RICH, SlackError, answered, classified
from rabbitwatch.notify.receivers.slack.bot import NO_PREVIEWS
from rabbitwatch.notify.receivers.slack.message import Content, Style, group_message

_WHAT = "incoming webhook"


class SlackWebhook:
    """See the module. url: a secret, as a whole. timeout: seconds."""

    def __init__(self, url: str, style: Style, *, timeout: float) -> None:
        self._client = WebhookClient(url, logger=MUTE, retry_handlers=[])
        self._client.timeout = timeout  # type: ignore[assignment]  # urllib takes fractions of seconds
        self._style = style

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender; there is nothing to remember."""
        content = group_message(notice, self._style)
        try:
            self._post(content)
        except SlackError as error:
            if error.code not in TOO_RICH | {"invalid_payload"}:
                raise
            self._post(content.plain)
        return {}

    def close(self) -> None:
        """Nothing is kept open."""

    def _post(self, content: Content) -> None:
        def ask() -> Mapping[str, Any]:
            answer = self._client.send_dict({**content.arguments, **NO_PREVIEWS})
            if answer.status_code != 200 or answer.body.strip() != "ok":
                raise classified(_WHAT, answer.status_code, answer.body.strip(), dict(answer.headers))
            return {}

        answered(_WHAT, ask)
