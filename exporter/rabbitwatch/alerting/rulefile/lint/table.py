"""All checks, in the order in which their remarks are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rabbitwatch.alerting.rulefile.lint.expressions import always_firing, decided_comparisons, short_ranges
from rabbitwatch.alerting.rulefile.lint.hygiene import bare_alerts
from rabbitwatch.alerting.rulefile.lint.metrics import unknown_labels, unknown_metrics
from rabbitwatch.alerting.rulefile.lint.placement import misplaced_fields
from rabbitwatch.alerting.rulefile.lint.references import template_labels
from rabbitwatch.alerting.rulefile.lint.subject import Remark, Subject

Check = Callable[[Subject], Iterator[Remark]]

CHECKS: tuple[Check, ...] = (
    misplaced_fields,
    unknown_metrics,
    unknown_labels,
    template_labels,
    always_firing,
    decided_comparisons,
    short_ranges,
    bare_alerts,
)
