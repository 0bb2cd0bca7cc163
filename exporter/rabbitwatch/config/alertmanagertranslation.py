"""From a receiver of an alertmanager.yml to one of the agent's own: one method a kind, one line in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from rabbitwatch.config.alertmanagerkinds import (
    REMEDY,
    UNUSED,
    AmEmail,
    AmGlobal,
    AmHook,
    AmHttp,
    AmPagerduty,
    AmReceiver,
    AmSlack,
    AmTelegram,
    AmTls,
    AmWebhook,
)
from rabbitwatch.config.problems import located
from rabbitwatch.config.receivers import (
    AppriseConfig,
    EmailConfig,
    HttpAuth,
    PagerdutyConfig,
    ReceiverConfig,
    SlackConfig,
    WebhookConfig,
)
from rabbitwatch.config.strict import Strict
from rabbitwatch.config.trust import TlsConfig
from rabbitwatch.config.yamltree import Path, Tree
from rabbitwatch.errors import ConfigError

M = TypeVar("M", bound=BaseModel)

_SLACK_POST = "https://slack.com/api/chat.postMessage"
_IMPLICIT_TLS_PORT = "465"
_GO = "{{"
_JINJA = ("{{", "{%", "{#")


class Translation:
    """Of one file. errors, warnings: what was found on the way."""

    def __init__(self, tree: Tree, common: AmGlobal) -> None:
        self._tree = tree
        self._global = common
        self.errors: list[ConfigError] = []
        self.warnings: list[str] = []
        self._unused(common, ("global",))

    def receiver(self, given: AmReceiver, at: Path) -> ReceiverConfig:
        """The same receiver here. What could not be made is missing from it and among the errors."""
        kinds: dict[str, list[Any]] = {}
        table: tuple[tuple[str, str, Callable[[Any, Path], Any]], ...] = (
            ("slack_configs", "slack_configs", self._slack),
            ("webhook_configs", "webhook_configs", self._webhook),
            ("email_configs", "email_configs", self._email),
            ("pagerduty_configs", "pagerduty_configs", self._pagerduty),
            ("telegram_configs", "apprise_configs", self._telegram),
            ("discord_configs", "apprise_configs", self._hook),
            ("msteams_configs", "apprise_configs", self._hook),
            ("msteamsv2_configs", "apprise_configs", self._hook),
        )
        for theirs, ours, make in table:
            for index, each in enumerate(getattr(given, theirs)):
                here = (*at, theirs, index)
                self._unused(each, here)
                made = make(each, here)
                if made is not None:
                    kinds.setdefault(ours, []).append(made)
        return ReceiverConfig(name=given.name, **{key: tuple(made) for key, made in kinds.items()})

    def _slack(self, given: AmSlack, at: Path) -> SlackConfig | None:
        url, bot = given.api_url, given.app_token
        if url is None and bot is None:
            url, bot = self._global.slack_api_url, self._global.slack_app_token
        http = given.http_config or self._global.http_config
        if url is not None and url.get_secret_value() == _SLACK_POST and http is not None:
            url, bot, http = None, _credentials(http), None  # Alertmanager's older way to give a bot's token
        self._no_http(http, at)
        if url is not None and bot is not None:
            url = None  # the address of the API beside a token
        return self._made(
            SlackConfig,
            at,
            bot_token=bot,
            api_url=url,
            channel=self._address(given.channel, at, "channel"),
            title=self._text(given, "title", at),
            text=self._text(given, "text", at),
            send_resolved=given.send_resolved,
        )

    def _webhook(self, given: AmWebhook, at: Path) -> WebhookConfig | None:
        return self._made(
            WebhookConfig,
            at,
            url=given.url,
            max_alerts=given.max_alerts,
            http=self._http(given.http_config, at),
            send_resolved=given.send_resolved,
        )

    def _email(self, given: AmEmail, at: Path) -> EmailConfig | None:
        common = self._global
        if any(one is not None for one in (given.auth_secret, common.smtp_auth_secret, common.smtp_auth_secret_file)):
            self._error(at, "the login CRAM-MD5 (auth_secret) cannot be used here: give auth_password")
        smarthost = given.smarthost or common.smtp_smarthost or ""
        implicit = _first(given.force_implicit_tls, common.smtp_force_implicit_tls)
        implicit = smarthost.endswith(f":{_IMPLICIT_TLS_PORT}") if implicit is None else implicit
        required = _first(given.require_tls, common.smtp_require_tls)
        subject, headers = self._headers(given.headers, (*at, "headers"))
        return self._made(
            EmailConfig,
            at,
            to=self._address(given.to, at, "to"),
            **{"from": self._address(given.from_ or common.smtp_from or "", at, "from")},
            smarthost=smarthost,
            hello=given.hello or common.smtp_hello or "localhost",
            auth_username=given.auth_username or common.smtp_auth_username,
            auth_password=given.auth_password or common.smtp_auth_password,
            encryption="tls" if implicit else "starttls" if required else "none",
            tls=_tls(given.tls_config or common.smtp_tls_config),
            headers=headers,
            subject=subject,
            html=self._text(given, "html", at),
            text=self._text(given, "text", at),
            send_resolved=given.send_resolved,
        )

    def _headers(self, given: Mapping[str, str], at: Path) -> tuple[str | None, dict[str, str]]:
        """The subject, where it can be used, and the other headers that can; To and From have keys of their own."""
        subject: str | None = None
        others: dict[str, str] = {}
        for name, text in given.items():
            here = (*at, name)
            if name.lower() == "subject":
                subject = None if _GO in text else text
                if subject is None:
                    self._no_template(here)
            elif name.lower() in {"to", "from"}:
                self._warn(here, "is not used: the receiver's own keys say it")
            elif _GO in text:
                self._warn(here, "a Go template cannot be used here: the header is left out")
            else:
                others[name] = text
        return subject, others

    def _pagerduty(self, given: AmPagerduty, at: Path) -> PagerdutyConfig | None:
        url = given.url or self._global.pagerduty_url
        return self._made(
            PagerdutyConfig,
            at,
            routing_key=given.routing_key,
            **({"url": url} if url else {}),
            description=self._text(given, "description", at),
            severity=self._text(given, "severity", at),
            http=self._http(given.http_config, at),
            send_resolved=given.send_resolved,
        )

    def _telegram(self, given: AmTelegram, at: Path) -> AppriseConfig | None:
        token = given.bot_token or self._global.telegram_bot_token
        self._no_http(given.http_config or self._global.http_config, at)
        if token is None:
            self._error(at, "lacks bot_token: give one, or its _file")
            return None
        topic = f":{given.message_thread_id}" if given.message_thread_id else ""
        return self._made(
            AppriseConfig,
            at,
            url=SecretStr(f"tgram://{token.get_secret_value()}/{given.chat_id}{topic}/"),
            text=self._text(given, "message", at),
            send_resolved=given.send_resolved,
        )

    def _hook(self, given: AmHook, at: Path) -> AppriseConfig | None:
        """apprise knows these services by the addresses that they hand out themselves."""
        self._no_http(given.http_config or self._global.http_config, at)
        if given.webhook_url is None:
            self._error(at, "lacks webhook_url: give one, or its _file")
            return None
        return self._made(
            AppriseConfig,
            at,
            url=given.webhook_url,
            title=self._text(given, "title", at),
            text=self._text(given, "text" if given.text is not None else "message", at),
            send_resolved=given.send_resolved,
        )

    def _http(self, given: AmHttp | None, at: Path) -> HttpAuth:
        http = given or self._global.http_config
        if http is None:
            return HttpAuth()
        basic = http.basic_auth
        values = {
            "username": basic.username if basic else None,
            "password": basic.password if basic else None,
            "bearer_token": _credentials(http),
            "proxy_url": http.proxy_url,
            "tls": _tls(http.tls_config),
        }
        place = (*at, "http_config") if given else ("global", "http_config")
        return self._made(HttpAuth, place, **values) or HttpAuth()

    def _no_http(self, http: AmHttp | None, at: Path) -> None:
        if http is not None and http.model_fields_set:
            self._warn(at, "http_config is not used for this kind of receiver")

    def _text(self, given: Strict, key: str, at: Path) -> str | None:
        """A text with no template in it is one here too."""
        text: str | None = getattr(given, key)
        if text is None or not any(mark in text for mark in _JINJA):
            return text
        self._no_template((*at, key))
        return None

    def _address(self, text: str, at: Path, key: str) -> str:
        """A template would send the notice somewhere else than it says."""
        if _GO in text:
            self._error((*at, key), f"a template cannot say here who is told: write it out, or {REMEDY}")
        return text

    def _unused(self, model: BaseModel, at: Path) -> None:
        for path, key in _marked(model, UNUSED):
            self._warn((*at, *path), f"{key} has no counterpart here and is not used")

    def _no_template(self, at: Path) -> None:
        self._warn(at, "a Go template cannot be used here: the shipped text is used instead")

    def _made(self, kind: type[M], at: Path, **values: Any) -> M | None:
        try:
            return kind(**values)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                key = ".".join(str(step) for step in detail["loc"])
                cause: Mapping[str, Any] = detail.get("ctx", {})
                told = str(cause.get("error", detail["msg"]))
                self._error(at, f"{key}: {told}" if key else told)
            return None

    def _error(self, at: Path, message: str) -> None:
        self.errors.append(located(self._tree, at, message))

    def _warn(self, at: Path, message: str) -> None:
        self.warnings.append(str(located(self._tree, at, message)))


def _credentials(http: AmHttp) -> SecretStr | None:
    return http.bearer_token or (http.authorization.credentials if http.authorization else None)


def _tls(given: AmTls) -> TlsConfig:
    return TlsConfig(
        ca_file=given.ca_file,
        cert_file=given.cert_file,
        key_file=given.key_file,
        verify=not given.insecure_skip_verify,
    )


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)


def _marked(model: BaseModel, mark: str) -> Iterator[tuple[Path, str]]:
    """The keys with this mark that the file gives, in this section and those within it."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        key = info.alias or name
        if mark in info.metadata and value is not None:
            yield (), key
        elif isinstance(value, BaseModel):
            for path, inner in _marked(value, mark):
                yield (key, *path), inner
