"""Attempts of which nobody knows whether they arrived, and how Slack is asked about them.

Every message carries the id of its attempt in its metadata. After a kill or a broken connection the channel's history
(of the message's thread, where there is one) is searched for it. That needs the scope channels:history (of a private
channel groups:history), and, where the channel is given by its name, channels:read; without them nothing is found, and
the notice is sent: better twice than not at all.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from rabbitwatch.notify.receivers.slack.api import SlackError

_log = structlog.get_logger(__name__)

EVENT_TYPE = "rabbitwatch_notice"
CLOCKS_APART_S = 300.0
"""How far Slack's clock and ours may differ."""

_GROUPS = 1000
_ATTEMPTS = 8
_PAGES = 5
_PAGE = 200
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")

Call = Callable[..., Mapping[str, Any]]
"""SlackApi.call with what remains of the time."""


def metadata(group_key: str, attempt: str) -> dict[str, Any]:
    """What a message carries so that it can be found again; no names, for others in the workspace can read it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"attempt": attempt, "group": _hashed(group_key)}}


@dataclass(frozen=True, slots=True)
class Found:
    """A message that did arrive. thread: the ts of the message that it replies to; empty where it is no reply."""

    attempt: str
    channel: str
    ts: str
    thread: str


class Doubts:
    """Which attempts are in doubt, by group, the newest ones. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()

    def add(self, group_key: str, attempt: str, since: float) -> bool:
        """This attempt, which began at `since` (seconds since the epoch), may have arrived; whether that is news."""
        with self._lock:
            attempts = self._since.setdefault(group_key, OrderedDict())
            news = attempt not in attempts
            attempts.setdefault(attempt, since)
            self._since.move_to_end(group_key)
            if len(attempts) > _ATTEMPTS:
                attempts.popitem(last=False)
            if len(self._since) > _GROUPS:
                self._since.popitem(last=False)
            return news

    def drop(self, group_key: str, attempt: str) -> None:
        """This one has certainly not arrived."""
        with self._lock:
            attempts = self._since.get(group_key, OrderedDict())
            attempts.pop(attempt, None)
            if not attempts:
                self._since.pop(group_key, None)

    def settle(self, group_key: str) -> None:
        """No doubt about this group any more."""
        with self._lock:
            self._since.pop(group_key, None)

    def about(self, group_key: str) -> dict[str, float]:
        """Attempts, and when they began."""
        with self._lock:
            return dict(self._since.get(group_key, {}))


class History:
    """What Slack remembers of a channel."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._id = channel if _CHANNEL_ID.fullmatch(channel) else ""

    def knows(self, channel_id: str) -> None:
        """Slack has told the id of the configured channel."""
        self._id = channel_id

    def search(self, call: Call, group_key: str, since: Mapping[str, float], *, thread: str = "") -> list[Found]:
        """Those of the attempts that arrived, the latest first; none where Slack does not let us look. SlackError
        where it could not be asked now."""
        oldest = f"{min(since.values()) - CLOCKS_APART_S:.6f}"
        try:
            channel = self._id or self._looked_up(call)
            if not channel:
                return []
            pages = self._replies(call, channel, thread, oldest) if thread else self._history(call, channel, oldest)
            found = [each for message in pages if (each := _ours(message, channel, group_key)) is not None]
        except SlackError as error:
            if not error.permanent:
                raise
            if error.code != "thread_not_found":
                _log.warning("cannot look whether a notice arrived: it is sent again", why=error.reason)
            return []
        return sorted((each for each in found if each.attempt in since), key=lambda each: each.ts, reverse=True)

    def _history(self, call: Call, channel: str, oldest: str) -> Iterator[Mapping[str, Any]]:
        return _paged(
            call, "messages", "conversations_history", channel=channel, oldest=oldest, include_all_metadata=True
        )

    def _replies(self, call: Call, channel: str, thread: str, oldest: str) -> Iterator[Mapping[str, Any]]:
        return _paged(
            call,
            "messages",
            "conversations_replies",
            channel=channel,
            ts=thread,
            oldest=oldest,
            include_all_metadata=True,
        )

    def _looked_up(self, call: Call) -> str:
        name = self._channel.removeprefix("#")
        channels = _paged(
            call,
            "channels",
            "conversations_list",
            types="public_channel,private_channel",
            exclude_archived=True,
        )
        self._id = next((str(each.get("id", "")) for each in channels if each.get("name") == name), "")
        return self._id


def _paged(call: Call, what: str, method: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    cursor: str | None = None
    for _ in range(_PAGES):
        answer = call(method, limit=_PAGE, cursor=cursor, **arguments)
        found = answer.get(what)
        yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
        following = answer.get("response_metadata")
        cursor = following.get("next_cursor") if isinstance(following, dict) else None
        if not cursor:
            return


def _ours(message: Mapping[str, Any], channel: str, group_key: str) -> Found | None:
    carried = message.get("metadata")
    payload = carried.get("event_payload") if isinstance(carried, dict) else None
    if not isinstance(carried, dict) or carried.get("event_type") != EVENT_TYPE or not isinstance(payload, dict):
        return None
    if payload.get("group") != _hashed(group_key):
        return None
    ts, thread = str(message.get("ts", "")), str(message.get("thread_ts", ""))
    return Found(str(payload.get("attempt", "")), channel, ts, "" if thread == ts else thread)


def _hashed(group_key: str) -> str:
    return hashlib.sha256(group_key.encode()).hexdigest()[:16]
