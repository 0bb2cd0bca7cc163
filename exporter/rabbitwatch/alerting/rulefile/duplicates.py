"""Rules of one file that would write the same series: promtool's lint `duplicate-rules`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.alerting.rulefile.reading import WrittenGroup


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A name and labels that more than one rule of the file has; name is the metric's or the alert's."""

    name: str
    labels: Mapping[str, str]

    def __str__(self) -> str:
        lines = "".join(f"\t{name}: {value}\n" for name, value in sorted(self.labels.items()))
        return f"Metric: {self.name}\nLabel(s):\n{lines}"


def duplicates(groups: Sequence[WrittenGroup]) -> list[Duplicate]:
    """Each repeated rule once, sorted by name."""
    counts = Counter((rule.name, tuple(sorted(rule.labels.items()))) for group in groups for rule in group.rules)
    return [Duplicate(name, dict(labels)) for (name, labels), count in sorted(counts.items()) if count > 1]
