"""The receiver with a bot token: one message a group, edited as the group changes, each change a reply to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rabbitwatch.model.notice import Notice, Reason
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.slack import limits
from rabbitwatch.notify.receivers.slack.api import GONE, TOO_RICH, SlackApi, SlackError
from rabbitwatch.notify.receivers.slack.blocks import context
from rabbitwatch.notify.receivers.slack.doubts import Call, Doubts, Found, History, metadata
from rabbitwatch.notify.receivers.slack.escaping import prose
from rabbitwatch.notify.receivers.slack.message import Content, Style, group_message
from rabbitwatch.notify.receivers.slack.thread import remembered, reply_to

AS_IT_IS = {"parse": "none", "link_names": False}
"""Slack turns nothing into links and mentions that is not spelt as one. chat.update has another default."""

NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}


@dataclass(frozen=True, slots=True)
class _Place:
    """A message in Slack."""

    channel: str
    ts: str


class SlackBot:
    """See the module. channel: an id or a name. timeout: seconds, of one attempt with all its calls.

    Memory: `channel` and `ts` of the group's message, `to`, the channel as it was configured then, and what
    thread.remembered keeps.
    """

    def __init__(
        self,
        api: SlackApi,
        channel: str,
        style: Style,
        *,
        timeout: float,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._channel = channel
        self._style = style
        self._timeout = timeout
        self._now = now
        self._monotonic = monotonic
        self._doubts = Doubts()
        self._history = History(channel)

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender."""
        call = self._limited()
        place = self._remembered_place(memory) if notice.reason is not Reason.FIRST else None
        arrived = self._arrived(call, notice, place)
        if arrived:
            place = _Place(arrived[0].channel, arrived[0].thread or arrived[0].ts)
        if place is not None and any(found.attempt == attempt for found in arrived):
            return self._done(notice, place)
        first = self._doubts.add(notice.group_key, attempt, self._now())
        try:
            return self._done(notice, self._tell(call, notice, memory, place, attempt))
        except SlackError as error:
            if first and not error.doubtful:
                self._doubts.drop(notice.group_key, attempt)
            raise

    def comment(self, memory: Memory, text: str) -> None:
        """See Commenting."""
        place = self._remembered_place(memory)
        if place is not None:
            shown = prose(text, limits.ACTION)
            content = Content(shown, [context(shown)])
            where = {"channel": place.channel, "thread_ts": place.ts}
            self._limited()("chat_postMessage", **where, **NO_PREVIEWS, **AS_IT_IS, **content.arguments)

    def doubt(self, group_key: str, attempt: str, since: float) -> None:
        """See Doubting."""
        self._doubts.add(group_key, attempt, since)

    def close(self) -> None:
        """Nothing is kept open."""

    def _remembered_place(self, memory: Memory) -> _Place | None:
        known = memory.get("channel") and memory.get("ts") and memory.get("to") == self._channel
        return _Place(memory["channel"], memory["ts"]) if known else None

    def _arrived(self, call: Call, notice: Notice, place: _Place | None) -> list[Found]:
        since = self._doubts.about(notice.group_key)
        if not since:
            return []
        found = self._history.search(call, notice.group_key, since, thread=place.ts) if place else []
        return found or self._history.search(call, notice.group_key, since)

    def _tell(self, call: Call, notice: Notice, memory: Memory, place: _Place | None, attempt: str) -> _Place:
        if place is None:
            return self._new(call, notice, attempt)
        try:
            self._edit(call, notice, place)
            self._reply(call, notice, memory, place, attempt)
        except SlackError as error:
            if error.code not in GONE:
                raise
            return self._new(call, notice, attempt)
        return place

    def _new(self, call: Call, notice: Notice, attempt: str) -> _Place:
        content = group_message(notice, self._style)
        carried = metadata(notice.group_key, attempt)
        answer = _rich_or_plain(
            lambda body, extra: call("chat_postMessage", channel=self._channel, **NO_PREVIEWS, **extra, **body),
            content,
            {"metadata": carried},
        )
        place = _Place(str(answer.get("channel", "")), str(answer.get("ts", "")))
        if not place.channel or not place.ts:
            raise SlackError("chat.postMessage: the answer does not say where the message is", doubtful=True)
        self._history.knows(place.channel)
        return place

    def _edit(self, call: Call, notice: Notice, place: _Place) -> None:
        content = group_message(notice, self._style)
        _rich_or_plain(
            lambda body, extra: call("chat_update", channel=place.channel, ts=place.ts, **extra, **body), content, {}
        )

    def _reply(self, call: Call, notice: Notice, memory: Memory, place: _Place, attempt: str) -> None:
        reply = reply_to(notice, memory, self._style.mention)
        _rich_or_plain(
            lambda body, extra: call(
                "chat_postMessage",
                channel=place.channel,
                thread_ts=place.ts,
                reply_broadcast=reply.broadcast,
                **NO_PREVIEWS,
                **extra,
                **body,
            ),
            reply.content,
            {"metadata": metadata(notice.group_key, attempt)},
        )

    def _done(self, notice: Notice, place: _Place) -> Memory:
        self._doubts.settle(notice.group_key)
        if notice.reason is Reason.ALL_RESOLVED:
            return {}
        return {"channel": place.channel, "ts": place.ts, "to": self._channel, **remembered(notice)}

    def _limited(self) -> Call:
        """The API's calls, all of them within the time of this attempt."""
        ends = self._monotonic() + self._timeout

        def call(method: str, **arguments: Any) -> Mapping[str, Any]:
            left = ends - self._monotonic()
            if left <= 0:
                raise SlackError("Slack took too long", doubtful=True)
            return self._api.call(method, left, **arguments)

        return call


def _rich_or_plain(
    post: Callable[[dict[str, Any], dict[str, Any]], Mapping[str, Any]], content: Content, extra: dict[str, Any]
) -> Mapping[str, Any]:
    """Where Slack refuses a message's form, its text alone: an alert must not be lost for its looks."""
    try:
        return post({**content.arguments, **AS_IT_IS}, extra)
    except SlackError as error:
        if error.code not in TOO_RICH:
            raise
        return post({**content.plain.arguments, **AS_IT_IS}, {} if "metadata" in error.code else extra)
