"""What makers of senders get beside their own configuration."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rabbitwatch.notify.templating import Texts


class Buttons(Protocol):
    """Who answers the buttons of Slack's messages; see slack/make.SlackSockets."""

    def join(self, app_token: str, bot_token: str, api: str) -> None:
        """The buttons of this bot's messages shall work."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """now: seconds since the epoch. texts: with the files of `notify.templates`. slack_buttons: None where nobody
    answers them; they are not shown then. approvals: whether somebody may answer those in Slack."""

    now: Callable[[], float] = time.time
    texts: Texts = field(default_factory=Texts.of)
    slack_buttons: Buttons | None = None
    approvals: bool = False
