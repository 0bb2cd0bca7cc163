"""What answers a click: a word in the thread, and the message with something changed in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from rabbitwatch.notify.receivers.slack.api import SlackApi, SlackError
from rabbitwatch.notify.receivers.slack.blocks import Block, section
from rabbitwatch.notify.receivers.slack.bot import AS_IT_IS, NO_PREVIEWS
from rabbitwatch.notify.receivers.slack.clicks import Click

CALL_TIMEOUT_S = 10.0

_HEX = re.compile(r"[0-9a-fA-F]{6}")

_log = structlog.get_logger(__name__)

Change = Callable[[Block], Block | None]
"""A block as it shall be; None: not any more."""


class Answers:
    """Says it with one bot's token. What was done stands, whatever becomes of the answer: nothing here raises."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    def reply(self, click: Click, text: str) -> None:
        """In the thread of the message. text: markup."""
        self._try(
            "chat_postMessage",
            channel=click.channel,
            thread_ts=click.thread_ts or click.message_ts,
            text=text,
            blocks=[section(text)],
            **NO_PREVIEWS,
            **AS_IT_IS,
        )

    def edit(
        self, click: Click, change: Change, added: Sequence[Block] = (), *, colour: str = "", text: str = ""
    ) -> None:
        """The message as it was when somebody clicked, each block changed, with more at its end. colour: of its bar,
        text: what notifications show; both as they are where empty."""
        bars = [
            (colour or colour_of(each), _changed(each.get("blocks"), change))
            for each in _objects(click.message.get("attachments"))
        ] or [(colour, [])]
        bars[0][1].extend(added)
        self._try(
            "chat_update",
            channel=click.channel,
            ts=click.message_ts,
            text=text or text_of(click),
            blocks=_changed(click.message.get("blocks"), change),
            attachments=[{"color": bar, "blocks": inner} for bar, inner in bars if inner],
            **AS_IT_IS,
        )

    def _try(self, method: str, **arguments: Any) -> None:
        try:
            self._api.call(method, CALL_TIMEOUT_S, **arguments)
        except SlackError as error:
            _log.warning("a click in Slack could not be answered", why=error.reason)


def text_of(click: Click) -> str:
    """What notifications show of the message."""
    return str(click.message.get("text", ""))


def bar_of(click: Click) -> str:
    """The colour of the bar beside the message; empty where it has none."""
    return next((colour_of(each) for each in _objects(click.message.get("attachments"))), "")


def colour_of(attachment: Mapping[str, Any]) -> str:
    """As it is sent; Slack tells it without its first character."""
    colour = str(attachment.get("color", ""))
    return f"#{colour}" if _HEX.fullmatch(colour) else colour


def without_buttons(block: Block, gone: Callable[[Mapping[str, Any]], bool]) -> Block | None:
    """The block without those of its buttons; None where it has no other."""
    if block.get("type") != "actions":
        return block
    elements = [each for each in _objects(block.get("elements")) if not gone(each)]
    return {**block, "elements": elements} if elements else None


def _changed(blocks: Any, change: Change) -> list[Block]:
    return [kept for each in _objects(blocks) if (kept := change(each)) is not None]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
