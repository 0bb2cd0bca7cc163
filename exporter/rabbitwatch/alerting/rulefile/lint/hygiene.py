"""What an alert lacks that whoever is woken by it needs."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject


def bare_alerts(subject: Subject) -> Iterator[Remark]:
    """No severity: nothing can route it. No summary: the notice says nothing but a name."""
    rule = subject.rule
    if not subject.is_alert:
        return
    if "severity" not in rule.labels and "severity" not in subject.group_labels:
        yield Remark("alert", "has no label 'severity': routes and inhibitions go by it")
    if not any(rule.annotations.get(name, "").strip() for name in ("summary", "description", "message")):
        yield Remark("alert", "has no annotation 'summary': its notice would say nothing but the name")
