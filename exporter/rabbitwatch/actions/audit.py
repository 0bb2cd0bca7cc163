"""The audit: what was planned, refused, asked for and done, each entry on the disk before anything follows from it.

Two copies of one chain: the file, which comes first and is safe even from a power cut, and the table that history is
asked of. Whatever ends the agent, and wherever, leaves at most a half-written last line or one entry that the table
lacks; both are made good before the next entry, and that is an entry too. What cannot come from that is told, recorded
once, and left as it is, for it is evidence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from rabbitwatch.actions.audit_file import AuditFile
from rabbitwatch.actions.chain import Head, Link, Verdict, Walk, differences, mark
from rabbitwatch.actions.ports import AuditStore, Entry
from rabbitwatch.actions.record import line, sealed
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Answer, Cause, Outcome, Reply, Step, Target
from rabbitwatch.redaction import Redactor

PLANNED = "planned"
APPROVED = "approved"
REFUSED = "refused"
"""What people have asked for, and what is not done: a deed of which only one of the first two is on record waits."""

REQUESTED = "requested"
ENDED = "ended"
"""The two events that history is made of: what stands between them for a deed is open."""

PAUSED, RESUMED = "paused", "resumed"
"""Somebody has turned the pause switch."""

MENDED = "mended"
BROKEN = "broken"
_AGENT = Cause(source="agent")
_TABLE = "the database"
_PAGE = 1000

_log = structlog.get_logger(__name__)


class Audit:
    """One chain. Safe to call from any thread."""

    def __init__(
        self,
        store: AuditStore,
        file: Path,
        agent: str,
        now: Callable[[], float],
        redact: Callable[[str], str] | None = None,
    ) -> None:
        """agent: how this agent is called in each entry. redact: takes secrets out of a text. Touches nothing yet."""
        self._store = store
        self._file = AuditFile(file)
        self._agent = agent
        self._now = now
        self._redact = redact or Redactor()
        self._lock = threading.Lock()
        self._ready = False
        self._looked = False
        self._head = Head()
        self._problems: tuple[str, ...] = ()

    @property
    def head(self) -> Head | None:
        """Of the last entry that is in both copies, as far as this process knows; None before it has looked."""
        return self._head if self._looked else None

    @property
    def problems(self) -> Sequence[str]:
        """What the last look at the whole chain found wrong; none where all was sound."""
        return self._problems

    def begin(self) -> Verdict:
        """Open the file, bring both copies together, look at the whole chain, and log its head.

        Raises StorageError where that cannot be done: then nothing may act.
        """
        with self._lock:
            verdict = self._begin()
        _log.info("the audit's head", number=self._head.number, hash=self._head.hash, sound=verdict.sound)
        return verdict

    def record(
        self,
        event: str,
        cause: Cause,
        *,
        deed: str = "",
        step: Step | None = None,
        target: Target | None = None,
        answers: Sequence[Answer] = (),
        reply: Reply | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        outcome: Outcome | None = None,
        text: str = "",
    ) -> Entry:
        """Add an entry; it is durable in both copies when this returns. Raises StorageError, and then nothing may
        follow: whether the entry is there is known when the next one is."""
        wanted = Entry(
            number=0,
            at=0.0,
            agent=self._agent,
            deed=deed,
            event=event,
            cause=cause,
            step=step,
            target=target,
            answers=tuple(answers),
            reply=reply,
            before=before,
            after=after,
            outcome=outcome,
            text=text,
        )
        with self._lock:
            if not (self._ready and self._file.as_left()):
                self._begin()
            return self._put(wanted)

    def verify(self) -> Verdict:
        """Look at the whole chain in both copies, changing nothing. Raises StorageError where they cannot be read."""
        with self._lock:
            found = self._compared()
            self._problems = found.verdict.problems
        return found.verdict

    def close(self) -> None:
        """Let go of the file; the next entry opens it again."""
        with self._lock:
            self._ready = False
            self._file.close()

    def _begin(self) -> Verdict:
        self._ready = False
        self._file.open()
        torn = self._file.mend()
        found = self._compared()
        self._refuse_a_stranger(found)
        mended = [*_cut(torn), *self._joined(found)]
        if mended:
            found = self._compared()
        self._head, self._problems, self._ready = found.verdict.head, found.verdict.problems, True
        self._looked = True
        for text in mended:
            _log.warning("the audit was mended", what=text)
            self._put(Entry(number=0, at=0.0, agent=self._agent, deed="", event=MENDED, cause=_AGENT, text=text))
        for text in self._problems:
            _log.error("the audit is broken", where=text)
            if text not in found.told:
                self._put(Entry(number=0, at=0.0, agent=self._agent, deed="", event=BROKEN, cause=_AGENT, text=text))
        return replace(found.verdict, entries=found.verdict.entries, head=self._head)

    def _put(self, wanted: Entry) -> Entry:
        number, before = self._head.number + 1, self._head.hash
        at = round(float(self._now()), 3)
        entry = sealed(replace(wanted, number=number, at=at, previous=before), self._redact)
        self._ready = False  # until both have it
        self._file.append([line(entry)])
        self._store.append(entry)
        self._head, self._ready = Head(number, entry.hash), True
        return entry

    def _compared(self) -> _Compared:
        """Both copies, each by itself and with the other."""
        found = _Compared(Walk(str(self._file.path)), Walk(_TABLE, "row"))
        for row, link in _walked(found.table, self._rows()):
            found.in_table[row] = mark(link.text)
            found.note(link)
            if link.entry is not None and link.number != row:
                found.table.problems.append(f"{_TABLE}: row {row} holds entry {link.number}")
        for _, link in _walked(found.file, self._file.lines()):
            found.note(link)
            if link.entry is None:
                continue
            found.in_file[link.number] = mark(link.text)
            if link.number not in found.in_table and link.sound_by_itself:
                found.only_in_file.append(link.text)
        return found

    def _rows(self) -> Iterator[tuple[int, str]]:
        after = 0
        while page := self._store.lines(after=after, limit=_PAGE):
            yield from page
            after = page[-1][0]

    def _joined(self, found: _Compared) -> Iterator[str]:
        """Give each copy what only it lacks at its end, and the table also what it lacks before; says what."""
        if found.only_in_file:
            self._store.add(found.only_in_file)
            yield f"{_entries(len(found.only_in_file))} of the file were not in the database, and were added to it"
        last = max(found.in_file, default=0)
        newer = [(number, text) for number, text in self._rows() if number > last]
        if newer:
            self._file.append(text for _, text in newer)
            first, count = newer[0][0], len(newer)
            yield f"the file lacked {_entries(count)} from number {first} on, and has them from the database again"

    def _refuse_a_stranger(self, found: _Compared) -> None:
        if found.file.entries and not found.in_file:
            raise StorageError(
                f"{self._file.path}: has {found.file.entries} lines and none is an entry of an audit;"
                " move it away, or choose another actions.audit_file"
            )


@dataclass(slots=True)
class _Compared:
    """Two copies side by side, by number: a mark of each line; told: what was recorded as broken before."""

    file: Walk
    table: Walk
    in_file: dict[int, bytes] = field(default_factory=dict)
    in_table: dict[int, bytes] = field(default_factory=dict)
    only_in_file: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    def note(self, link: Link) -> None:
        if link.entry is not None and link.entry.event == BROKEN:
            self.told.add(link.entry.text)

    @property
    def verdict(self) -> Verdict:
        # the file's head goes first: it was written first
        head = self.file.head if self.file.head.number >= self.table.head.number else self.table.head
        between = differences(str(self.file.copy), self.in_file, _TABLE, self.in_table)
        return Verdict(len(self.in_file), head, (*self.file.problems, *self.table.problems, *between))


def _walked(walk: Walk, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Link]]:
    for position, text in lines:
        for link in walk.follow([(position, text)]):
            yield position, link


def _cut(torn: bytes) -> list[str]:
    if not torn:
        return []
    shown = torn[:200].decode("ascii", "backslashreplace")
    return [f"the file ended in half a line of {len(torn)} bytes, which was cut: {shown}"]


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"
