"""Both directions of what a pair tells each other: what to say when the peer asks, and what to do with its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog

from rabbitwatch.errors import StorageError
from rabbitwatch.logs import Trouble
from rabbitwatch.model.silence import Silence
from rabbitwatch.notify.ports import DeliveryLog, Result
from rabbitwatch.notify.remarks import RemarkBoard
from rabbitwatch.notify.silences import Silences
from rabbitwatch.notify.wire import Told, entry_document, remark_document

_OVERLAP_S = 60.0
"""What is as new as what was told last is told again: entries are not stored exactly in the order of their times."""

_REMEMBERED_S = 3600.0

_log = structlog.get_logger(__name__)


class Exchange:
    """agent: an id of this process. position: in its pair; None without one. now: seconds since the epoch."""

    def __init__(
        self,
        agent: str,
        position: int | None,
        log: DeliveryLog,
        silences: Silences,
        now: Callable[[], float] = time.time,
        remarks: RemarkBoard | None = None,
    ) -> None:
        self.agent = agent
        self._now = now
        self._position = position
        self._deliveries = log
        self._silences = silences
        self._remarks = remarks or RemarkBoard()
        self._trouble = Trouble(
            lambda why: _log.error(
                "what the other agent has sent could not be stored: some of it may be sent twice", why=why
            )
        )
        self.newest = 0.0
        self._told_at: dict[str, float] = {}
        self._sending: frozenset[str] = frozenset()

    def tell(self, since: float = 0.0) -> Told:
        """What this agent has sent itself, and its silences; `since` (the peer's `newest`) leaves older ones out.

        What it only knows from its peer is not told back: the peer knows that better. A `since` that is still to come
        means that this clock was set back, and leaves nothing out.
        """
        after = since - _OVERLAP_S if since <= self._now() else 0.0
        return Told(
            agent=self.agent,
            position=self._position,
            entries=[
                entry_document(entry)
                for entry in self._deliveries.entries()
                if not entry.origin and entry.sent_at > after
            ],
            sending=sorted(
                {attempt.group_key for attempt in self._deliveries.unfinished() if attempt.result is Result.SENDING}
            ),
            silences=[silence.record() for silence in self._silences.all() if silence.updated_at > after],
            remarks=[remark_document(*each) for each in self._remarks.loud()],
        )

    def take(self, told: Told, origin: str) -> None:
        """Take over what the peer at the address `origin` has told, where it is newer."""
        silences = list(_readable(told.silences))
        recently = self._now() - _REMEMBERED_S
        known = {key: at for key, at in self._told_at.items() if at > recently}
        self._told_at = known | {sent.group_key: sent.sent_at for sent in told.entries if sent.sent_at > recently}
        self._sending = frozenset(told.sending)
        self._remarks.merge((said.fingerprint, said.remark()) for said in told.remarks)
        try:
            for sent in told.entries:
                self._deliveries.adopt(sent.entry(origin))
            self._silences.merge(silences)
        except StorageError as error:
            self._trouble.is_now(str(error))
            return
        self._trouble.is_now("")
        times = [*(sent.sent_at for sent in told.entries), *(silence.updated_at for silence in silences)]
        self.newest = max([self.newest, *times])

    def busy_with(self, group_key: str, since: float) -> bool:
        """Whether the peer was telling about that group when it was asked last, or has told since that time."""
        return group_key in self._sending or self._told_at.get(group_key, 0.0) > since


def _readable(records: Sequence[Mapping[str, Any]]) -> Iterator[Silence]:
    for record in records:
        try:
            yield Silence.of_record(record)
        except ValueError as error:
            _log.warning("a silence of the other agent cannot be read and is left out", why=str(error))
