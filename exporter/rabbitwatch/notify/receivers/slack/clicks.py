"""Clicks on buttons, as Slack tells them in the payload `block_actions`, and what answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """Somebody has clicked on a button of one of our messages. user: the name for people, with the id. message: as
    Slack tells it. thread_ts: of the message whose thread it stands in; empty where it is none."""

    action_id: str
    value: str
    user: str
    user_id: str
    channel: str
    message_ts: str
    thread_ts: str
    message: Mapping[str, Any]


Handler = Callable[[Click], None]
"""What a button does. Called on the connection's own thread, one click after the other."""


def clicks(payload: Any) -> list[Click]:
    """The clicks of a block_actions payload; none where it is something else, or lacks what a click needs."""
    if not isinstance(payload, dict) or payload.get("type") != "block_actions":
        return []
    message, user = _object(payload, "message"), _object(payload, "user")
    container = _object(payload, "container")
    channel = str(_object(payload, "channel").get("id") or container.get("channel_id") or "")
    ts = str(message.get("ts") or container.get("message_ts") or "")
    user_id = str(user.get("id", ""))
    actions = payload.get("actions")
    if not channel or not ts or not user_id or not isinstance(actions, list):
        return []
    return [
        Click(
            action_id=str(action.get("action_id", "")),
            value=str(action.get("value", "")),
            user=f"{user.get('username') or user.get('name') or 'somebody'} ({user_id})",
            user_id=user_id,
            channel=channel,
            message_ts=ts,
            thread_ts=str(message.get("thread_ts") or ""),
            message=message,
        )
        for action in actions
        if isinstance(action, dict)
    ]


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}
