"""Which alerts are not told because another that fires explains them: Alertmanager's inhibit_rules.

A label that an alert lacks counts as empty. An alert that matches both sides of a rule is not inhibited by another that
does too, so that no alert inhibits itself and no two inhibit each other by one rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.config.matchers import Matchers, Operator, match_all
from rabbitwatch.config.models import Config
from rabbitwatch.config.notices import InhibitRuleConfig
from rabbitwatch.model.notice import OutAlert

_NAME = "alertname"
Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """One rule. name: of the file, or `inhibit_rules[2]`."""

    name: str
    sources: Matchers
    targets: Matchers
    equal: tuple[str, ...]

    def values(self, labels: Mapping[str, str]) -> Values:
        """Those that must be equal on both sides."""
        return tuple(labels.get(name, "") for name in self.equal)


@dataclass(frozen=True, slots=True)
class Inhibited:
    """Why an alert is kept quiet: the rule, and an alert that fires and inhibits it."""

    rule: InhibitRule
    source: OutAlert


class Inhibitor:
    """The rules of one configuration. Never changes; safe from any thread."""

    def __init__(self, configs: Iterable[InhibitRuleConfig]) -> None:
        self.rules: Sequence[InhibitRule] = [
            InhibitRule(config.name or f"inhibit_rules[{index}]", config.sources, config.targets, config.equal)
            for index, config in enumerate(configs)
        ]
        self._by_source = _Shelf(self.rules, [rule.sources for rule in self.rules])
        self._by_target = _Shelf(self.rules, [rule.targets for rule in self.rules])

    @classmethod
    def of(cls, config: Config) -> Inhibitor:
        """From a configuration that loading has finished: it puts the shipped rules where the file has none."""
        return cls(config.inhibit_rules or ())

    def over(self, alerts: Iterable[OutAlert]) -> Inhibition:
        """What these alerts inhibit, as one snapshot; resolved ones among them inhibit nothing."""
        found: dict[int, dict[Values, _Sources]] = {}
        for alert in sorted((each for each in alerts if not each.resolved), key=lambda each: each.fingerprint):
            for index in self._by_source.candidates(alert.labels):
                rule = self.rules[index]
                if match_all(rule.sources, alert.labels):
                    sources = found.setdefault(index, {}).setdefault(rule.values(alert.labels), _Sources())
                    sources.add(alert, both=match_all(rule.targets, alert.labels))
        return Inhibition(self, found)

    def aimed_at(self, labels: Mapping[str, str]) -> Sequence[int]:
        """The indices of the rules whose targets may match, in order."""
        return self._by_target.candidates(labels)


@dataclass(slots=True)
class _Sources:
    """Of all alerts that inhibit by one rule with equal labels, the two that are enough to know: the first, and the
    first that the rule's targets do not match."""

    any: OutAlert | None = None
    one_sided: OutAlert | None = None

    def add(self, alert: OutAlert, *, both: bool) -> None:
        self.any = self.any or alert
        if not both:
            self.one_sided = self.one_sided or alert


class Inhibition:
    """What the alerts of one moment inhibit. Made by Inhibitor.over; never changes."""

    def __init__(self, inhibitor: Inhibitor, found: Mapping[int, Mapping[Values, _Sources]]) -> None:
        self._inhibitor = inhibitor
        self._found = found

    def inhibited_by(self, labels: Mapping[str, str]) -> Sequence[str]:
        """Fingerprints of alerts that inhibit one with these labels, one for each rule that does; empty: none."""
        return list(dict.fromkeys(each.source.fingerprint for each in self.reasons(labels)))

    def reasons(self, labels: Mapping[str, str]) -> Sequence[Inhibited]:
        """The same with the rules, in their order."""
        found = []
        for index in self._inhibitor.aimed_at(labels) if self._found else ():
            rule = self._inhibitor.rules[index]
            sources = self._found[index].get(rule.values(labels)) if index in self._found else None
            if sources is not None and match_all(rule.targets, labels):
                source = sources.one_sided if match_all(rule.sources, labels) else sources.any
                if source is not None:
                    found.append(Inhibited(rule, source))
        return found


class _Shelf:
    """Rules by the alert name that they ask for, so that an alert is not held against all of them."""

    def __init__(self, rules: Sequence[InhibitRule], sides: Sequence[Matchers]) -> None:
        wanted = [_names(side) for side in sides]
        named = {name for names in wanted if names is not None for name in names}
        self._named = {
            name: [i for i in range(len(rules)) if (names := wanted[i]) is None or name in names] for name in named
        }
        self._others = [i for i, names in enumerate(wanted) if names is None]

    def candidates(self, labels: Mapping[str, str]) -> Sequence[int]:
        """Indices of the rules that may match, in order."""
        return self._named.get(labels.get(_NAME, ""), self._others)


def _names(matchers: Matchers) -> frozenset[str] | None:
    """The alert names that these matchers can match, where they say so by equality; None where they do not."""
    said = [frozenset({each.value}) for each in matchers if each.name == _NAME and each.operator is Operator.EQUAL]
    return frozenset.intersection(*said) if said else None
