"""The shipped inhibit_rules, which hold where a configuration has none."""

from __future__ import annotations

from functools import cache

from rabbitwatch.assets import shipped
from rabbitwatch.config.notices import InhibitRuleConfig
from rabbitwatch.config.reading import read
from rabbitwatch.config.strict import Strict


class _File(Strict):
    inhibit_rules: tuple[InhibitRuleConfig, ...]


@cache
def shipped_inhibit_rules() -> tuple[InhibitRuleConfig, ...]:
    """Those of rules/alertmanager/inhibit_rules.yml."""
    file, _ = read(shipped("rules") / "alertmanager" / "inhibit_rules.yml", _File)
    return file.inhibit_rules
