"""Verification of the audit: does each line follow the one before it, and say two copies the same?

Anybody who may write both copies can forge all of them, for the chain has no key; what the forger cannot reach is what
was noted elsewhere: the head, which is in the agent's log and metrics.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rabbitwatch.actions.ports import Entry
from rabbitwatch.actions.record import entry_of, hash_of


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain; (0, "") of an empty one."""

    number: int = 0
    hash: str = ""

    @property
    def figure(self) -> int:
        """The first 48 bits of the hash, which a metric holds without loss."""
        return int(self.hash[:12] or "0", 16)

    def __str__(self) -> str:
        return f"entry {self.number}, hash {self.hash}" if self.number else "no entry"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found. problems: one line each, with the place; none where all is sound."""

    entries: int
    head: Head
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Link:
    """One line of a chain, looked at. entry: None where it cannot be read. wrong: what is, in one line with its place,
    "" when nothing is."""

    place: str
    text: str
    number: int
    entry: Entry | None
    hash: str
    wrong: str = ""

    @property
    def sound_by_itself(self) -> bool:
        """Its own hash fits; whether it is in its place is another question."""
        return self.entry is not None and self.hash == hash_of(self.text)[1]


class Walk:
    """Goes along one chain. After something wrong it goes on from there."""

    def __init__(self, copy: str, row: str = "line") -> None:
        """copy, row: how this copy and a place in it are called in what is told."""
        self.copy = copy
        self._row = row
        self.head = Head()
        self.problems: list[str] = []
        self.entries = 0

    def follow(self, lines: Iterable[tuple[int, str]]) -> Iterator[Link]:
        """lines: (number of the line or row, text). Yields each as it was judged."""
        for position, text in lines:
            self.entries += 1
            link = self._judged(position, text)
            if link.wrong:
                self.problems.append(link.wrong)
            if link.entry is not None and link.number > self.head.number:
                self.head = Head(link.number, link.hash)
            yield link

    def verdict(self) -> Verdict:
        return Verdict(self.entries, self.head, tuple(self.problems))

    def _judged(self, position: int, text: str) -> Link:
        place = f"{self.copy}, {self._row} {position}"
        stated, due = hash_of(text)
        try:
            entry = entry_of(text)
        except ValueError as error:
            return Link(place, text, position, None, "", f"{place}: cannot be read as an entry ({_short(error)})")
        wrong = self._fault(entry, stated == due)
        return Link(place, text, entry.number, entry, stated, f"{place}: {wrong}" if wrong else "")

    def _fault(self, entry: Entry, fits: bool) -> str:
        due = self.head.number + 1
        if not fits:
            return f"entry {entry.number} was changed: its hash does not fit its text"
        if entry.number > due:
            lost = f"entry {due} is" if entry.number == due + 1 else f"entries {due} to {entry.number - 1} are"
            return f"{lost} missing before entry {entry.number}"
        if entry.number < due:
            return f"entry {entry.number} stands after entry {self.head.number}: inserted, repeated or out of order"
        if entry.previous != self.head.hash:
            return f"entry {entry.number} does not follow the entry {self.head.number} that stands before it"
        return ""


def verified(copy: str, lines: Iterable[tuple[int, str]], row: str = "line") -> Verdict:
    """One copy by itself."""
    walk = Walk(copy, row)
    for _ in walk.follow(lines):
        pass
    return walk.verdict()


def differences(one: str, numbers: Mapping[int, bytes], other: str, others: Mapping[int, bytes]) -> list[str]:
    """Where two copies do not say the same, by number and `mark` of each line; the first of each kind."""
    found = []
    for name, here, elsewhere, there in ((one, numbers, other, others), (other, others, one, numbers)):
        lacking = sorted(there.keys() - here.keys())
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            found.append(f"{name}: lacks entry {lacking[0]}{more}, which {elsewhere} has")
    differing = sorted(number for number in numbers.keys() & others.keys() if numbers[number] != others[number])
    if differing:
        more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
        found.append(f"entry {differing[0]}{more} is not the same in {one} and in {other}")
    return found


def mark(text: str) -> bytes:
    """A line in few bytes, for comparing copies."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
