"""How much history the rules need: what the window is asked to keep, and refuses where it cannot."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.rulefile.model import AlertingRule, RuleSet
from rabbitwatch.promql.parse import parse
from rabbitwatch.promql.window.needs import requirements
from rabbitwatch.promql.window.retention import Requirement


def history(rules: RuleSet) -> list[Requirement]:
    """What all expressions look back at, those that templates ask for included."""
    return list(_history(rules))


def _history(rules: RuleSet) -> Iterator[Requirement]:
    for group in rules.groups:
        late_ms = round((group.query_offset_s or 0.0) * 1000)
        for rule in group.rules:
            asked_by = f"{rule.place}: {rule.name}"
            yield from requirements(rule.expr, asked_by, late_ms=late_ms)
            if isinstance(rule, AlertingRule):
                for template in (*rule.labels.values(), *rule.annotations.values()):
                    for query in sorted(template.queries | template.query_shapes):
                        yield from requirements(parse(query), asked_by, late_ms=late_ms)
