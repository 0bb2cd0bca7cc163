"""From the YAML of a rule file to its groups and rules as written, with promtool's structural checks.

Words are promtool's where users know them. Nothing is parsed here beyond YAML: expressions and templates are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rabbitwatch.alerting.rulefile.fields import Fields
from rabbitwatch.alerting.rulefile.names import is_label_name, is_metric_name
from rabbitwatch.config.yamltree import Path

GROUP_FIELDS = ("name", "interval", "query_offset", "limit", "labels", "rules")
RULE_FIELDS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_ALERT_ONLY = ("annotations", "for", "keep_firing_for")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRule:
    """A rule as it stands in the file. Exactly one of `record` and `alert` is set where the file has no error there.

    number: its place in the group, from 1. path: in the file's tree. where: group and rule as messages name them.
    """

    path: Path
    number: int
    where: str
    record: str
    alert: str
    expr: str
    for_s: float | None
    keep_firing_for_s: float | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        """Of the alert or of the recorded metric."""
        return self.alert or self.record


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenGroup:
    """A group as it stands in the file; interval_s and query_offset_s are None where the defaults apply."""

    path: Path
    name: str
    interval_s: float | None
    query_offset_s: float | None
    limit: int
    labels: Mapping[str, str]
    rules: tuple[WrittenRule, ...] = field(default=())


def read_groups(fields: Fields) -> list[WrittenGroup]:
    """The groups of a file; what is wrong is told to `fields`, and the rest is still read."""
    fields.mapping((), "a rule file", ("groups",))
    groups = []
    seen: set[str] = set()
    for path in fields.items(("groups",), "groups"):
        group = _group(fields, path)
        if not group.name:
            fields.error(path, "Groupname must not be empty")
        elif group.name in seen:
            fields.error((*path, "name"), f'groupname: "{group.name}" is repeated in the same file')
        seen.add(group.name)
        groups.append(group)
    return groups


def _group(fields: Fields, path: Path) -> WrittenGroup:
    name = fields.text((*path, "name"))
    fields.where = f'group "{name}"'
    fields.mapping(path, "a rule group", GROUP_FIELDS)
    labels = fields.texts((*path, "labels"))
    _check_labels(fields, (*path, "labels"), labels, "label")
    interval = fields.seconds((*path, "interval"))
    group = WrittenGroup(
        path=path,
        name=name,
        interval_s=interval or None,
        query_offset_s=fields.seconds((*path, "query_offset")),
        limit=fields.count((*path, "limit")),
        labels=labels,
        rules=tuple(
            _rule(fields, rule_path, name, number)
            for number, rule_path in enumerate(fields.items((*path, "rules"), "rules"), start=1)
        ),
    )
    fields.where = ""
    return group


def _rule(fields: Fields, path: Path, group: str, number: int) -> WrittenRule:
    value: Any = fields.at(path)
    written = value if isinstance(value, dict) else {}
    record, alert = (fields.text((*path, kind)) if kind in written else "" for kind in ("record", "alert"))
    outer, fields.where = fields.where, f'group "{group}", rule {number}, "{alert or record}"'
    fields.mapping(path, "a rule", RULE_FIELDS)
    rule = WrittenRule(
        path=path,
        number=number,
        where=fields.where,
        record=record,
        alert=alert,
        expr=fields.text((*path, "expr")),
        for_s=fields.seconds((*path, "for")),
        keep_firing_for_s=fields.seconds((*path, "keep_firing_for")),
        labels=fields.texts((*path, "labels")),
        annotations=fields.texts((*path, "annotations")),
    )
    _check_rule(fields, rule)
    fields.where = outer
    return rule


def _check_rule(fields: Fields, rule: WrittenRule) -> None:
    """promtool's checks of one rule, in its words."""
    path = rule.path
    if rule.record and rule.alert:
        fields.error((*path, "alert"), "only one of 'record' and 'alert' must be set")
    elif not rule.record and not rule.alert:
        fields.error(path, "one of 'record' or 'alert' must be set")
    if not rule.expr.strip():
        fields.error((*path, "expr"), "field 'expr' must be set in rule")
    if rule.record:
        for name in _ALERT_ONLY:
            if fields.at((*path, name)):
                fields.error((*path, name), f"invalid field '{name}' in recording rule", of_key=True)
        if not is_metric_name(rule.record):
            fields.error((*path, "record"), f"invalid recording rule name: {rule.record}")
    _check_labels(fields, (*path, "labels"), rule.labels, "label")
    _check_labels(fields, (*path, "annotations"), rule.annotations, "annotation")


def _check_labels(fields: Fields, path: Path, labels: Mapping[str, str], what: str) -> None:
    for name in labels:
        if not is_label_name(name):
            fields.error((*path, name), f"invalid {what} name: {name}", of_key=True)
