"""The labels of a whole vector, and what follows from them.

What is derived from a column (keys to group or to match by, the column without names) is kept on it, so as long as
storage hands out the same column from poll to poll, all of that is made once. When series come and go, the next column
is made from the last one: what was derived for those that stay is taken over, and only the new ones cost anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Any, TypeVar, overload

from rabbitwatch.promql.labels import METADATA, METRIC_NAME, LabelSet

_T = TypeVar("_T")
_MOST_GONE = 2
"""A column is made anew when the one that it would be picked from has more than so many times its rows."""


class LabelColumn(Sequence[LabelSet]):
    """One LabelSet a row; compared by identity; never changed once made.

    A column that was picked from another one remembers which rows it took. What is asked of it is then taken from what
    the other one has derived already, and its label sets are looked up only when somebody reads them.
    """

    __slots__ = ("__weakref__", "_memo", "_parent", "_rows", "_sets")

    def __init__(self, sets: list[LabelSet]) -> None:
        self._sets: list[LabelSet] | None = sets
        self._memo: dict[Hashable, Any] = {}
        self._parent: LabelColumn | None = None
        self._rows: Sequence[int] = ()

    def pick(self, rows: Sequence[int]) -> LabelColumn:
        """The column of these rows, in their order; each at most once."""
        picked = LabelColumn([])
        picked._sets = None
        if self._parent is None:
            picked._parent, picked._rows = self, rows
        else:
            picked._parent, picked._rows = self._parent, list(map(self._rows.__getitem__, rows))
        return picked

    def followed_by(self, sets: list[LabelSet]) -> LabelColumn:
        """The column of these sets, which come after this column's: of many of them, the objects are the same."""
        root = self if self._parent is None else self._parent
        where = root.memoised("where", lambda: {id(labels): row for row, labels in enumerate(root.sets)})
        rows: list[int | None] = list(map(where.get, map(id, sets)))
        added = [labels for labels, row in zip(sets, rows, strict=True) if row is None] if None in rows else []
        if 2 * len(added) > len(sets) or len(root) + len(added) > _MOST_GONE * len(sets):
            return LabelColumn(sets)
        places = iter(range(len(root), len(root) + len(added)))
        if added:
            root = root.grown(LabelColumn(added))
        return root.pick([next(places) if row is None else row for row in rows])

    def grown(self, tail: LabelColumn) -> LabelColumn:
        """This column, which is not a picked one, and the other one behind it. What is derived from rows one by one is
        taken over; the memo's keys tell the methods that derive it."""
        column = LabelColumn([*self.sets, *tail.sets])
        for key, known in list(self._memo.items()):
            if isinstance(key, tuple) and key[0] in _BY_ROW:
                more = getattr(tail, key[0])(*key[1:])
                column._memo[key] = known.grown(more) if isinstance(known, LabelColumn) else known + more
        return column

    @property
    def sets(self) -> list[LabelSet]:
        """The rows; not to be changed."""
        if self._sets is None:
            self._sets = self._of_parent(lambda parent: parent.sets)
        return self._sets

    def _of_parent(self, derived: Callable[[LabelColumn], Sequence[_T]]) -> list[_T]:
        assert self._parent is not None  # noqa: S101 - only asked of picked columns
        return list(map(derived(self._parent).__getitem__, self._rows))

    @overload
    def __getitem__(self, index: int) -> LabelSet: ...
    @overload
    def __getitem__(self, index: slice) -> list[LabelSet]: ...
    def __getitem__(self, index: int | slice) -> LabelSet | list[LabelSet]:
        return self.sets[index]

    def __len__(self) -> int:
        return len(self._rows) if self._sets is None else len(self._sets)

    def __iter__(self) -> Iterator[LabelSet]:
        return iter(self.sets)

    def memoised(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What `make` returns, made once for this key and kept as long as the column lives."""
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = make()
        return found

    def metric_names(self) -> frozenset[str]:
        """The distinct metric names in the column."""
        if self._parent is not None and len(self._parent.metric_names()) == 1:
            return self._parent.metric_names()
        return self.memoised("metric_names", lambda: frozenset(map(attrgetter("name"), self.sets)))

    def shape(self) -> tuple[str, ...] | None:
        """The label names that every row has, where all rows have the same ones; None where they differ."""
        if self._parent is not None and self._parent.shape() is not None:
            return self._parent.shape()
        shapes = self.memoised("shapes", lambda: frozenset(map(attrgetter("names"), self.sets)))
        return next(iter(shapes)) if len(shapes) == 1 else None

    def without_names(self) -> LabelColumn:
        """The column with `__name__` dropped from each row; not checked for rows that have become equal."""
        if self.metric_names() <= {""} and self.shape() is not None and METADATA.isdisjoint(self.shape() or ()):
            return self
        return self.memoised(("without_names",), self._without_names)

    def _without_names(self) -> LabelColumn:
        if self._parent is not None:
            return self._parent.without_names().pick(self._rows)
        return LabelColumn([s.without_name() for s in self.sets])

    def kept(self, names: tuple[str, ...]) -> LabelColumn:
        """LabelSet.keep of each row."""
        if self._parent is not None:
            return self._parent.kept(names).pick(self._rows)
        return self.memoised(("kept", names), lambda: LabelColumn(self._reduced(frozenset(names), keep=True)))

    def dropped(self, names: tuple[str, ...]) -> LabelColumn:
        """LabelSet.drop of each row."""
        if self._parent is not None:
            return self._parent.dropped(names).pick(self._rows)
        return self.memoised(("dropped", names), lambda: LabelColumn(self._reduced(METADATA.union(names), keep=False)))

    def _reduced(self, names: frozenset[str], keep: bool) -> list[LabelSet]:
        shape = self.shape()
        if shape is None or METRIC_NAME in names:
            return [s.keep(names) if keep else s.drop(names) for s in self.sets]
        left = tuple(n for n in shape if (n in names) is keep)
        if left == shape:
            return [LabelSet("", shape, s.values) for s in self.sets]
        indexes = [shape.index(n) for n in left]
        return [LabelSet("", left, tuple([s.values[i] for i in indexes])) for s in self.sets]

    def distinct(self) -> bool:
        """Whether no two rows are equal."""
        if self._parent is not None and self._parent.distinct():
            return True
        return self.memoised("distinct", lambda: (len(set(self.sets)) == len(self.sets),))[0]

    def distinct_without_names(self) -> bool:
        """Whether no two rows would be equal without `__name__`; rows of one metric are taken as distinct."""
        return len(self.metric_names()) < 2 or self.without_names().distinct()

    def keys_on(self, names: tuple[str, ...]) -> list[Hashable]:
        """One key a row, made of these labels (missing is ""); keys of different columns compare."""
        if self._parent is not None:
            return self.memoised(("keys_on", names), lambda: self._of_parent(lambda parent: parent.keys_on(names)))
        return self.memoised(("keys_on", names), lambda: self._keys_on(names))

    def keys_ignoring(self, names: tuple[str, ...]) -> list[Hashable]:
        """One key a row, made of all labels but these and `__name__`; keys of different columns compare."""
        if self._parent is not None:
            return self.memoised(
                ("keys_ignoring", names), lambda: self._of_parent(lambda parent: parent.keys_ignoring(names))
            )
        return self.memoised(("keys_ignoring", names), lambda: self._keys_ignoring(METADATA.union(names)))

    def _keys_on(self, names: tuple[str, ...]) -> list[Hashable]:
        if not names:
            return [()] * len(self.sets)
        shape = self.shape()
        if names == shape and len(names) > 1:
            return [s.values for s in self.sets]
        if shape is not None and set(names) <= set(shape):
            pick = itemgetter(*(shape.index(n) for n in names))
            return [pick(s.values) for s in self.sets]
        if len(names) == 1:
            return [s.get(names[0]) for s in self.sets]
        return [tuple(s.get(n) for n in names) for s in self.sets]

    def _keys_ignoring(self, names: frozenset[str]) -> list[Hashable]:
        shape = self.shape()
        if shape is None:
            return [(left.names, left.values) for left in (s.drop(names) for s in self.sets)]
        kept = tuple(n for n in shape if n not in names)
        if kept == shape:
            return [(shape, s.values) for s in self.sets]
        indexes = [shape.index(n) for n in kept]
        return [(kept, tuple([s.values[i] for i in indexes])) for s in self.sets]


_BY_ROW = frozenset({"keys_on", "keys_ignoring", "kept", "dropped", "without_names"})
