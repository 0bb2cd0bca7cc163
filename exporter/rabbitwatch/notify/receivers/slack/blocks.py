"""Slack's blocks, as far as messages here are made of them."""

from __future__ import annotations

from typing import Any

from rabbitwatch.notify.receivers.slack import limits
from rabbitwatch.notify.receivers.slack.escaping import cut_markup

Block = dict[str, Any]


def section(text: str) -> Block:
    """A block of markup; never empty, which Slack refuses."""
    return {"type": "section", "text": mrkdwn(cut_markup(text, limits.TEXT))}


def context(text: str) -> Block:
    """A block of small print."""
    return {"type": "context", "elements": [mrkdwn(cut_markup(text, limits.TEXT))]}


def mrkdwn(text: str) -> dict[str, Any]:
    """A text object in which Slack looks for markup, and for nothing else."""
    return {"type": "mrkdwn", "text": text or " ", "verbatim": True}


def plain(text: str, limit: int) -> dict[str, Any]:
    """A text object in which Slack looks for no markup at all."""
    shown = text.strip() or " "
    return {"type": "plain_text", "text": shown if len(shown) <= limit else shown[: limit - 1] + "…", "emoji": False}
