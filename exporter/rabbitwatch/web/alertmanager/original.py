"""The routing part of the configuration as an alertmanager.yml, for /status: `amtool config routes` reads it.

Receivers have their names only: what is behind a name holds addresses and secrets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from rabbitwatch.config.durations import format_duration
from rabbitwatch.config.matchers import Matchers
from rabbitwatch.config.models import Config
from rabbitwatch.config.notices import InhibitRuleConfig, RouteConfig


def original(config: Config) -> str:
    """The YAML text; one with an empty route where none is configured."""
    found: dict[str, Any] = {"route": _route(config.route) if config.route else {"receiver": "nobody"}}
    if config.inhibit_rules:
        found["inhibit_rules"] = [_inhibit_rule(rule) for rule in config.inhibit_rules]
    found["receivers"] = [{"name": receiver.name} for receiver in config.receivers] or [{"name": "nobody"}]
    if config.time_intervals:
        found["time_intervals"] = [
            interval.model_dump(mode="json", exclude_defaults=True) for interval in config.time_intervals
        ]
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True)


def _route(route: RouteConfig) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "receiver": route.receiver,
        "group_by": list(route.group_by or ()),
        "matchers": _texts(route.matchers),
        "match": dict(route.match),
        "match_re": dict(route.match_re),
        "continue": route.continue_,
        "mute_time_intervals": list(route.mute_time_intervals),
        "active_time_intervals": list(route.active_time_intervals),
    }
    for name in ("group_wait", "group_interval", "repeat_interval"):
        seconds = getattr(route, name)
        if seconds is not None:
            plain[name] = format_duration(seconds)
    plain["routes"] = [_route(child) for child in route.routes]
    return {name: value for name, value in plain.items() if value}


def _inhibit_rule(rule: InhibitRuleConfig) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "source_matchers": _texts(rule.source_matchers),
        "source_match": dict(rule.source_match),
        "source_match_re": dict(rule.source_match_re),
        "target_matchers": _texts(rule.target_matchers),
        "target_match": dict(rule.target_match),
        "target_match_re": dict(rule.target_match_re),
        "equal": list(rule.equal),
    }
    return {name: value for name, value in plain.items() if value}


def _texts(matchers: Matchers) -> list[str]:
    return [str(matcher) for matcher in matchers]


def receivers(config: Config) -> Iterable[str]:
    """Their names, in the order of the file."""
    return [receiver.name for receiver in config.receivers]
