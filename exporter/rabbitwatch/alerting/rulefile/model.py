"""Rules that are ready to be evaluated: what loading makes of rule files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from rabbitwatch.alerting.coverage import Input
from rabbitwatch.alerting.rulefile.findings import Finding
from rabbitwatch.alerting.templates import Template
from rabbitwatch.errors import Place
from rabbitwatch.promql.nodes import Parsed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordingRule:
    """An expression whose result is recorded as series named `name`; labels overwrite those of the result."""

    name: str
    expr: Parsed
    labels: Mapping[str, str]
    place: Place

    @property
    def identity(self) -> str:
        """What stays the same while the rule is the same to its users: kind, name and labels."""
        return json.dumps(["record", self.name, sorted(self.labels.items())])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlertingRule:
    """An expression each of whose series is an alert. labels hold the group's too; label and annotation texts are
    templates. inputs: the selectors without whose series it cannot stay active, through recording rules too."""

    name: str
    expr: Parsed
    for_s: float
    keep_firing_for_s: float
    labels: Mapping[str, Template]
    annotations: Mapping[str, Template]
    inputs: tuple[Input, ...]
    place: Place

    @property
    def identity(self) -> str:
        """What stays the same while the rule is the same to its users: kind, name and labels, not the threshold."""
        return json.dumps(["alert", self.name, sorted((name, t.text) for name, t in self.labels.items())])


Rule = RecordingRule | AlertingRule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Rules that are evaluated together, in order.

    key: unique among all groups and independent of where the file lies: the name, with `#2`, `#3` for further groups
    of that name in other files. interval_s, query_offset_s: None where the configuration's default applies. limit: of
    series or alerts a rule; 0 for none.
    """

    key: str
    name: str
    file: str
    interval_s: float | None
    query_offset_s: float | None
    limit: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of all files. findings: warnings and notes, since a set with errors is never made."""

    groups: tuple[Group, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def rules(self) -> list[Rule]:
        """Every rule, in the order of evaluation."""
        return [rule for group in self.groups for rule in group.rules]
