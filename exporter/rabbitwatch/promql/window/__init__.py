"""The in-memory series that rules, queries and pages read: the last poll always, history where somebody needs it."""

from rabbitwatch.promql.window.catalogue import label_names, label_values, series
from rabbitwatch.promql.window.history import RuleStretch, Stretch
from rabbitwatch.promql.window.needs import requirements
from rabbitwatch.promql.window.retention import DEFAULT_BUDGET, Requirement
from rabbitwatch.promql.window.snapshot import Snapshot
from rabbitwatch.promql.window.window import Stats, Window

__all__ = [
    "DEFAULT_BUDGET",
    "Requirement",
    "RuleStretch",
    "Snapshot",
    "Stats",
    "Stretch",
    "Window",
    "label_names",
    "label_values",
    "requirements",
    "series",
]
