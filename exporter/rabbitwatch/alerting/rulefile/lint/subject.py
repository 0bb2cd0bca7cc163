"""What a check looks at, one rule at a time, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rabbitwatch.alerting.rulefile.findings import Level
from rabbitwatch.alerting.rulefile.reading import WrittenRule
from rabbitwatch.alerting.templates import Template
from rabbitwatch.promql.nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known beyond one rule.

    families: the labels of each metric family that the agent makes, by name, None where its labels are not known; None
    as a whole where the families are not known. recorded: the expressions behind each name that some rule records.
    data_interval_s: how often new samples come.
    """

    families: Mapping[str, tuple[str, ...] | None] | None = None
    recorded: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    data_interval_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One rule under the checks. root: None where the expression did not parse. templates: those that parsed, by
    ("labels" or "annotations", name)."""

    rule: WrittenRule
    group_labels: Mapping[str, str]
    root: Node | None
    templates: Mapping[tuple[str, str], Template]
    surroundings: Surroundings

    @property
    def is_alert(self) -> bool:
        """Whether it is an alerting rule."""
        return bool(self.rule.alert)

    @property
    def data_interval_s(self) -> float:
        """How often new samples come."""
        return self.surroundings.data_interval_s


@dataclass(frozen=True, slots=True)
class Remark:
    """What a check says. at: the rule's field, or field and name in it. inside: line and column in that text."""

    at: str | tuple[str, str]
    message: str
    level: Level = Level.WARNING
    inside: tuple[int, int] | None = None
    of_key: bool = False
