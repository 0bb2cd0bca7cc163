"""Which series a table holds: one column each, append-only, so that a reader may go on while a poll adds more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter

from rabbitwatch.promql.labels import METRIC_NAME, LabelSet, Matchers

Key = tuple[str, ...]

_REMEMBERED_SELECTIONS = 128


class Interner:
    """Hands out one tuple for equal tuples, so that eight families of one queue share its label values."""

    def __init__(self) -> None:
        self._known: dict[Key, Key] = {}

    def __call__(self, key: Key) -> Key:
        return self._known.setdefault(key, key)

    def __len__(self) -> int:
        return len(self._known)

    def keep_only(self, keys: Iterable[Key]) -> None:
        """Forget all but these."""
        self._known = {key: key for key in keys}


class Columns:
    """The series of one table. Columns are only ever added; `Columns.without` makes a new object.

    A reader takes the width from its view and never looks past it. LabelSets are made when the first reader asks:
    most families are rendered and never queried, and a set with its values is what a series costs.
    """

    __slots__ = ("_intern", "_lock", "_pick", "_selections", "_sets", "index", "keys", "label_names", "name")

    def __init__(self, name: str, label_names: tuple[str, ...], intern: Interner) -> None:
        self.name = name
        self.label_names = label_names
        self.keys: list[Key] = []
        self.index: dict[Key, int] = {}
        self._intern = intern
        self._sets: list[LabelSet] = []
        self._lock = threading.Lock()
        self._selections: dict[Matchers, tuple[int, list[int]]] = {}
        self._pick = _picker(label_names)

    def add(self, key: Key) -> int:
        """A column for a new key; its number. Writers only."""
        key = self._intern(key)
        self.keys.append(key)
        place = self.index[key] = len(self.keys) - 1
        return place

    def labels(self, width: int) -> list[LabelSet]:
        """The label sets of at least the first `width` columns; the list is shared, and only ever grows."""
        if len(self._sets) < width:
            with self._lock:
                self._sets.extend(map(self.label_set, self.keys[len(self._sets) : width]))
        return self._sets

    def label_set(self, key: Key) -> LabelSet:
        """What the series with these label values is called; empty values are no labels."""
        names, pick = self._pick
        values = pick(key)
        if "" in values:
            kept = [(n, v) for n, v in zip(names, values, strict=True) if v]
            return LabelSet(self.name, tuple(n for n, _ in kept), tuple(v for _, v in kept))
        return LabelSet(self.name, names, self._intern(values))

    def matching(self, matchers: Matchers, width: int) -> list[int] | None:
        """The columns below `width` that satisfy the matchers, `__name__` aside; None for all of them.

        The answer is remembered and extended as columns are added, so a rule costs a look-up at each evaluation.
        """
        if all(m.name == METRIC_NAME for m in matchers):
            return None
        seen, found = self._selections.get(matchers, (0, []))
        if seen > width:
            return [c for c in found if c < width]
        if seen < width:
            found = found + self._filter(matchers, range(seen, width))
            if len(self._selections) >= _REMEMBERED_SELECTIONS:
                self._selections = {}
            self._selections[matchers] = (width, found)
        return found

    def _filter(self, matchers: Matchers, candidates: Iterable[int]) -> list[int]:
        keys = self.keys
        left = list(candidates)
        for matcher in matchers:
            accepts = matcher.matches
            if matcher.name == METRIC_NAME:
                continue
            if matcher.name not in self.label_names:
                left = left if accepts("") else []
                continue
            at = self.label_names.index(matcher.name)
            left = [c for c in left if accepts(keys[c][at])]
        return left

    def interned(self) -> Iterator[Key]:
        """Every tuple of strings that the columns hold on to."""
        yield from self.keys
        yield from (labels.values for labels in self._sets)

    def without(self, gone: set[int]) -> Columns:
        """The same columns but those; the others keep their order and their LabelSet objects."""
        rest = Columns(self.name, self.label_names, self._intern)
        with self._lock:
            kept = [c for c in range(len(self.keys)) if c not in gone]
            rest._sets = [self._sets[c] for c in kept if c < len(self._sets)]
        rest.keys = [self.keys[c] for c in kept]
        rest.index = {key: place for place, key in enumerate(rest.keys)}
        return rest


def _picker(label_names: tuple[str, ...]) -> tuple[tuple[str, ...], Callable[[Key], Key]]:
    """The label names sorted, and a function that brings a key's values into that order."""
    order = sorted(range(len(label_names)), key=lambda i: label_names[i])
    names = tuple(label_names[i] for i in order)
    if order == list(range(len(label_names))):
        return names, lambda key: key
    return names, itemgetter(*order)
