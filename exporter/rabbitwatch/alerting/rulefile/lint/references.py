"""Labels that a template names and the expression's result cannot have: they render as nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject
from rabbitwatch.alerting.rulefile.names import did_you_mean, nearest
from rabbitwatch.promql.analysis import Carried, labels_of
from rabbitwatch.promql.nodes import Aggregate, Binary, Node, Parsed, Selector, walk

_MADE_BY_SCRAPES = frozenset({"job", "instance"})
_COMMON = frozenset({"job", "instance", "cluster", "node", "vhost", "queue"})
_SURELY_A_TYPO = 0.85


def template_labels(subject: Subject) -> Iterator[Remark]:
    """Each label of a template that is aggregated away, that no family has, or that is a slip of the pen."""
    if not subject.is_alert or subject.root is None:
        return
    carried = labels_of(Parsed(subject.rule.expr, subject.root), lambda name: _family_labels(subject, name))
    vocabulary = _COMMON | _mentioned(subject.root)
    for (kind, name), template in subject.templates.items():
        for label, position in template.label_positions.items():
            message = _wrong(label, carried, vocabulary, subject)
            if message:
                of_group = kind == "labels" and name not in subject.rule.labels
                yield Remark("alert" if of_group else (kind, name), message, inside=None if of_group else position)


def _wrong(label: str, carried: Carried, vocabulary: frozenset[str], subject: Subject) -> str:
    if not carried.cannot_have(label):
        near = None if label in vocabulary else nearest(label, vocabulary, _SURELY_A_TYPO)
        return f"$labels.{label} is probably empty; did you mean $labels.{near}?" if near else ""
    if label in subject.rule.labels or label in subject.group_labels or label == "alertname":
        return f"$labels.{label} is empty here: templates see the expression's labels, not those that the rule adds"
    known = sorted(carried.only - {"__name__"}) if carried.only is not None else sorted(vocabulary - {label})
    hint = did_you_mean(label, known) or (f"; it has {', '.join(known)}" if carried.only is not None and known else "")
    return f"$labels.{label} is always empty: the expression's result has no such label{hint}"


def _family_labels(subject: Subject, metric: str) -> frozenset[str] | None:
    labels = (subject.surroundings.families or {}).get(metric)
    return None if labels is None else frozenset(labels) | _MADE_BY_SCRAPES


def _mentioned(root: Node) -> frozenset[str]:
    """Labels that the expression itself names: in matchers, groupings and matchings."""
    found: set[str] = set()
    for node in walk(root):
        match node:
            case Selector():
                found.update(matcher.name for matcher in node.matchers)
            case Aggregate():
                found.update(node.grouping.labels)
            case Binary():
                found.update(node.matching.labels, node.matching.include)
    return frozenset(found - {"__name__"})
