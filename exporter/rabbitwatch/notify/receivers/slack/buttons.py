"""What the buttons carry: all that they need travels in the message, so that they work after any restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.receivers.slack import limits
from rabbitwatch.notify.receivers.slack.blocks import plain

SILENCE = "rabbitwatch_silence_1h"
END_SILENCE = "rabbitwatch_end_silence"
SHOW = "rabbitwatch_show"
APPROVE = "rabbitwatch_approve"
DECLINE = "rabbitwatch_decline"


def silenced_labels(notice: Notice) -> Mapping[str, str]:
    """What the button silences: the group's labels, or where it has none, what all of its firing alerts share, if
    that includes their name. Empty: there is nothing that would not silence too much."""
    group = {name: value for name, value in notice.group_labels.items() if value}
    if group:
        return group
    shared = {name: value for name, value in notice.common_labels.items() if value}
    return shared if "alertname" in shared else {}


def silence_button(notice: Notice) -> dict[str, Any] | None:
    """The button, or None where there is nothing to silence or more than a button can carry."""
    return button_for(silenced_labels(notice))


def button_for(labels: Mapping[str, str]) -> dict[str, Any] | None:
    """The button that silences these labels, under the same conditions."""
    value = json.dumps(labels, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if not labels or len(value) > limits.BUTTON_VALUE:
        return None
    label = {"type": "plain_text", "text": "Silence 1 h"}
    return {"type": "button", "action_id": SILENCE, "text": label, "value": value}


def end_button(silence_id: str, colour: str) -> dict[str, Any]:
    """Ends that silence. colour: of the message's bar, which it gets back."""
    value = json.dumps({"silence": silence_id, "colour": colour}, separators=(",", ":"))
    label = {"type": "plain_text", "text": "End silence"}
    return {"type": "button", "action_id": END_SILENCE, "text": label, "value": value}


def carried_silence(value: str) -> tuple[str, str]:
    """The silence's id and the colour that a button carried; ValueError where it is none of ours."""
    try:
        carried = json.loads(value)
        silence_id, colour = str(carried["silence"]), str(carried.get("colour", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("the button carries no silence") from None
    return silence_id, colour


def approval_buttons(approval_id: str, text: str) -> list[dict[str, Any]]:
    """Approve and decline, each with Slack's dialog that asks again; none where the id is more than a button can carry.
    text: what would be done."""
    if len(approval_id) > limits.BUTTON_VALUE:
        return []
    asked = {"text": plain(text, limits.CONFIRM_TEXT), "deny": plain("Not now", limits.CONFIRM_BUTTON)}
    return [
        {
            "type": "button",
            "action_id": action,
            "text": {"type": "plain_text", "text": word},
            "style": style,
            "value": approval_id,
            "confirm": {"title": plain(f"{word} this repair?", limits.CONFIRM_TITLE), **asked}
            | {"confirm": plain(word, limits.CONFIRM_BUTTON), "style": style},
        }
        for action, word, style in ((APPROVE, "Approve", "primary"), (DECLINE, "Decline", "danger"))
    ]


def carried_labels(value: str) -> Mapping[str, str]:
    """The labels that a button carried; ValueError where it is none of ours."""
    try:
        labels = json.loads(value)
    except ValueError:
        raise ValueError("the button carries no labels") from None
    if not isinstance(labels, dict) or not labels:
        raise ValueError("the button carries no labels")
    if not all(name and isinstance(each, str) and each for name, each in labels.items()):
        raise ValueError("the button carries an empty label")
    return labels
