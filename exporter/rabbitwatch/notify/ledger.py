"""The delivery log as the line uses it: answers from memory, and never keeps a notice back because a disk is full."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

import structlog

from rabbitwatch.errors import StorageError
from rabbitwatch.logs import Trouble
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.ports import Attempt, DeliveryStore, Entry

_Key = tuple[str, str]

_log = structlog.get_logger(__name__)


class Ledger:
    """Implements notify.ports.DeliveryLog over a store. Safe to use from any thread.

    What cannot be stored is kept in memory, logged when the trouble begins, counted, and stored with the next thing
    that can be. A kill in the meantime sends it again: a double is better than none. Only `recent` raises StorageError.
    """

    def __init__(self, store: DeliveryStore) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._entries = {(entry.integration, entry.group_key): entry for entry in store.entries()}
        self._open = {(attempt.integration, attempt.group_key): attempt for attempt in store.unfinished()}
        self._unsaved: dict[str, Callable[[], None]] = {}
        self._trouble = Trouble(
            lambda why: _log.error("what was sent could not be stored, and a restart now would send it again", why=why),
            lambda: _log.info("what was sent is stored again"),
        )
        self._adopted: Callable[[Entry], None] = lambda _: None
        self.failures = 0

    def entry(self, integration: str, group_key: str) -> Entry | None:
        """See DeliveryLog."""
        return self._entries.get((integration, group_key))

    def entries(self) -> Sequence[Entry]:
        """See DeliveryLog."""
        with self._lock:
            return list(self._entries.values())

    def in_doubt(self) -> Sequence[Attempt]:
        """What the store has in doubt; see DeliveryStore."""
        return self._store.in_doubt()

    def told(self) -> Sequence[OutAlert]:
        """The alerts that the store's entries told as firing; see DeliveryStore."""
        return self._store.told()

    def listen(self, adopted: Callable[[Entry], None]) -> None:
        """`adopted` is to be told of what was taken over, on the peer's thread and with no lock held."""
        self._adopted = adopted

    def adopt(self, entry: Entry) -> None:
        """See DeliveryLog."""
        with self._lock:
            known = self.entry(entry.integration, entry.group_key)
            if known is not None and known.sent_at >= entry.sent_at:
                return
            self._entries[entry.integration, entry.group_key] = entry
            self._save(f"entry {entry.integration} {entry.group_key}", lambda: self._store.adopt(entry))
        self._adopted(entry)  # whoever hears of it has a lock that is taken before this one's

    def begin(self, attempt: Attempt) -> None:
        """See DeliveryLog."""
        with self._lock:
            self._open[attempt.integration, attempt.group_key] = attempt
            self._save(f"attempt {attempt.id}", lambda: self._store.begin(attempt))

    def doubtful(self, integration: str, group_key: str) -> Attempt | None:
        """See DeliveryLog."""
        return self._open.get((integration, group_key))

    def unfinished(self) -> Sequence[Attempt]:
        """See DeliveryStore."""
        with self._lock:
            return list(self._open.values())

    def failed(self, attempt: Attempt) -> None:
        """See DeliveryLog."""
        with self._lock:
            key = (attempt.integration, attempt.group_key)
            newest = self._open.get(key)
            if newest is not None and newest.id == attempt.id:
                if attempt.unfinished:
                    self._open[key] = attempt
                else:
                    del self._open[key]
            self._save(f"attempt {attempt.id}", lambda: self._store.failed(attempt))

    def confirmed(self, attempt: Attempt, entry: Entry, told: Sequence[OutAlert] = ()) -> None:
        """See DeliveryLog."""
        with self._lock:
            key = (attempt.integration, attempt.group_key)
            newest = self._open.get(key)
            if newest is not None and newest.id == attempt.id:
                del self._open[key]
            self._entries[key] = entry
            self._unsaved.pop(f"attempt {attempt.id}", None)
            about = f"entry {entry.integration} {entry.group_key}"
            self._save(about, lambda: self._store.confirmed(attempt, entry, told))

    def recent(self, limit: int) -> Sequence[Attempt]:
        """See DeliveryLog; StorageError."""
        return self._store.recent(limit)

    def prune(self, before: float, known: AbstractSet[str] = frozenset()) -> None:
        """See DeliveryLog."""
        with self._lock:
            old = [key for key, each in self._entries.items() if each.sent_at < before and not each.firing & known]
            for key in old:
                del self._entries[key]
            for key in [key for key, each in self._open.items() if (each.ended_at or each.began_at) < before]:
                del self._open[key]
            self._save("prune", lambda: self._store.prune(before, known))

    def _save(self, about: str, write: Callable[[], None]) -> None:
        """With the lock held: this and what could not be stored before, oldest first, until one fails."""
        self._unsaved.pop(about, None)
        self._unsaved[about] = write
        while self._unsaved:
            first = next(iter(self._unsaved))
            try:
                self._unsaved[first]()
            except StorageError as error:
                self.failures += 1
                self._trouble.is_now(str(error))
                return
            del self._unsaved[first]
        self._trouble.is_now("")
