"""Silences: what nobody wants to hear of, from when to when. Rules and words are Alertmanager's (silence/silence.go).

An active silence keeps its matchers and its start; what changes one of them ends it and begins another. An ended one is
kept for a while, so that people and the peer can see that it has ended.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rabbitwatch.errors import SilenceError, SilenceNotFoundError
from rabbitwatch.model.silence import LATEST, Silence, SilenceDraft, SilenceState
from rabbitwatch.notify.silence_index import SilenceIndex

RETENTION_SECONDS = 432_000.0


class SilenceStore(Protocol):
    """The silences' memory. Each method is one transaction, durable when it returns; StorageError when it is not."""

    def load(self) -> Sequence[Silence]:
        """Everything kept; one that cannot be read any more is left out and logged."""
        ...

    def save(self, silences: Sequence[Silence]) -> None:
        """Keep these, all or none, in place of older ones of the same ids."""
        ...

    def forget(self, ids: Sequence[str]) -> None:
        """Drop these."""
        ...


class ForgetfulSilenceStore:
    """Keeps nothing: for tests and for what runs without a database."""

    def load(self) -> Sequence[Silence]:
        """See SilenceStore."""
        return ()

    def save(self, silences: Sequence[Silence]) -> None:
        """See SilenceStore."""

    def forget(self, ids: Sequence[str]) -> None:
        """See SilenceStore."""


@dataclass(frozen=True, slots=True)
class SilenceLimits:
    """count: pending and active ones together. size: bytes of the texts in one."""

    count: int = 5_000
    size: int = 16_384


