"""Which history the window keeps, and whether what the rules ask for can fit into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rabbitwatch.config.durations import format_duration
from rabbitwatch.errors import RuleError
from rabbitwatch.promql.labels import METRIC_NAME, LabelSet, Matchers

BYTES_PER_SAMPLE = 8
DEFAULT_BUDGET = 25_000_000
"""Samples of history, 200 MB: one hour of 8 families of 10,000 queues every 15 s is 19.2 million."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """History that somebody needs: the series that satisfy `matchers`, for `span_ms` back from now.

    asked_by: who, as an error should name it: `rules/queues.yml: QueueGrows`.
    """

    matchers: Matchers
    span_ms: int
    asked_by: str = ""

    def wants(self, labels: LabelSet) -> bool:
        """Whether the series with these labels is one of them."""
        return all(m.accepts(labels) for m in self.matchers)

    def may_want(self, name: str) -> bool:
        """Whether a series of that metric can be one of them."""
        return all(m.matches(name) for m in self.matchers if m.name == METRIC_NAME)


class Retention:
    """The requirements in force; answers how far back a series is kept."""

    def __init__(self, requirements: Iterable[Requirement] = ()) -> None:
        self.requirements = merged(requirements)
        self._by_name: dict[str, tuple[Requirement, ...]] = {}

    def of_name(self, name: str) -> tuple[Requirement, ...]:
        """The requirements that can concern a metric, the longest span first."""
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = tuple(r for r in self.requirements if r.may_want(name))
        return found

    def uniform_span(self, name: str) -> int | None:
        """The span that all series of the metric have in common; None where it depends on their labels."""
        found = self.of_name(name)
        if not found:
            return 0
        longest = found[0]
        return longest.span_ms if all(m.name == METRIC_NAME for m in longest.matchers) else None

    def span(self, labels: LabelSet) -> int:
        """How far back this series is kept, in ms; 0 when nobody asks for its past."""
        return next((r.span_ms for r in self.of_name(labels.name) if r.wants(labels)), 0)


def merged(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """One requirement for each set of matchers, its longest span; longest first."""
    longest: dict[frozenset[object], Requirement] = {}
    for requirement in requirements:
        key: frozenset[object] = frozenset(requirement.matchers)
        if key not in longest or requirement.span_ms > longest[key].span_ms:
            longest[key] = requirement
    return tuple(sorted(longest.values(), key=lambda r: -r.span_ms))


def check_fits(
    requirements: Sequence[Requirement], series: Callable[[Requirement], int], interval_ms: int, budget: int
) -> None:
    """Refuse what the window cannot hold: RuleError with what is needed and what there is.

    Need is estimated as span / interval samples for each of `series(requirement)` series. Requirements with the same
    matchers count once, with the longest span; those that overlap otherwise count each, so the estimate is high.
    """
    needs = [(series(r) * (r.span_ms // interval_ms + 1), r) for r in merged(requirements) if r.span_ms > interval_ms]
    total = sum(samples for samples, _ in needs)
    if total <= budget:
        return
    worst, requirement = max(needs, key=lambda need: need[0])
    selector = "{" + ",".join(str(m) for m in requirement.matchers) + "}"
    who = f"{requirement.asked_by}: " if requirement.asked_by else ""
    both = "" if worst > budget else f" (with everything else that is loaded: {_size(total)})"
    raise RuleError(
        f"{who}{selector} over {format_duration(requirement.span_ms / 1000)} needs about {_size(worst)} of history"
        f"{both}, and the window holds {_size(budget)}; shorten the range, narrow the selector or raise "
        "rules.window_samples"
    )


def _size(samples: int) -> str:
    return f"{samples:,} samples = {samples * BYTES_PER_SAMPLE / 1e6:,.0f} MB"
