"""The shape of what decides who is told: Alertmanager's sections, and what the agent adds to them.

Key names, defaults and meaning are Alertmanager's (its docs/configuration.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from rabbitwatch.config.addresses import check_address
from rabbitwatch.config.durations import Duration, PositiveDuration
from rabbitwatch.config.matchers import Matcher, MatcherList, Matchers, Operator, ordered
from rabbitwatch.config.patterns import Pattern
from rabbitwatch.config.strict import Strict
from rabbitwatch.config.trust import TlsConfig


def _text(value: Any) -> Any:
    return str(value) if type(value) is int else value


LabelValue = Annotated[str, BeforeValidator(_text)]
"""A number needs no quotes, as in Alertmanager."""
Regex = Annotated[Pattern, BeforeValidator(_text)]


class RouteConfig(Strict):
    """A node of the route tree. What is None is taken from the node above; the root's defaults are in notify/routing.
    match, match_re: Alertmanager's old spelling of matchers."""

    receiver: str | None = None
    group_by: tuple[str, ...] | None = None
    matchers: MatcherList = ()
    match: dict[str, LabelValue] = Field(default_factory=dict)
    match_re: dict[str, Regex] = Field(default_factory=dict)
    continue_: Annotated[bool, Field(alias="continue")] = False
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Duration | None = None
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[RouteConfig, ...] = ()

    @property
    def all_matchers(self) -> Matchers:
        """Of all three spellings, in Alertmanager's order."""
        return _merged(self.matchers, self.match, self.match_re)


class InhibitRuleConfig(Strict):
    """While an alert that source_matchers match fires, those that target_matchers match and that have equal values of
    the labels in `equal` are not told."""

    name: str = ""
    source_matchers: MatcherList = ()
    source_match: dict[str, LabelValue] = Field(default_factory=dict)
    source_match_re: dict[str, Regex] = Field(default_factory=dict)
    target_matchers: MatcherList = ()
    target_match: dict[str, LabelValue] = Field(default_factory=dict)
    target_match_re: dict[str, Regex] = Field(default_factory=dict)
    equal: tuple[str, ...] = ()

    @property
    def sources(self) -> Matchers:
        """Of all three spellings."""
        return _merged(self.source_matchers, self.source_match, self.source_match_re)

    @property
    def targets(self) -> Matchers:
        """Of all three spellings."""
        return _merged(self.target_matchers, self.target_match, self.target_match_re)


class AlertmanagerConfig(Strict):
    """An Alertmanager that alerts are handed to. Its address alone, or a mapping with these keys."""

    url: str
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    timeout: PositiveDuration = 10.0
    tls: TlsConfig = TlsConfig()

    @model_validator(mode="before")
    @classmethod
    def _address_alone(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        return check_address(value, "http://alertmanager:9093")


class PeerConfig(Strict):
    """The other agent on the same clusters. position: 0 sends first, 1 waits `wait` seconds and looks whether 0 has
    sent. One of each must be given to the two agents."""

    url: str
    position: Annotated[int, Field(ge=0, le=1)]
    wait: Duration = 15.0
    timeout: PositiveDuration = 5.0
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    tls: TlsConfig = TlsConfig()

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        return check_address(value, "http://other-agent:9419")


class NotifyConfig(Strict):
    """What Alertmanager has no key for. external_url: where people reach this agent's pages, for links.
    alertmanager_file: take route, receivers, inhibit_rules and time_intervals from this alertmanager.yml instead.
    templates: Jinja2 files whose macros receivers' texts may call. retention: of the delivery log and ended
    silences."""

    external_url: str | None = None
    alertmanager_file: Path | None = None
    templates: tuple[Path, ...] = ()
    peer: PeerConfig | None = None
    retention: Duration = 432_000.0

    @field_validator("external_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        return None if value is None else check_address(value, "https://rabbitwatch.example.org")


def _merged(matchers: Matchers, match: dict[str, LabelValue], match_re: dict[str, str]) -> Matchers:
    """Alertmanager anchors a regex of the old spelling in its text, which then is part of the group's key."""
    old = [Matcher(name, Operator.EQUAL, value) for name, value in match.items()]
    old += [Matcher(name, Operator.MATCHES, f"^(?:{value})$") for name, value in match_re.items()]
    return ordered([*matchers, *old])
