"""The shape of receivers: one model a kind, and the table of kinds. Key names are Alertmanager's where it has them.

Texts (titles, bodies, subjects) are Jinja2 templates over a notice; None stands for the shipped one.
"""

from __future__ import annotations

from email.utils import getaddresses
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from rabbitwatch.config.addresses import check_address
from rabbitwatch.config.durations import PositiveDuration
from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.strict import Strict
from rabbitwatch.config.trust import TlsConfig

Template = str
STANDARD_OUTPUT = Path("-")


def one_of(section: Strict, *keys: str) -> None:
    """Raises unless exactly one of these secrets is given, itself or by its file (finishing refuses both of one)."""
    given = [key for key in keys if getattr(section, key) is not None or getattr(section, f"{key}_file") is not None]
    if not given:
        raise ValueError(f"lacks {_either(*keys)}: give one, or its _file")
    if len(given) > 1:
        raise KeyedError(given[1], f"{given[0]} and {given[1]} are both given: keep one")


def _either(*keys: str) -> str:
    return " or ".join(keys)


class ReceiverKind(Strict):
    """What all kinds share. send_resolved: whether the end of an alert is told. timeout: of one attempt.
    max_per_minute: attempts in a minute at most, over all groups; the rest waits its turn."""

    send_resolved: bool = True
    timeout: PositiveDuration = 10.0
    max_per_minute: Annotated[int, Field(ge=1)] = 60


class HttpAuth(Strict):
    """How to prove oneself to an HTTP server: a user with a password, or a bearer token."""

    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    proxy_url: str | None = None
    tls: TlsConfig = TlsConfig()

    @field_validator("proxy_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        return None if value is None else check_address(value, "http://proxy:3128")

    @model_validator(mode="after")
    def _one_way(self) -> HttpAuth:
        token = self.bearer_token or self.bearer_token_file
        if token and self.username:
            raise KeyedError("username", "a user and a bearer token are both given: keep one")
        if (self.password or self.password_file) and not self.username:
            raise ValueError("has a password and no username")
        return self


class SlackConfig(ReceiverKind):
    """Slack: with bot_token one message a group, edited as the group changes; with api_url (an incoming webhook)
    plain messages. app_token (xapp-…) opens Socket Mode, which makes the buttons work. api: where Slack's Web API
    is."""

    bot_token: SecretStr | None = None
    bot_token_file: Path | None = None
    app_token: SecretStr | None = None
    app_token_file: Path | None = None
    api_url: SecretStr | None = None
    api_url_file: Path | None = None
    api: str = "https://slack.com/api/"
    channel: str = ""
    title: Template | None = None
    text: Template | None = None
    mention: str = ""
    buttons: bool = True

    @model_validator(mode="after")
    def _complete(self) -> SlackConfig:
        one_of(self, "bot_token", "api_url")
        bot = bool(self.bot_token or self.bot_token_file)
        if bot and not self.channel:
            raise ValueError("lacks the key 'channel': a bot must be told where to write, such as '#alerts'")
        if not bot and (self.app_token or self.app_token_file):
            raise ValueError("app_token needs bot_token beside it: an incoming webhook has no buttons")
        return self

    @field_validator("api")
    @classmethod
    def _http(cls, value: str) -> str:
        return check_address(value, "https://slack.com/api/") + "/"


class WebhookConfig(ReceiverKind):
    """Alertmanager's webhook, version 4. max_alerts: 0 sends all."""

    url: SecretStr | None = None
    url_file: Path | None = None
    max_alerts: Annotated[int, Field(ge=0)] = 0
    http: HttpAuth = HttpAuth()

    @model_validator(mode="after")
    def _complete(self) -> WebhookConfig:
        one_of(self, "url")
        return self


class EmailConfig(ReceiverKind):
    """Mail by SMTP. tls: `starttls` upgrades the connection, `tls` begins with it, `none` sends in the clear."""

    to: str
    from_: Annotated[str, Field(alias="from")]
    smarthost: str
    hello: str = "localhost"
    auth_username: str | None = None
    auth_password: SecretStr | None = None
    auth_password_file: Path | None = None
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    tls: TlsConfig = TlsConfig()
    headers: dict[str, str] = Field(default_factory=dict)
    subject: Template | None = None
    text: Template | None = None
    html: Template | None = None

    @field_validator("to", "from_")
    @classmethod
    def _addresses(cls, value: str) -> str:
        found = [address for _, address in getaddresses([value])]
        if not value.isprintable() or not found or not all("@" in each.strip("@") for each in found):
            raise ValueError(f"{value!r} is no mail address; write it like on-call@example.org, several with commas")
        return value

    @field_validator("smarthost")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
            raise ValueError(f"{value!r} is no server with its port; write it like smtp.example.org:587")
        return value

    @model_validator(mode="after")
    def _complete(self) -> EmailConfig:
        if bool(self.auth_username) != bool(self.auth_password or self.auth_password_file):
            raise ValueError("auth_username and auth_password (or auth_password_file) need each other")
        if self.auth_username and self.encryption == "none" and not _on_this_machine(self.smarthost):
            raise KeyedError(
                "encryption",
                "would send auth_password in the clear: use starttls or tls (require_tls: true in an alertmanager.yml)",
            )
        return self


def _on_this_machine(smarthost: str) -> bool:
    host = smarthost.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class PagerdutyConfig(ReceiverKind):
    """PagerDuty's Events API v2."""

    routing_key: SecretStr | None = None
    routing_key_file: Path | None = None
    url: str = "https://events.pagerduty.com/v2/enqueue"
    description: Template | None = None
    severity: Template | None = None
    http: HttpAuth = HttpAuth()

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        return check_address(value, "https://events.pagerduty.com/v2/enqueue")

    @model_validator(mode="after")
    def _complete(self) -> PagerdutyConfig:
        one_of(self, "routing_key")
        return self


class AppriseConfig(ReceiverKind):
    """Everything that the optional package apprise speaks: Microsoft Teams, Telegram, Discord and a hundred more. Its
    addresses hold tokens and are secrets."""

    url: SecretStr | None = None
    url_file: Path | None = None
    title: Template | None = None
    text: Template | None = None

    @model_validator(mode="after")
    def _complete(self) -> AppriseConfig:
        one_of(self, "url")
        return self


class FileConfig(ReceiverKind):
    """A line of JSON a notice, in the webhook's form, or text, appended to a file; `-` is standard output."""

    path: Path = STANDARD_OUTPUT
    format: Literal["text", "json"] = "text"
    text: Template | None = None


class ReceiverConfig(Strict):
    """A named receiver: any number of each kind, and all of them are told. One with none tells nobody."""

    name: Annotated[str, Field(min_length=1)]
    slack_configs: tuple[SlackConfig, ...] = ()
    webhook_configs: tuple[WebhookConfig, ...] = ()
    email_configs: tuple[EmailConfig, ...] = ()
    pagerduty_configs: tuple[PagerdutyConfig, ...] = ()
    apprise_configs: tuple[AppriseConfig, ...] = ()
    file_configs: tuple[FileConfig, ...] = ()

    @property
    def kinds(self) -> dict[str, int]:
        """How many of each kind it has, without those of which it has none."""
        counts = {name.removesuffix("_configs"): len(getattr(self, name)) for name in _KINDS}
        return {kind: count for kind, count in counts.items() if count}

    @property
    def tells(self) -> bool:
        """Whether it has anything to tell by."""
        return bool(self.kinds)


_KINDS = tuple(name for name in ReceiverConfig.model_fields if name.endswith("_configs"))
