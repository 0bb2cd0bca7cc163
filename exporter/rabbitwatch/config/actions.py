"""The section `actions`: which alerts lead to which repairs, who may, and what speaks against one.

Without `username` nothing can act, by construction: there is nobody to act as. Keys of `guards` are the guards' names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, field_validator, model_validator

from rabbitwatch.config.addresses import check_address, check_amqp_address
from rabbitwatch.config.durations import Duration, PositiveDuration
from rabbitwatch.config.matchers import MatcherList
from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.selection import Selection
from rabbitwatch.config.strict import Strict
from rabbitwatch.config.trust import TlsConfig

ActionName = Literal["apply_policy", "sync_queue", "resync", "propose_recovery"]
ModeName = Literal["off", "dry_run", "approve", "auto"]
Mode = Annotated[ModeName, BeforeValidator(lambda value: "off" if value is False else value)]
"""YAML reads an `off` without quotes as false."""
Share = Annotated[float, Field(gt=0, le=1)]


def _check_slack_user(user_id: str) -> str:
    """Whoever bears a name in Slack can change it, so ids are what counts."""
    if not re.fullmatch(r"[UW][A-Z0-9]{5,20}", user_id):
        raise ValueError(f"{user_id!r} is no Slack user's id: copy the member ID from the profile, such as U012AB3CD")
    return user_id


SlackUser = Annotated[str, AfterValidator(_check_slack_user)]
AmqpUrl = Annotated[str, AfterValidator(check_amqp_address)]

ACTING: frozenset[ModeName] = frozenset({"approve", "auto"})


class BindingConfig(Strict):
    """Alerts that the matchers fit lead to this action, in the order of the list; the first that fits decides, unless
    it says `continue`. Which cluster, vhost, queue and policy it is about is told by the alert's labels of these names.

    cooldown: for how long the same object is left alone after it was acted on. max_per_hour: of each cluster.
    """

    matchers: Annotated[MatcherList, Field(min_length=1)]
    action: ActionName
    mode: Mode = "dry_run"
    cooldown: Duration = 1800.0
    max_per_hour: Annotated[int, Field(ge=0)] = 3
    vhosts: Selection = Selection()
    queues: Selection = Selection()
    continue_: Annotated[bool, Field(alias="continue")] = False

    @model_validator(mode="after")
    def _advice(self) -> BindingConfig:
        if self.action == "propose_recovery" and self.mode in ACTING:
            raise KeyedError("mode", "propose_recovery never acts, it only tells: use dry_run")
        return self


class UptimeGuardConfig(Strict):
    """at_least: how long every node must have run."""

    at_least: Duration = 600.0


class SizeGuardConfig(Strict):
    """limit: bytes in the queue at most. memory_share: of the free memory of each node whose mirror lags."""

    limit: ByteSize = ByteSize(512 * 1024 * 1024)
    memory_share: Share = 0.25


class RateGuardConfig(Strict):
    """limit: messages a second, published and delivered together, at most; windows: names of time_intervals in which
    more is allowed, because it is announced maintenance."""

    limit: Annotated[float, Field(ge=0)] = 50.0
    windows: tuple[str, ...] = ()


class BatchGuardConfig(Strict):
    """bandwidth: bytes a second that the link between nodes surely carries. default_batch: messages in a batch where a
    policy has no ha-sync-batch-size (the broker's mirroring_sync_batch_size); ticktime_share: of net_ticktime that a
    batch may take."""

    bandwidth: ByteSize = ByteSize(10 * 1024 * 1024)
    default_batch: Annotated[int, Field(gt=0)] = 4096
    ticktime_share: Share = 0.5


class FreshGuardConfig(Strict):
    """at_most: how old the observation may be."""

    at_most: PositiveDuration = 30.0


class FightGuardConfig(Strict):
    """The same drift restored so many times within `within` means that somebody else writes too: stop and page."""

    times: Annotated[int, Field(gt=0)] = 3
    within: PositiveDuration = 86400.0


class GuardsConfig(Strict):
    """What guards measure by; none can be switched off."""

    uptime: UptimeGuardConfig = UptimeGuardConfig()
    size: SizeGuardConfig = SizeGuardConfig()
    rate: RateGuardConfig = RateGuardConfig()
    batch: BatchGuardConfig = BatchGuardConfig()
    fresh: FreshGuardConfig = FreshGuardConfig()
    fight: FightGuardConfig = FightGuardConfig()


class VerifyConfig(Strict):
    """After a request: look every `interval`, call it stalled after `stall` without progress, and stop looking after
    `timeout`. Nothing is ever cancelled, because that empties the mirror."""

    interval: PositiveDuration = 5.0
    stall: PositiveDuration = 300.0
    timeout: PositiveDuration = 3600.0


class ApprovalConfig(Strict):
    """expires: how long a person may take. slack_users: ids of those who may approve and decline by Slack's buttons; of
    an empty list nobody may, and Slack shows a link to the agent's page in place of buttons."""

    expires: PositiveDuration = 1800.0
    slack_users: tuple[SlackUser, ...] = ()


class LeaseConfig(Strict):
    """Which of several agents acts. broker: an exclusive queue on each cluster itself, over AMQP; kubernetes: a Lease
    object; file: a lock on a file that all agents share.

    name: of the queue; of the Lease and the lock file with the cluster's name behind it. For `broker`: urls, where AMQP
    is, tried in turn; {host} stands for the host of each of the cluster's nodes; vhost: where the queue is; tls: for
    amqps. For `file`: path, the folder of the lock files, by default storage.path. For `kubernetes`: server, the API
    server, by default the one that a pod is told; service_account: the folder with its token, ca.crt and namespace;
    namespace: of the Lease, by default the pod's; duration: after which a Lease that is not renewed is free.
    """

    kind: Literal["broker", "kubernetes", "file"] = "broker"
    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=100)] = "rabbitwatch.actions"
    urls: Annotated[tuple[AmqpUrl, ...], Field(min_length=1)] = ("amqp://{host}:5672",)
    vhost: Annotated[str, Field(min_length=1)] = "/"
    tls: TlsConfig = TlsConfig()
    path: Path | None = None
    server: str | None = None
    service_account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)] | None = None
    duration: Annotated[Duration, Field(ge=15)] = 30.0

    @field_validator("server")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        return None if value is None else check_address(value, "https://10.96.0.1:443")

    def flaw(self, clusters: Sequence[str | None]) -> str:
        """What keeps agents from meaning the same lease for clusters of these names; "" when nothing does."""
        if self.kind != "broker" and None in clusters:
            return f"lease.kind {self.kind} needs a name for every cluster: all agents must call it the same"
        if self.kind == "broker" and len(clusters) > 1 and not all("{host}" in url for url in self.urls):
            return "lease.urls needs {host} where there are several clusters: each holds the lease of its own"
        return ""


