"""The shape of global settings and receivers in an alertmanager.yml: its key names and defaults, up to 0.34.

`Text` is a Go template there, and only a plain text can be used here; `Unused` has no counterpart here. Both are told
as warnings by alertmanagertranslation.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator

from rabbitwatch.config.problems import KeyedError
from rabbitwatch.config.strict import Strict

UNUSED = "unused"
Text = str | None
Unused = Annotated[Any, UNUSED]

SPOKEN = ("slack", "webhook", "email", "pagerduty", "telegram", "discord", "msteams", "msteamsv2")
"""The kinds of receivers that have a counterpart here."""

REMEDY = "list this Alertmanager under `alertmanagers` instead, or write the receiver in the agent's own configuration"


class AmTls(Strict):
    """`tls_config`."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False
    server_name: Unused = None
    min_version: Unused = None
    max_version: Unused = None


class AmBasicAuth(Strict):
    """`basic_auth`."""

    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None


class AmAuthorization(Strict):
    """`authorization`; only type Bearer has a counterpart."""

    type: str = "Bearer"
    credentials: SecretStr | None = None
    credentials_file: Path | None = None

    @model_validator(mode="after")
    def _bearer(self) -> AmAuthorization:
        if self.type.strip().lower() != "bearer":
            raise KeyedError("type", "only Bearer can be used here")
        return self


class AmHttp(Strict):
    """`http_config`."""

    basic_auth: AmBasicAuth | None = None
    authorization: AmAuthorization | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    proxy_url: str | None = None
    tls_config: AmTls = AmTls()
    follow_redirects: Unused = None
    enable_http2: Unused = None
    no_proxy: Unused = None
    proxy_from_environment: Unused = None
    proxy_connect_header: Unused = None

    @model_validator(mode="before")
    @classmethod
    def _no_oauth(cls, value: Any) -> Any:
        for key in ("oauth2", "http_headers"):
            if isinstance(value, dict) and key in value:
                raise KeyedError(key, f"{key} has no counterpart here: {REMEDY}")
        return value


class AmKind(Strict):
    """What all receivers share."""

    send_resolved: bool = True
    http_config: AmHttp | None = None


class AmSlack(AmKind):
    """`slack_configs`."""

    send_resolved: bool = False
    api_url: SecretStr | None = None
    api_url_file: Path | None = None
    app_token: SecretStr | None = None
    app_token_file: Path | None = None
    channel: str = ""
    title: Text = None
    text: Text = None
    app_url: Unused = None
    username: Unused = None
    color: Unused = None
    title_link: Unused = None
    pretext: Unused = None
    fields_: Annotated[Unused, Field(alias="fields")] = None
    short_fields: Unused = None
    footer: Unused = None
    fallback: Unused = None
    callback_id: Unused = None
    icon_emoji: Unused = None
    icon_url: Unused = None
    image_url: Unused = None
    thumb_url: Unused = None
    link_names: Unused = None
    mrkdwn_in: Unused = None
    actions: Unused = None
    message_text: Unused = None
    update_message: Unused = None
    timeout: Unused = None


class AmWebhook(AmKind):
    """`webhook_configs`."""

    url: SecretStr | None = None
    url_file: Path | None = None
    max_alerts: int = 0
    timeout: Unused = None
    payload: Unused = None


class AmEmail(AmKind):
    """`email_configs`; None is taken from the global settings."""

    send_resolved: bool = False
    to: str
    from_: Annotated[str | None, Field(alias="from")] = None
    smarthost: str | None = None
    hello: str | None = None
    auth_username: str | None = None
    auth_password: SecretStr | None = None
    auth_password_file: Path | None = None
    require_tls: bool | None = None
    force_implicit_tls: bool | None = None
    tls_config: AmTls | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    html: Text = None
    text: Text = None
    auth_secret: Unused = None
    auth_secret_file: Unused = None
    auth_identity: Unused = None
    threading: Unused = None


class AmPagerduty(AmKind):
    """`pagerduty_configs`; of the Events API v2, which routing_key belongs to."""

    routing_key: SecretStr | None = None
    routing_key_file: Path | None = None
    url: str | None = None
    description: Text = None
    severity: Text = None
    client: Unused = None
    client_url: Unused = None
    details: Unused = None
    images: Unused = None
    links: Unused = None
    source: Unused = None
    class_: Annotated[Unused, Field(alias="class")] = None
    component: Unused = None
    group: Unused = None
    timeout: Unused = None

    @model_validator(mode="before")
    @classmethod
    def _version_2(cls, value: Any) -> Any:
        for key in ("service_key", "service_key_file"):
            if isinstance(value, dict) and key in value:
                raise KeyedError(key, "belongs to PagerDuty's old Events API: give the routing_key of one of version 2")
        return value


class AmTelegram(AmKind):
    """`telegram_configs`."""

    bot_token: SecretStr | None = None
    bot_token_file: Path | None = None
    chat_id: int
    message_thread_id: int = 0
    api_url: Unused = None
    message: Text = None
    parse_mode: Unused = None
    disable_notifications: Unused = None


class AmHook(AmKind):
    """`discord_configs`, `msteams_configs` and `msteamsv2_configs`: an address that holds the token."""

    webhook_url: SecretStr | None = None
    webhook_url_file: Path | None = None
    title: Text = None
    text: Text = None
    message: Text = None
    content: Unused = None
    summary: Unused = None
    username: Unused = None
    avatar_url: Unused = None


class AmReceiver(Strict):
    """A named receiver."""

    name: Annotated[str, Field(min_length=1)]
    slack_configs: tuple[AmSlack, ...] = ()
    webhook_configs: tuple[AmWebhook, ...] = ()
    email_configs: tuple[AmEmail, ...] = ()
    pagerduty_configs: tuple[AmPagerduty, ...] = ()
    telegram_configs: tuple[AmTelegram, ...] = ()
    discord_configs: tuple[AmHook, ...] = ()
    msteams_configs: tuple[AmHook, ...] = ()
    msteamsv2_configs: tuple[AmHook, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _spoken(cls, value: Any) -> Any:
        for key in value if isinstance(value, dict) else ():
            kind = str(key).removesuffix("_configs")
            if kind != key and kind not in SPOKEN:
                raise KeyedError(key, f"the agent cannot speak to {kind} by itself: {REMEDY}")
        return value


class AmGlobal(Strict):
    """`global`. Settings of services that the agent does not speak to are of no use to it, and not looked at."""

    resolve_timeout: Any = None
    http_config: AmHttp | None = None
    smtp_from: str | None = None
    smtp_smarthost: str | None = None
    smtp_hello: str | None = None
    smtp_auth_username: str | None = None
    smtp_auth_password: SecretStr | None = None
    smtp_auth_password_file: Path | None = None
    smtp_require_tls: bool = True
    smtp_force_implicit_tls: bool | None = None
    smtp_tls_config: AmTls = AmTls()
    smtp_auth_secret: Unused = None
    smtp_auth_secret_file: Unused = None
    smtp_auth_identity: Unused = None
    slack_api_url: SecretStr | None = None
    slack_api_url_file: Path | None = None
    slack_app_token: SecretStr | None = None
    slack_app_token_file: Path | None = None
    slack_app_url: Unused = None
    pagerduty_url: str | None = None
    telegram_bot_token: SecretStr | None = None
    telegram_bot_token_file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_use(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        foreign = (
            "opsgenie_",
            "victorops_",
            "wechat_",
            "webex_",
            "jira_",
            "rocketchat_",
            "mattermost_",
            "telegram_api",
        )
        return {key: each for key, each in value.items() if not str(key).startswith(foreign)}
