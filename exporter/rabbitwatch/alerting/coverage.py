"""What the last poll could not see, so that an alert is not resolved only because nobody could look.

A Gap says: series of these families with these labels have no sample now, because their source did not answer. The
agent makes the gaps from the observation's failed parts; nothing here knows about sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.promql.labels import LabelSet, Matcher, MatchOp
from rabbitwatch.promql.storage import LOOKBACK_MS, Storage


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the last poll that is missing.

    labels: what its series would carry, such as cluster and node (or cluster and observer). families: the metric
    names that it would have fed.
    """

    labels: Mapping[str, str]
    families: frozenset[str]

    def concerns(self, alert: LabelSet) -> bool:
        """Whether the alert's labels contradict none of the gap's: a cluster's alert has no `node` and matches any."""
        return all(alert.get(name, value) == value for name, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class Input:
    """A selector whose series a rule needs to stay active: the metric's name and the selector's other matchers."""

    name: str
    matchers: tuple[Matcher, ...]

    def could_match(self, gap: Gap) -> bool:
        """Whether the selector reads a family of the gap and refuses none of the gap's labels."""
        if self.name not in gap.families:
            return False
        return all(m.matches(gap.labels[m.name]) for m in self.matchers if m.name in gap.labels)


class Coverage:
    """The gaps of the last poll, asked for one evaluation; answers are remembered while it lasts."""

    def __init__(self, gaps: Iterable[Gap] = ()) -> None:
        self.gaps = tuple(gaps)

    def __bool__(self) -> bool:
        return bool(self.gaps)

    def blinding(self, inputs: Sequence[Input], storage: Storage, at_ms: int) -> list[Gap]:
        """The gaps through which at least one of the inputs has no series left at `at_ms`.

        The samples are asked too, so that a gap whose series another source still feeds blinds nothing.
        """
        return [
            gap
            for gap in self.gaps
            if any(each.could_match(gap) and _gone(each, gap, storage, at_ms) for each in inputs)
        ]


COMPLETE = Coverage()


def _gone(wanted: Input, gap: Gap, storage: Storage, at_ms: int) -> bool:
    matchers = (
        Matcher(MatchOp.EQUAL, "__name__", wanted.name),
        *(Matcher(MatchOp.EQUAL, name, value) for name, value in gap.labels.items()),
        *(m for m in wanted.matchers if m.name not in gap.labels and m.name != "__name__"),
    )
    return not storage.latest(matchers, at_ms, LOOKBACK_MS).values
