"""Metric names and labels that nobody makes."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.rulefile.findings import Level
from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject
from rabbitwatch.alerting.rulefile.names import did_you_mean
from rabbitwatch.promql.nodes import Selector, walk

_OWN = "rabbitwatch_"
_MADE_BY_RULES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_MADE_BY_SCRAPES = frozenset({"job", "instance"})


def unknown_metrics(subject: Subject) -> Iterator[Remark]:
    """The agent's own names are all known, so a wrong one is an error; other names may come from elsewhere."""
    families, recorded = subject.surroundings.families, subject.surroundings.recorded
    if families is None or subject.root is None:
        return
    told: set[str] = set()
    for node in walk(subject.root):
        name = node.metric if isinstance(node, Selector) else ""
        if not name or name in families or name in recorded or name in _MADE_BY_RULES or name in told:
            continue
        told.add(name)
        if name.startswith(_OWN):
            text = f"the metric {name} does not exist{did_you_mean(name, [*families, *recorded], 0.6)}"
            yield Remark("expr", text, Level.ERROR)
        else:
            text = f"the metric {name} is not one of rabbitwatch: the rule works in a Prometheus that has it, not here"
            yield Remark("expr", text, Level.NOTE)


def unknown_labels(subject: Subject) -> Iterator[Remark]:
    """A matcher on a label that the family does not have matches nothing, or everything."""
    families = subject.surroundings.families
    if families is None or subject.root is None:
        return
    for node in walk(subject.root):
        known = families.get(node.metric) if isinstance(node, Selector) else None
        if not isinstance(node, Selector) or known is None:
            continue
        for matcher in node.matchers:
            if matcher.name != "__name__" and matcher.name not in known and matcher.name not in _MADE_BY_SCRAPES:
                hint = did_you_mean(matcher.name, known, 0.6) or f"; it has {', '.join(known) or 'none'}"
                yield Remark("expr", f"{node.metric} has no label '{matcher.name}'{hint}")
