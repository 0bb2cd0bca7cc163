"""One queue asked in detail: its bytes and its rates, which no list tells cheaply.

Measured on 3.10.8:

- `rate` compares the last two samples, five seconds apart: two seconds after 2,000 messages were published it was 0.0.
  With a window (`msg_rates_age`) there is `avg_rate` beside it, which was 33.3, right for a minute. The larger counts.
  Both come up to ten seconds late, also for channels that are closed by then.
- `message_stats` is absent where nothing was ever published or delivered since the queue's node started, which is the
  usual case for a queue whose mirrors lag: that is a rate of zero, if the broker counts at all (`rates_mode`).
- `message_bytes` comes up to five seconds after the messages, and up to half a second after `messages`: for a moment
  20,000 messages had 0 bytes. It is of the messages that `backing_queue_status` counts, so more messages than those are
  taken to be as large as those, and without any the size is unknown.
- For a moment after a queue was declared all statistics are absent, and then nothing is known of it.
- The statistics say `syncing` for up to five seconds after a synchronisation has begun without it, and likewise
  for up to five seconds after it has ended; the lists that a poll asks know better, so their word counts.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil

from rabbitwatch.actions.hand import segment
from rabbitwatch.clients.http import Endpoint
from rabbitwatch.clients.payload import Payload, decode_object
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.action import QueueLook
from rabbitwatch.model.broker import Queue, QueueDetail
from rabbitwatch.model.observation import Heard, Missed
from rabbitwatch.sources.lanes import Lanes, Ticket

WINDOW = 60
"""Seconds over which rates are averaged; the broker's default retention keeps samples of 5 s for 600 s."""

_FEW = 4
_LEAST = 0.05
_BATCH = "ha-sync-batch-size"
_COUNTED = frozenset({"basic", "detailed"})

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """Which queue, and whom to ask for it."""

    key: Key
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks for several queues side by side, but few at once: each answer costs the broker a look at every node.

    one: seconds that a single answer may take; all_in: seconds for all of them.
    """

    lanes: Lanes
    one: float
    all_in: float

    def ask(self, questions: Sequence[Question]) -> Mapping[Key, Heard[QueueDetail] | Missed]:
        """An answer, or why there is none, for each. Those for which no time is left are missed."""
        end = time.monotonic() + self.all_in
        waiting = deque(questions)
        tickets: dict[Key, Ticket[QueueDetail]] = {}
        while True:
            finished = self.lanes.finished
            now = time.monotonic()
            open_ = [ticket for ticket in tickets.values() if not ticket.settled(now)]
            while waiting and len(open_) < _FEW and end - now > _LEAST:
                question = waiting.popleft()
                tickets[question.key] = self._send(question, min(self.one, end - now))
                open_.append(tickets[question.key])
            if not open_ or now >= end or self.lanes.closed:
                break
            self.lanes.wait(finished, min(end, *(ticket.deadline for ticket in open_)))
        none = Missed(CallFailure.TIMEOUT, "no time was left to ask for it", time.time(), 0.0)
        return {question.key: none for question in waiting} | {key: ticket.part() for key, ticket in tickets.items()}

    def _send(self, question: Question, within: float) -> Ticket[QueueDetail]:
        call = partial(_detail, question, within)
        return self.lanes.ask(question.key, call, within=within, name=f"detail of {question.key}")


def _detail(question: Question, within: float) -> Payload[QueueDetail]:
    vhost, name = question.key
    try:
        path = f"/api/queues/{segment(vhost)}/{segment(name)}?msg_rates_age={WINDOW}&msg_rates_incr=5"
    except ValueError as error:
        raise CallError(CallFailure.ERROR, str(error)) from None
    told = decode_object(question.endpoint.get(path, within=within), QueueDetail)
    if (told.value.vhost, told.value.name) != question.key:
        raise CallError(CallFailure.ERROR, "the answer is about another queue: is a proxy in between?")
    return told


@dataclass(frozen=True, slots=True)
class Sight:
    """Brings a queue's row of the list and its detail together. rates_modes: of every node that runs; None stands for
    one that did not tell."""

    rates_modes: frozenset[str | None] = field(default_factory=frozenset)

    def look(self, row: Queue, detail: QueueDetail) -> QueueLook:
        """State, mirrors and depth by the list, sizes and rates by the detail."""
        return QueueLook(
            vhost=row.vhost,
            name=row.name,
            type=row.type or detail.type,
            node=row.node or detail.node,
            state=row.state or detail.state,
            policy=row.policy or detail.policy,
            exclusive=row.exclusive if row.exclusive is not None else detail.exclusive,
            messages=row.messages if row.messages is not None else detail.messages,
            message_bytes=_bytes(row, detail),
            publish_rate=self._rate(detail, "publish_details"),
            deliver_rate=self._rate(detail, "deliver_get_details"),
            mirrors=_nodes(row.slave_nodes, detail.slave_nodes),
            synchronised=_nodes(row.synchronised_slave_nodes, detail.synchronised_slave_nodes),
            sync_messages=row.sync_messages,
            batch=_batch(detail.effective_policy_definition),
        )

    def _rate(self, detail: QueueDetail, key: str) -> float | None:
        if detail.messages is None or not self.rates_modes or not self.rates_modes <= _COUNTED:
            return None
        counted = (detail.message_stats or {}).get(key)
        if counted is None:
            return 0.0
        told = [counted.get(word) for word in ("rate", "avg_rate")] if isinstance(counted, dict) else []
        return max((float(rate) for rate in told if isinstance(rate, (int, float))), default=None)


def from_row(row: Queue) -> QueueLook:
    """What the list alone tells of a queue that answers nobody; sizes and rates are unknown."""
    return QueueLook(
        vhost=row.vhost,
        name=row.name,
        type=row.type,
        node=row.node,
        state=row.state,
        policy=row.policy,
        exclusive=row.exclusive,
        messages=row.messages,
        message_bytes=None,
        publish_rate=None,
        deliver_rate=None,
        mirrors=_nodes(row.slave_nodes, None),
        synchronised=_nodes(row.synchronised_slave_nodes, None),
        sync_messages=row.sync_messages,
        batch=_batch(row.effective_policy_definition),
    )


def _bytes(row: Queue, detail: QueueDetail) -> int | None:
    now = row.messages if row.messages is not None else detail.messages
    ready = (detail.backing_queue_status or {}).get("len")
    counted = ready + (detail.messages_unacknowledged or 0) if isinstance(ready, int) else detail.messages
    if now is None or counted is None or detail.message_bytes is None:
        return None
    if now <= counted:
        return detail.message_bytes
    return ceil(detail.message_bytes / counted * now) if counted else None


def is_syncing(row: Queue) -> bool:
    """By the list's word."""
    return row.state == "syncing" or row.sync_messages is not None


def _nodes(first: list[str] | None, second: list[str] | None) -> tuple[str, ...] | None:
    told = first if first is not None else second
    return None if told is None else tuple(told)


def _batch(definition: Mapping[str, object] | None) -> int | None:
    size = (definition or {}).get(_BATCH)
    return size if isinstance(size, int) and not isinstance(size, bool) else None
