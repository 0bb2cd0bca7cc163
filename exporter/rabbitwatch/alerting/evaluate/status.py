"""What evaluation tells others: the cycle's outcome, the state of groups and rules, and the agent's own figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.rulefile.model import Group, Rule


class Health(StrEnum):
    """Of a rule, as Prometheus' API names it; UNKNOWN before its first evaluation."""

    UNKNOWN = "unknown"
    OK = "ok"
    ERROR = "err"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStatus:
    """One rule as its last evaluation left it. alerts: active ones, for an alerting rule. last_error: "" where
    there was none. last_evaluation: seconds since the epoch."""

    rule: Rule
    health: Health
    last_error: str
    last_evaluation: float | None
    duration_s: float
    alerts: Sequence[Alert]

    @property
    def state(self) -> AlertState:
        """The gravest state of its alerts."""
        states = {alert.state for alert in self.alerts}
        return next((s for s in (AlertState.FIRING, AlertState.PENDING) if s in states), AlertState.INACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatus:
    """One group as its last evaluation left it. interval_s: the one in force."""

    group: Group
    interval_s: float
    last_evaluation: float | None
    duration_s: float
    rules: Sequence[RuleStatus]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert with what made it: the group's key and the expression, for links and notices."""

    group: str
    expr: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that could not be evaluated in this cycle."""

    group: str
    rule: str
    error: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """One call of `evaluate`. groups: keys of those that were due. alerts: all that there are, resolved ones of the
    last 15 minutes included. unsaved: why the alerts could not be stored; "" where they were."""

    at: float
    groups: Sequence[str]
    failures: Sequence[RuleFailure]
    alerts: Sequence[Raised]
    unsaved: str = ""


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Counts since the start of the agent, for its own metrics; kept over reloads."""

    group: str
    rule: str
    evaluations: int
    failures: int