class ActionsWebhookConfig(Strict):
    """Who may send alerts to /api/v1/webhook/alertmanager: whoever has the token (`Authorization: Bearer …`), or signs
    with the secret (X-Rabbitwatch-Timestamp, X-Rabbitwatch-Signature: sha256=HMAC of timestamp, a dot and the body).
    Without either the address is closed. tolerance: how old a signed request may be."""

    token: SecretStr | None = None
    token_file: Path | None = None
    signing_secret: SecretStr | None = None
    signing_secret_file: Path | None = None
    tolerance: PositiveDuration = 300.0

    @field_validator("token", "signing_secret")
    @classmethod
    def _said(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value():
            raise ValueError("must not be empty")
        return value


class ActionsConfig(Strict):
    """username, password: of the broker user that acts (tags policymaker and, for sync_queue, administrator); polling
    never uses it. paused: the switch that stops everything, here; `rabbitwatch actions pause` is the other one.
    audit_file: the JSON lines, by default audit.jsonl in storage.path."""

    username: Annotated[str, Field(min_length=1)] | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    timeout: PositiveDuration = 10.0
    paused: bool = False
    bindings: tuple[BindingConfig, ...] = ()
    guards: GuardsConfig = GuardsConfig()
    verify: VerifyConfig = VerifyConfig()
    approval: ApprovalConfig = ApprovalConfig()
    lease: LeaseConfig = LeaseConfig()
    webhook: ActionsWebhookConfig = ActionsWebhookConfig()
    audit_file: Path | None = None

    @property
    def in_use(self) -> bool:
        """Something leads to repairs, or somebody may be asked to act."""
        return bool(self.bindings) or self.username is not None

    @property
    def lookback(self) -> float:
        """Seconds for which any guard looks back at what was done."""
        return max([3600.0, self.guards.fight.within, *(each.cooldown for each in self.bindings)])

    @model_validator(mode="after")
    def _credentials(self) -> ActionsConfig:
        if self.username is not None and self.password is None and self.password_file is None:
            raise KeyedError("username", "needs password or password_file beside it")
        acting = next((each for each in self.bindings if each.mode in ACTING), None)
        if acting is not None and self.username is None:
            raise KeyedError(
                "bindings", f"mode {acting.mode} needs somebody to act as: set actions.username, or use mode dry_run"
            )
        return self