class Silences:
    """All silences. Safe to use from several threads: whoever asks never waits for the database.

    now: seconds since the epoch. retention: for how many seconds ended ones are kept.
    """

    def __init__(
        self,
        store: SilenceStore,
        *,
        retention: float = RETENTION_SECONDS,
        limits: SilenceLimits | None = None,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.retention = retention
        self._store = store
        self._limits = limits or SilenceLimits()
        self._now = now
        self._new_id = new_id
        self._changing = threading.Lock()
        self._index = SilenceIndex(store.load())

    def get(self, silence_id: str) -> Silence:
        """SilenceNotFoundError where there is none."""
        found = self._index.get(silence_id)
        if found is None:
            raise SilenceNotFoundError(f"there is no silence {silence_id}")
        return found

    def all(self) -> list[Silence]:
        """Every one that is kept, in Alertmanager's order: active ones by their end, pending ones by their start,
        ended ones with the latest first."""
        now = self._now()
        return sorted(self._index.all(), key=lambda silence: _rank(silence, now))

    def counts(self) -> dict[SilenceState, int]:
        """How many are in each state."""
        now = self._now()
        found = Counter(silence.state(now) for silence in self._index.all())
        return {state: found[state] for state in SilenceState}

    def silencing(self, labels: Mapping[str, str], now: float) -> list[str]:
        """The ids, sorted, of those that are active at `now` for an alert with these labels."""
        return self._index.active(labels, now)

    def matching(self, labels: Mapping[str, str]) -> list[Silence]:
        """Those that are about these labels, in whatever state, in the order of `all`."""
        return [silence for silence in self.all() if silence.matches(labels)]

    def set(self, draft: SilenceDraft) -> Silence:
        """Make a silence, or change the one with the draft's id; what stands afterwards, perhaps under another id.

        SilenceError: it is refused. SilenceNotFoundError: it should change one that is not there. StorageError: it
        cannot be kept. In each case nothing has changed.
        """
        with self._changing:
            now = self._instant()
            self._check(draft, now)
            changed = self._plan(draft, now)
            self._keep(changed)
            return changed[-1]

    def expire(self, silence_id: str) -> Silence:
        """End it now; one that has ended stays as it is. Errors as `set`."""
        with self._changing:
            now = self._instant()
            silence = self.get(silence_id)
            if silence.state(now) is SilenceState.EXPIRED:
                return silence
            ended = _ended(silence, now)
            self._keep([ended])
            return ended

    def merge(self, theirs: Iterable[Silence]) -> int:
        """Take over from the peer what is newer there; how many. StorageError when they cannot be kept: none was."""
        with self._changing:
            before = self._now() - self.retention
            newer = [silence for silence in theirs if silence.ends_at >= before and self._is_news(silence)]
            if newer:
                self._keep(newer)
            return len(newer)

    def prune(self) -> int:
        """Forget those that ended longer ago than the retention; how many."""
        with self._changing:
            before = self._now() - self.retention
            old = [silence.id for silence in self._index.all() if silence.ends_at < before]
            if old:
                self._store.forget(old)
                self._index.remove(old)
            return len(old)

    def _instant(self) -> float:
        """Now in whole milliseconds, as the API writes times: what it has told and gets back is the same then."""
        return round(self._now(), 3)

    def _check(self, draft: SilenceDraft, now: float) -> None:
        if all(matcher.matches({}) for matcher in draft.matchers):
            raise SilenceError(
                "silence invalid: at least one matcher must not match the empty string"
                if draft.matchers
                else "silence invalid: at least one matcher required"
            )
        if not draft.starts_at < draft.ends_at:
            raise SilenceError("Failed to create silence: start time must be before end time")
        if draft.ends_at <= now:
            raise SilenceError("Failed to create silence: end time can't be in the past")
        if draft.ends_at > LATEST:
            raise SilenceError("Failed to create silence: end time must be before the year 9999")
        size = _size(draft)
        if size > self._limits.size:
            raise SilenceError(f"silence exceeded maximum size: {size} bytes (limit: {self._limits.size} bytes)")

    def _plan(self, draft: SilenceDraft, now: float) -> list[Silence]:
        """What has to be kept so that the draft stands; the last is the one that was asked for."""
        if not draft.id:
            return [self._begun(draft, now)]
        before = self.get(draft.id)
        if _can_change(before, draft, now):
            starts_at = before.starts_at if before.state(now) is SilenceState.ACTIVE else round(draft.starts_at, 3)
            return [_granted(draft, draft.id, starts_at, _after(before, now))]
        if before.state(now) is SilenceState.EXPIRED:
            return [self._begun(draft, now)]
        return [_ended(before, now), self._begun(draft, now, leaving=1)]

    def _begun(self, draft: SilenceDraft, now: float, leaving: int = 0) -> Silence:
        living = sum(silence.state(now) is not SilenceState.EXPIRED for silence in self._index.all()) - leaving
        if living >= self._limits.count:
            raise SilenceError(
                f"exceeded maximum number of silences: {living} (limit: {self._limits.count}); expire some first"
            )
        return _granted(draft, self._new_id(), max(now, round(draft.starts_at, 3)), now)

    def _is_news(self, silence: Silence) -> bool:
        known = self._index.get(silence.id)
        return known is None or known.updated_at < silence.updated_at

    def _keep(self, silences: Sequence[Silence]) -> None:
        self._store.save(silences)
        self._index.put(silences)


def _granted(draft: SilenceDraft, silence_id: str, starts_at: float, updated_at: float) -> Silence:
    return Silence(
        id=silence_id,
        matchers=draft.matchers,
        starts_at=starts_at,
        ends_at=round(draft.ends_at, 3),
        created_by=draft.created_by,
        comment=draft.comment,
        updated_at=updated_at,
        annotations=dict(draft.annotations),
    )


def _ended(silence: Silence, now: float) -> Silence:
    return replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=_after(silence, now))


def _after(silence: Silence, now: float) -> float:
    """Later than its last change, though the peer that has made it may have a clock that is ahead."""
    return max(now, round(silence.updated_at + 0.001, 3))


def _can_change(before: Silence, draft: SilenceDraft, now: float) -> bool:
    """Whether it stays the same silence. Starts are compared by the second, because clients cut them there."""
    if before.matchers != draft.matchers:
        return False
    match before.state(now):
        case SilenceState.ACTIVE:
            return int(before.starts_at) == int(draft.starts_at)
        case SilenceState.PENDING:
            return draft.starts_at >= now
        case SilenceState.EXPIRED:
            return False


def _size(draft: SilenceDraft) -> int:
    texts = [draft.created_by, draft.comment]
    for matcher in draft.matchers:
        texts += [matcher.name, matcher.value]
    for name, value in draft.annotations.items():
        texts += [name, value]
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _rank(silence: Silence, now: float) -> tuple[int, float, str]:
    match silence.state(now):
        case SilenceState.ACTIVE:
            return (0, silence.ends_at, silence.id)
        case SilenceState.PENDING:
            return (1, silence.starts_at, silence.id)
        case SilenceState.EXPIRED:
            return (2, -silence.ends_at, silence.id)
