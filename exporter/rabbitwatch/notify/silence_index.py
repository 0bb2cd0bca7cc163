"""Which silences are about which alert: found once, because under one id the matchers never change."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.model.silence import Silence, SilenceState
from rabbitwatch.notify.regex_set import RegexSet

REMEMBERED = 20_000
"""Label sets whose silences are remembered; beyond that all are forgotten and found anew."""

_Key = frozenset[tuple[str, str]]
_EQUAL = Operator.EQUAL


@dataclass(frozen=True, slots=True)
class _Condition:
    """A silence's matchers, those that compare texts apart: they are cheap, and turn most alerts away."""

    id: str
    plain: tuple[Matcher, ...]
    regex: tuple[Matcher, ...]

    @classmethod
    def of(cls, silence: Silence) -> _Condition:
        regex = tuple(matcher for matcher in silence.matchers if matcher.operator.regex)
        return cls(silence.id, tuple(matcher for matcher in silence.matchers if not matcher.operator.regex), regex)

    @property
    def pair(self) -> tuple[str, str] | None:
        """A label with its value that every alert must have that this is about."""
        return next(((m.name, m.value) for m in self.plain if m.operator is _EQUAL and m.value), None)

    def holds(self, labels: Mapping[str, str], regexes: RegexSet) -> bool:
        for matcher in self.plain:
            if (labels.get(matcher.name, "") == matcher.value) is not (matcher.operator is _EQUAL):
                return False
        for matcher in self.regex:
            matches = matcher.value in regexes.matching(labels.get(matcher.name, ""))
            if matches is not (matcher.operator is Operator.MATCHES):
                return False
        return True


class _Conditions:
    """All conditions in the order in which they came, found by the one label that they ask for."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._all: list[_Condition] = []
        self._by_pair: dict[tuple[str, str], list[int]] = {}
        self._by_none: list[int] = []
        self._regexes, self._compiled = RegexSet(()), 0
        for silence in silences:
            self.add(silence)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, silence: Silence) -> None:
        condition = _Condition.of(silence)
        pair = condition.pair
        places = self._by_none if pair is None else self._by_pair.setdefault(pair, [])
        places.append(len(self._all))
        self._all.append(condition)

    def matching(self, labels: Mapping[str, str], first: int) -> Iterator[str]:
        """The ids of those that hold, from the `first` on."""
        regexes = self._together()
        for places in (self._by_none, *(self._by_pair.get(pair, ()) for pair in labels.items())):
            for place in places[bisect_left(places, first) :]:
                if self._all[place].holds(labels, regexes):
                    yield self._all[place].id

    def _together(self) -> RegexSet:
        """The regexes of all."""
        if self._compiled < len(self._all):
            self._compiled = len(self._all)
            patterns = {matcher.value for condition in self._all for matcher in condition.regex}
            if patterns != self._regexes.patterns:
                self._regexes = RegexSet(patterns)
        return self._regexes


@dataclass(slots=True)
class _Found:
    """The ids that are about a label set, among the first `seen` conditions."""

    seen: int
    ids: tuple[str, ...]


class SilenceIndex:
    """Silences by id, and by the labels that they match. Thread-safe; no call takes longer than the matching itself."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._lock = threading.Lock()
        self._silences: dict[str, Silence] = {}
        self._conditions = _Conditions(())
        self._found: dict[_Key, _Found] = {}
        self.put(silences)

    def get(self, silence_id: str) -> Silence | None:
        """The one of that id."""
        with self._lock:
            return self._silences.get(silence_id)

    def all(self) -> list[Silence]:
        """Every one, in no order."""
        with self._lock:
            return list(self._silences.values())

    def put(self, silences: Iterable[Silence]) -> None:
        """Add these, in place of those of the same ids."""
        with self._lock:
            for silence in silences:
                before = self._silences.get(silence.id)
                self._silences[silence.id] = silence
                if before is None:
                    self._conditions.add(silence)
                elif before.matchers != silence.matchers:  # only a peer that errs sends such a thing
                    self._rebuild()

    def remove(self, ids: Sequence[str]) -> None:
        """Drop these."""
        with self._lock:
            for silence_id in ids:
                self._silences.pop(silence_id, None)
            self._rebuild()

    def active(self, labels: Mapping[str, str], now: float) -> list[str]:
        """The ids, sorted, of the active ones that match."""
        with self._lock:
            ids = self._matching(labels)
            return sorted(each for each in ids if self._silences[each].state(now) is SilenceState.ACTIVE)

    def _matching(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        key = frozenset(labels.items())
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            found = self._found[key] = _Found(0, ())
        if found.seen < len(self._conditions):
            found.ids = (*found.ids, *self._conditions.matching(labels, found.seen))
            found.seen = len(self._conditions)
        return found.ids

    def _rebuild(self) -> None:
        self._conditions = _Conditions(self._silences.values())
        self._found.clear()
