"""Fields of a rule that were written one level too deep, where they become labels and do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.rulefile.findings import Level
from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject

_DELAYS = {"for": "a label, not a delay", "keep_firing_for": "a label, and keeps nothing firing"}
_FIELDS = {"expr", "alert", "record", "annotations", "labels"}
_PROSE = {"summary", "description", "runbook", "runbook_url", "message"}


def misplaced_fields(subject: Subject) -> Iterator[Remark]:
    """`for` under labels has been shipped in real rule packs: the alert then fires at once."""
    rule = subject.rule
    for name, below in [("labels", key) for key in rule.labels] + [("annotations", key) for key in rule.annotations]:
        at = (name, below)
        if below in _DELAYS:
            what = _DELAYS[below] if name == "labels" else "an annotation, not a delay"
            text = f"'{below}' under {name} is {what}: move it out, beside 'expr'"
            yield Remark(at, text, Level.ERROR, of_key=True)
        elif below in _FIELDS:
            text = f"'{below}' under {name} is a field of the rule: move it out, beside 'expr'"
            yield Remark(at, text, Level.ERROR, of_key=True)
        elif name == "annotations" and below == "severity":
            yield Remark(at, "'severity' under annotations routes nothing: move it under labels", of_key=True)
        elif name == "labels" and below in _PROSE and subject.is_alert:
            text = f"'{below}' under labels makes a new alert whenever its text changes: move it under annotations"
            yield Remark(at, text, of_key=True)
