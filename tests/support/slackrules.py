"""What Slack refuses in a message: its documented limits, and those that its users have met (see slack/limits.py)."""

from __future__ import annotations

import json
from typing import Any

_TEXTS = {"mrkdwn", "plain_text"}
_MOST_BLOCKS, _MOST_IN_ATTACHMENT, _MOST_TEXT = 50, 20, 11_000
_LEGACY = {"text", "title", "fields", "pretext", "footer", "fallback", "author_name"}


def refused(message: dict[str, Any]) -> str:
    """Slack's word for what is wrong; empty where nothing is."""
    text = message.get("text") or ""
    blocks, attachments = message.get("blocks") or [], message.get("attachments") or []
    if not text and not blocks and not attachments:
        return "no_text"
    if len(text) > 40_000:
        return "msg_too_long"
    if len(attachments) > 100:
        return "too_many_attachments"
    if len(blocks) > _MOST_BLOCKS or any(_block(each) for each in blocks):
        return "invalid_blocks"
    if any(_attachment(each) for each in attachments):
        return "invalid_attachments"
    inner = [block for each in attachments for block in each.get("blocks", ())]
    if _texts([*blocks, *inner]) > _MOST_TEXT:
        return "msg_blocks_too_long"
    return _metadata(message.get("metadata"))


def _attachment(attachment: dict[str, Any]) -> bool:
    inner = attachment.get("blocks")
    if inner is None:
        return False
    return not inner or len(inner) > _MOST_IN_ATTACHMENT or bool(_LEGACY & set(attachment)) or any(map(_block, inner))


def _block(block: dict[str, Any]) -> bool:
    """Whether it is wrong."""
    match block.get("type"):
        case "section":
            fields = block.get("fields", [])
            alone = "text" not in block and not fields
            return alone or ("text" in block and _text(block["text"], 3000)) or len(fields) > 10
        case "context":
            elements = block.get("elements", [])
            return not elements or len(elements) > 10 or any(_text(each, 3000) for each in elements)
        case "actions":
            elements = block.get("elements", [])
            return not elements or len(elements) > 25 or any(map(_button, elements))
        case "header":
            return _text(block.get("text"), 150) or block["text"]["type"] != "plain_text"
        case "divider":
            return False
    return True


def _button(button: dict[str, Any]) -> bool:
    return (
        button.get("type") != "button"
        or _text(button.get("text"), 75)
        or button["text"]["type"] != "plain_text"
        or len(button.get("action_id", "")) > 255
        or len(button.get("value", "")) > 2000
        or len(button.get("url", "")) > 3000
        or button.get("style", "primary") not in ("primary", "danger")
        or ("confirm" in button and _confirm(button["confirm"]))
    )


def _confirm(dialog: dict[str, Any]) -> bool:
    """All of its texts are plain ones."""
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    texts = [(dialog.get(name), limit) for name, limit in limits.items()]
    wrong = any(_text(text, limit) or text["type"] != "plain_text" for text, limit in texts)
    unknown = set(dialog) - {*limits, "style"}
    return wrong or bool(unknown) or dialog.get("style", "primary") not in ("primary", "danger")


def _text(text: Any, limit: int) -> bool:
    if not isinstance(text, dict) or text.get("type") not in _TEXTS:
        return True
    if "verbatim" in text and text["type"] != "mrkdwn":
        return True
    return not 1 <= len(text.get("text", "")) <= limit


def _texts(value: Any) -> int:
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_texts(each) for each in value.values())
    return sum(map(_texts, value)) if isinstance(value, list) else 0


def _metadata(metadata: Any) -> str:
    if metadata is None:
        return ""
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        return "invalid_metadata_format"
    return "metadata_too_large" if len(json.dumps(metadata)) > 8000 else ""
