"""/rules and /alerts, from what the last evaluation left.

Beside Prometheus' fields an alert that is held only because its data cannot be had carries `blindSince`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rabbitwatch.alerting.alert import Alert
from rabbitwatch.alerting.evaluate.status import GroupStatus, RuleStatus
from rabbitwatch.alerting.rulefile.model import AlertingRule, RecordingRule
from rabbitwatch.promql.labels import Matchers
from rabbitwatch.web.prometheus.encoding import moment, scientific
from rabbitwatch.web.prometheus.params import Params
from rabbitwatch.web.prometheus.ports import RulesView
from rabbitwatch.web.prometheus.reply import Answer, bad_parameter

_TYPES = ("", "alert", "record")


class Rules:
    """Answers from the evaluator's view."""

    def __init__(self, view: RulesView) -> None:
        self._view = view

    def rules(self, params: Params) -> Answer:
        """/rules, with the filters of Prometheus."""
        kind = params.text("type").lower()
        if kind not in _TYPES:
            raise bad_parameter("type", f'not supported value "{params.text("type")}"')
        files, groups, names = (frozenset(params.all(f"{each}[]")) for each in ("file", "rule_group", "rule_name"))
        selectors = params.selectors()
        bare = _truth(params, "exclude_alerts")
        shown = []
        for group in self._view.status():
            if (files and group.group.file not in files) or (groups and group.group.name not in groups):
                continue
            rules = [
                _rule(each, bare=bare)
                for each in group.rules
                if _wanted(each, kind, names) and _labelled(each, selectors)
            ]
            # a filter by rule leaves groups out that have nothing to show; one by type does not, as in Prometheus
            if rules or not (names or selectors):
                shown.append(_group(group, rules))
        return Answer({"groups": shown})

    def alerts(self, _: Params) -> Answer:
        """/alerts: what is pending or firing."""
        active = [alert for group in self._view.status() for rule in group.rules for alert in rule.alerts]
        return Answer({"alerts": [_alert(alert) for alert in active]})


def _truth(params: Params, name: str) -> bool:
    text = params.text(name)
    if text in ("", "0", "f", "F", "false", "False", "FALSE"):
        return False
    if text in ("1", "t", "T", "true", "True", "TRUE"):
        return True
    raise bad_parameter(name, f'"{text}" is neither true nor false')


def _wanted(status: RuleStatus, kind: str, names: frozenset[str]) -> bool:
    is_alert = isinstance(status.rule, AlertingRule)
    return (not kind or (kind == "alert") == is_alert) and (not names or status.rule.name in names)


def _labelled(status: RuleStatus, selectors: Sequence[Matchers]) -> bool:
    if not selectors:
        return True
    labels = _labels(status)
    return any(all(m.matches(labels.get(m.name, "")) for m in matchers) for matchers in selectors)


def _labels(status: RuleStatus) -> dict[str, str]:
    if isinstance(status.rule, RecordingRule):
        return dict(sorted(status.rule.labels.items()))
    return {name: template.text for name, template in sorted(status.rule.labels.items())}


def _group(status: GroupStatus, rules: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": status.group.name,
        "file": status.group.file,
        "rules": list(rules),
        "interval": status.interval_s,
        "limit": status.group.limit,
        "evaluationTime": status.duration_s,
        "lastEvaluation": moment(status.last_evaluation),
    }


def _rule(status: RuleStatus, *, bare: bool) -> dict[str, Any]:
    rule = status.rule
    shared = {
        "name": rule.name,
        "query": rule.expr.text,
        "labels": _labels(status),
        "health": status.health.value,
        "evaluationTime": status.duration_s,
        "lastEvaluation": moment(status.last_evaluation),
    }
    if status.last_error:
        shared["lastError"] = status.last_error
    if isinstance(rule, RecordingRule):
        return {**shared, "type": "recording"}
    return {
        **shared,
        "type": "alerting",
        "state": status.state.value,
        "duration": rule.for_s,
        "keepFiringFor": rule.keep_firing_for_s,
        "annotations": {name: template.text for name, template in sorted(rule.annotations.items())},
        "alerts": [] if bare else [_alert(alert) for alert in status.alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "labels": alert.labels.as_dict(),
        "annotations": dict(sorted(alert.annotations.items())),
        "state": alert.state.value,
        "activeAt": moment(alert.active_at),
        "value": scientific(alert.value),
    }
    if alert.keep_firing_since is not None:
        shown["keepFiringSince"] = moment(alert.keep_firing_since)
    if alert.blind_since is not None:
        shown["blindSince"] = moment(alert.blind_since)
    return shown
