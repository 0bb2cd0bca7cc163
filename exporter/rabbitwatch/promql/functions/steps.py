"""Where neighbouring scrapes differ, found once for each pair and not again at each evaluation that looks at both."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress, count, pairwise

Scrape = Sequence[float]
_Step = tuple[Scrape, Scrape, "array[int]"]


class Steps:
    """The steps of one range selector at one evaluation; `next` makes those of the evaluation after it.

    Scrapes are told apart by identity: a storage that hands out the same object for the same scrape saves the work.
    They are held on to, so that no other object can take their place in the meantime.
    """

    __slots__ = ("_known", "_seen")

    def __init__(self, known: Mapping[tuple[int, int], _Step] | None = None) -> None:
        self._known = known or {}
        self._seen: dict[tuple[int, int], _Step] = {}

    def next(self) -> Steps:
        """For the evaluation after this one, which forgets what this one has not looked at."""
        return Steps(self._seen)

    def where(
        self, differs: Callable[[float, float], bool], scrapes: Sequence[Scrape]
    ) -> Iterator[tuple[Scrape, Sequence[int]]]:
        """For each scrape but the last: it, and the places whose value `differs` (always the same function) from that
        in the next one. Pairs without any are left out."""
        for before, after in pairwise(scrapes):
            if before is after:
                continue
            key = (id(before), id(after))
            step = self._known.get(key)
            if step is None:
                step = (before, after, array("L", compress(count(), map(differs, before, after))))
            self._seen[key] = step
            if step[2]:
                yield before, step[2]
