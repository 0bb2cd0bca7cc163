"""The shape of the configuration file; every default that a user sees stands here.

Durations are seconds once loaded. Secrets are SecretStr, so that no log or error prints them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.addresses import check_address, parse_listen
from rabbitwatch.config.durations import Duration
from rabbitwatch.config.intervals import TimeIntervalConfig
from rabbitwatch.config.notices import (
    AlertmanagerConfig,
    InhibitRuleConfig,
    NotifyConfig,
    RouteConfig,
)
from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.receivers import ReceiverConfig
from rabbitwatch.config.selection import Selection
from rabbitwatch.config.strict import Strict
from rabbitwatch.config.trust import TlsConfig


class NodeConfig(Strict):
    """One node of a cluster. diagnostics: the command and its prefix; None uses the default, [] switches it off."""

    url: str
    name: str | None = None
    type: Literal["disc", "ram"] | None = None
    cookie_file: Path | None = None
    diagnostics: tuple[str, ...] | None = None
    plugin_url: str | None = None

    @field_validator("url", "plugin_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        return None if value is None else check_address(value, "http://rabbit1:15672")


class QueueSelection(Selection):
    """limit: how many queues get series of their own; the deepest and all unhealthy ones are kept."""

    limit: Annotated[int, Field(ge=0)] = 2000


class DeclaredPolicy(Strict):
    """A policy as it should be; what differs from it on the broker is drift."""

    vhost: str = "/"
    name: str
    pattern: str
    apply_to: Literal["all", "queues", "exchanges", "classic_queues", "quorum_queues", "streams"] = "all"
    priority: int = 0
    definition: dict[str, Any]
    operator: bool = False


class ClusterConfig(Strict):
    """One cluster. url_template: how the address of a discovered node is made; `{host}` is the host part of its
    name; by default the scheme and port of the first address. forget_after: how long a node that nobody lists any
    more is kept as missing; 0 keeps it for ever."""

    name: str | None = None
    nodes: Annotated[tuple[NodeConfig, ...], Field(min_length=1)] = (NodeConfig(url="http://localhost:15672"),)
    discover: bool = True
    url_template: str | None = None
    forget_after: Duration = 0.0
    username: str = "guest"
    password: SecretStr = SecretStr("guest")
    password_file: Path | None = None
    tls: TlsConfig = TlsConfig()
    diagnostics: tuple[str, ...] = ("rabbitmq-diagnostics",)
    vhosts: Selection = Selection()
    queues: QueueSelection = QueueSelection()
    policies: tuple[DeclaredPolicy, ...] = ()

    @field_validator("url_template")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if "{host}" not in value:
            raise ValueError("needs {host} in it, such as http://{host}:15672")
        check_address(value.replace("{host}", "host"), "http://{host}:15672")
        return value

    @property
    def label(self) -> str:
        """What messages call this cluster before the broker has told its name."""
        return self.name or self.nodes[0].url


class PollConfig(Strict):
    """How often and how patiently to ask. diagnostics_interval, diagnostics_timeout: of rabbitmq-diagnostics, each of
    whose commands boots an Erlang VM: a second on an idle machine, many on a busy one."""

    interval: Duration = 15.0
    timeout: Duration = 10.0
    diagnostics_interval: Duration = 60.0
    diagnostics_timeout: Duration = 20.0

    @model_validator(mode="after")
    def _fits(self) -> PollConfig:
        if self.interval < 1.0:
            raise KeyedError("interval", "must be at least 1s")
        if not 0 < self.timeout < self.interval:
            raise KeyedError("timeout", "must be more than 0s and less than interval, so that a cycle ends in time")
        return self


class WebConfig(Strict):
    """Where to listen (`host:port`, `[::]:9419`, `:9419`), and the file with TLS and basic auth in the exporter
    toolkit's format."""

    listen: str = "0.0.0.0:9419"
    config_file: Path | None = None

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        parse_listen(value)
        return value


class RulesConfig(Strict):
    """files: rule files or globs, relative to this file; the shipped rules where not given, none where empty.
    evaluation_interval: of groups that name none. blind_hold: how long an alert is held when it would resolve only
    because a part of the poll failed; 0 resolves it at once, as Prometheus would. external_labels: of this agent, for
    templates and for what leaves it. window_samples: how many samples of history are held in memory at most, 8 bytes
    each; rules that need more are refused."""

    files: tuple[Path, ...] | None = None
    evaluation_interval: Duration = 15.0
    blind_hold: Duration = 900.0
    external_labels: dict[str, str] = Field(default_factory=dict)
    window_samples: Annotated[int, Field(ge=1000)] = 25_000_000

    @model_validator(mode="after")
    def _fits(self) -> RulesConfig:
        if self.evaluation_interval < 1.0:
            raise KeyedError("evaluation_interval", "must be at least 1s")
        return self


class StorageConfig(Strict):
    """Where the agent keeps what must survive a restart."""

    path: Path = Path("rabbitwatch-data")


class Config(Strict):
    """The whole file."""

    clusters: Annotated[tuple[ClusterConfig, ...], Field(min_length=1)] = (ClusterConfig(),)
    poll: PollConfig = PollConfig()
    web: WebConfig = WebConfig()
    rules: RulesConfig = RulesConfig()
    route: RouteConfig | None = None
    receivers: tuple[ReceiverConfig, ...] = ()
    inhibit_rules: tuple[InhibitRuleConfig, ...] | None = None
    time_intervals: tuple[TimeIntervalConfig, ...] = ()
    alertmanagers: tuple[AlertmanagerConfig, ...] = ()
    notify: NotifyConfig = NotifyConfig()
    actions: ActionsConfig = ActionsConfig()
    storage: StorageConfig = StorageConfig()

    @model_validator(mode="after")
    def _one_hand(self) -> Config:
        flaw = self.actions.lease.flaw([cluster.name for cluster in self.clusters]) if self.actions.username else ""
        if flaw:
            raise KeyedError("actions", flaw)
        return self
