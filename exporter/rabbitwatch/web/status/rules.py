"""The rules as their last evaluation left them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rabbitwatch.alerting.evaluate.status import GroupStatus, Health, RuleStatus
from rabbitwatch.alerting.rulefile.model import AlertingRule
from rabbitwatch.web.picture.card import Level
from rabbitwatch.web.status.words import Capped, capped

MOST = 120
_LEVELS = {Health.OK: Level.OK, Health.ERROR: Level.CRITICAL, Health.UNKNOWN: Level.UNKNOWN}
_WORDS = {Health.OK: "works", Health.ERROR: "fails", Health.UNKNOWN: "not evaluated yet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule. kind: `alert` or `recording`. state: of an alerting rule, "" of another. file: its name alone."""

    group: str
    file: str
    name: str
    kind: str
    state: str
    health: str
    level: Level
    error: str
    at: float | None
    took_ms: float


@dataclass(frozen=True, slots=True)
class Rules:
    """rows: those that fail first. at: the oldest last evaluation of a group; None where there is none, or a group was
    never evaluated. slowest_ms: what the slowest group took."""

    rows: Capped[RuleRow]
    groups: int
    failing: int
    waiting: int
    at: float | None
    interval: float
    level: Level


def rules(groups: Sequence[GroupStatus]) -> Rules:
    """Of all groups, in the order of the files."""
    rows = [_row(group, rule) for group in groups for rule in group.rules]
    failing = sum(row.level is Level.CRITICAL for row in rows)
    waiting = sum(row.level is Level.UNKNOWN for row in rows)
    times = [group.last_evaluation for group in groups]
    return Rules(
        rows=capped(
            sorted(rows, key=lambda row: (row.level is not Level.CRITICAL, row.level is not Level.UNKNOWN)), MOST
        ),
        groups=len(groups),
        failing=failing,
        waiting=waiting,
        at=_oldest(times),
        interval=max((group.interval_s for group in groups), default=0.0),
        level=Level.CRITICAL if failing else Level.UNKNOWN if waiting or not rows else Level.OK,
    )


def _oldest(times: Iterable[float | None]) -> float | None:
    known = list(times)
    return None if None in known else min((at for at in known if at is not None), default=None)


def _row(group: GroupStatus, rule: RuleStatus) -> RuleRow:
    alerting = isinstance(rule.rule, AlertingRule)
    return RuleRow(
        group=group.group.name,
        file=PurePath(group.group.file).name,
        name=rule.rule.name,
        kind="alert" if alerting else "recording",
        state=rule.state.value if alerting else "",
        health=_WORDS[rule.health],
        level=_LEVELS[rule.health],
        error=rule.last_error,
        at=rule.last_evaluation,
        took_ms=rule.duration_s * 1000,
    )
