"""From rules as written to rules that can be evaluated: expressions and templates are parsed, mistakes get a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.alerting.rulefile.fields import Fields
from rabbitwatch.alerting.rulefile.findings import Level
from rabbitwatch.alerting.rulefile.inputs import needed
from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject, Surroundings
from rabbitwatch.alerting.rulefile.lint.table import CHECKS
from rabbitwatch.alerting.rulefile.model import AlertingRule, Group, RecordingRule, Rule
from rabbitwatch.alerting.rulefile.reading import WrittenGroup, WrittenRule
from rabbitwatch.alerting.templates import Template
from rabbitwatch.config.yamltree import Path
from rabbitwatch.errors import Place, QueryError, RuleError, TemplateError
from rabbitwatch.promql.nodes import Node, Parsed, ValueType
from rabbitwatch.promql.parse import parse


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule whose parts are parsed, as far as they can be."""

    written: WrittenRule
    group: WrittenGroup
    expr: Parsed | None
    templates: Mapping[tuple[str, str], Template]


def draft_rules(fields: Fields, group: WrittenGroup) -> list[Draft]:
    """Parse a group's expressions and templates; what does not parse is told to `fields`."""
    drafts = []
    for rule in group.rules:
        fields.where = rule.where
        templates: dict[tuple[str, str], Template] = {}
        if rule.alert:
            templates |= _templates(fields, group.path, rule.alert, "labels", group.labels)
            templates |= _templates(fields, rule.path, rule.alert, "labels", rule.labels)
            templates |= _templates(fields, rule.path, rule.alert, "annotations", rule.annotations)
        drafts.append(Draft(rule, group, _expression(fields, rule), templates))
    fields.where = ""
    return drafts


def lint(fields: Fields, drafts: Sequence[Draft], surroundings: Surroundings, noted: set[str]) -> None:
    """Run every check on every rule; remarks become findings of `fields`. `noted` holds the notes told before in this
    file: once is enough."""
    for draft in drafts:
        rule = draft.written
        fields.where = rule.where
        subject = Subject(
            rule=rule,
            group_labels=draft.group.labels,
            root=draft.expr.root if draft.expr else None,
            templates=draft.templates,
            surroundings=surroundings,
        )
        for check in CHECKS:
            for remark in check(subject):
                if remark.level is Level.NOTE and remark.message in noted:
                    continue
                noted.add(remark.message)
                fields.tell(remark.level, _place(fields, rule, remark), remark.message)
    fields.where = ""


def finish(fields: Fields, group: WrittenGroup, key: str, drafts: Sequence[Draft], recorded: Recorded) -> Group:
    """The group, ready to be evaluated; only for drafts without errors."""
    return Group(
        key=key,
        name=group.name,
        file=fields.tree.file,
        interval_s=group.interval_s,
        query_offset_s=group.query_offset_s,
        limit=group.limit,
        rules=tuple(_rule(draft, fields.tree.place(draft.written.path), recorded) for draft in drafts),
    )


Recorded = Mapping[str, tuple[Node, ...]]


def recordings(drafts: Sequence[Draft]) -> dict[str, tuple[Node, ...]]:
    """The expressions behind each recorded name."""
    found: dict[str, tuple[Node, ...]] = {}
    for draft in drafts:
        if draft.written.record and draft.expr is not None:
            found[draft.written.record] = (*found.get(draft.written.record, ()), draft.expr.root)
    return found


def _rule(draft: Draft, place: Place, recorded: Recorded) -> Rule:
    rule, expr = draft.written, draft.expr
    if expr is None:
        raise RuleError("a rule without expression cannot be used", place)
    if rule.record:
        return RecordingRule(name=rule.record, expr=expr, labels={**draft.group.labels, **rule.labels}, place=place)
    return AlertingRule(
        name=rule.alert,
        expr=expr,
        for_s=rule.for_s or 0.0,
        keep_firing_for_s=rule.keep_firing_for_s or 0.0,
        labels={name: template for (kind, name), template in draft.templates.items() if kind == "labels"},
        annotations={name: template for (kind, name), template in draft.templates.items() if kind == "annotations"},
        inputs=needed(expr.root, recorded),
        place=place,
    )


def _expression(fields: Fields, rule: WrittenRule) -> Parsed | None:
    path = (*rule.path, "expr")
    if not rule.expr.strip():
        return None
    try:
        parsed = parse(rule.expr)
    except QueryError as error:
        fields.error(path, f"could not parse expression: {error.message}")
        return None
    if parsed.type not in (ValueType.VECTOR, ValueType.SCALAR):
        fields.error(path, f"could not parse expression: it gives a {parsed.type}, a rule needs a vector or a scalar")
        return None
    return parsed


def _templates(
    fields: Fields, path: Path, alert: str, kind: str, texts: Mapping[str, str]
) -> dict[tuple[str, str], Template]:
    """The templates that parse; the others are errors in promtool's words."""
    found = {}
    word = kind.removesuffix("s")
    for name, text in texts.items():
        at = (*path, kind, name)
        try:
            found[kind, name] = template = Template.parse(f"__alert_{alert}", text)
        except TemplateError as error:
            place = fields.inside(at, error.line or 1, error.column or 1)
            fields.tell(Level.ERROR, place, f'{word} "{name}": {error.message}')
            continue
        for query, (line, column) in template.query_positions.items():
            try:
                parse(query)
            except QueryError as error:
                fields.tell(Level.ERROR, fields.inside(at, line, column), f'{word} "{name}": query: {error.message}')
    return found


def _place(fields: Fields, rule: WrittenRule, remark: Remark) -> Place:
    at = (remark.at,) if isinstance(remark.at, str) else remark.at
    path = (*rule.path, *at)
    if remark.inside is not None:
        return fields.inside(path, *remark.inside)
    return fields.tree.place(path, of_key=remark.of_key)
