"""Inhibition means what Alertmanager's means, whatever the rules and the alerts are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rabbitwatch.config.inhibitions import shipped_inhibit_rules
from rabbitwatch.config.matchers import match_all
from rabbitwatch.config.notices import InhibitRuleConfig
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.inhibition import Inhibitor


def alert(*, ended: bool = False, **labels: str) -> OutAlert:
    return OutAlert(labels=labels, annotations={}, starts_at=0.0, ends_at=1.0 if ended else None, updated_at=0.0)


def inhibitor(*rules: dict[str, Any]) -> Inhibitor:
    return Inhibitor(InhibitRuleConfig.model_validate(rule) for rule in rules)


DOWN = {"source_matchers": ["alertname=Down"], "target_matchers": ["severity=~warning|info"], "equal": ["cluster"]}


def test_a_source_keeps_targets_with_equal_labels_quiet() -> None:
    source = alert(alertname="Down", cluster="a")
    over = inhibitor(DOWN).over([source])
    assert over.inhibited_by({"severity": "warning", "cluster": "a"}) == [source.fingerprint]
    assert over.inhibited_by({"severity": "warning", "cluster": "b"}) == []
    assert over.inhibited_by({"severity": "critical", "cluster": "a"}) == []


def test_a_label_that_is_missing_is_empty() -> None:
    source = alert(alertname="Down")
    over = inhibitor(DOWN).over([source])
    assert over.inhibited_by({"severity": "info"}) == [source.fingerprint]
    assert over.inhibited_by({"severity": "info", "cluster": ""}) == [source.fingerprint]
    assert over.inhibited_by({"severity": "info", "cluster": "a"}) == []


def test_what_has_ended_inhibits_nothing() -> None:
    over = inhibitor(DOWN).over([alert(alertname="Down", cluster="a", ended=True)])
    assert over.inhibited_by({"severity": "info", "cluster": "a"}) == []


def test_what_matches_both_sides_is_not_inhibited_by_another_such() -> None:
    rules = inhibitor(DOWN)
    both = alert(alertname="Down", severity="warning", cluster="a")
    other = alert(alertname="Down", severity="info", cluster="a")
    one_sided = alert(alertname="Down", severity="critical", cluster="a")
    assert rules.over([both, other]).inhibited_by(both.labels) == []
    assert rules.over([both, other, one_sided]).inhibited_by(both.labels) == [one_sided.fingerprint]
    only_target = {"alertname": "Slow", "severity": "info", "cluster": "a"}
    assert rules.over([both]).inhibited_by(only_target) == [both.fingerprint]


def test_each_rule_that_applies_names_one_source() -> None:
    rules = inhibitor(DOWN, {**DOWN, "name": "again", "equal": []})
    sources = [alert(alertname="Down", cluster=name) for name in "abc"]
    reasons = rules.over(sources).reasons({"severity": "info", "cluster": "b"})
    assert [each.rule.name for each in reasons] == ["inhibit_rules[0]", "again"]
    assert reasons[0].source is sources[1]


def test_old_spellings_are_understood() -> None:
    rule = {"source_match": {"alertname": "Down"}, "target_match_re": {"queue": "a.*"}, "target_match": {"severity": 1}}
    over = inhibitor(rule).over([alert(alertname="Down")])
    assert over.inhibited_by({"queue": "ab", "severity": "1"})
    assert not over.inhibited_by({"queue": "ba", "severity": "1"})


def test_the_shipped_rules_hold_where_a_file_has_none() -> None:
    over = Inhibitor(shipped_inhibit_rules()).over([alert(alertname="RabbitMQMemoryAlarm", cluster="a", node="n")])
    assert over.inhibited_by({"alertname": "RabbitMQMemoryHigh", "cluster": "a", "node": "n"})
    assert not over.inhibited_by({"alertname": "RabbitMQMemoryHigh", "cluster": "a", "node": "m"})


NAMES = st.sampled_from(["alertname", "a", "b"])
VALUES = st.sampled_from(["", "x", "y"])
MATCHERS = st.lists(
    st.builds('{}{}"{}"'.format, NAMES, st.sampled_from(["=", "=", "!=", "=~"]), VALUES), min_size=1, max_size=3
)
RULES = st.lists(
    st.fixed_dictionaries(
        {"source_matchers": MATCHERS, "target_matchers": MATCHERS, "equal": st.lists(NAMES, unique=True, max_size=2)}
    ),
    max_size=4,
)
LABELS = st.dictionaries(NAMES, VALUES)


def naive(rule: InhibitRuleConfig, labels: dict[str, str], firing: Sequence[OutAlert]) -> list[str]:
    """As Alertmanager's documentation says it, with no index."""
    if not match_all(rule.targets, labels):
        return []
    both = match_all(rule.sources, labels)
    return [
        source.fingerprint
        for source in firing
        if match_all(rule.sources, source.labels)
        and all(source.labels.get(name, "") == labels.get(name, "") for name in rule.equal)
        and not (both and match_all(rule.targets, source.labels))
    ]


@settings(max_examples=300, deadline=None)
@given(RULES, st.lists(LABELS, max_size=6), LABELS)
def test_any_rules_over_any_alerts(
    rules: list[dict[str, Any]], sources: list[dict[str, str]], labels: dict[str, str]
) -> None:
    configs = [InhibitRuleConfig.model_validate(rule) for rule in rules]
    firing = [alert(**each) for each in sources]
    found = Inhibitor(configs).over(firing).reasons(labels)
    expected = {index: naive(config, labels, firing) for index, config in enumerate(configs)}
    assert [each.rule.name for each in found] == [f"inhibit_rules[{i}]" for i, fps in expected.items() if fps]
    for each in found:
        index = int(each.rule.name.removeprefix("inhibit_rules[").removesuffix("]"))
        assert each.source.fingerprint in expected[index]
