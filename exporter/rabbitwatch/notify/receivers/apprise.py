"""Everything that the optional package apprise speaks: Microsoft Teams, Telegram, Discord and a hundred more.

Its addresses are secrets. What apprise says about a failure is only in its log, which names hosts and sometimes tokens:
that log is kept from the agent's, read here, and handed on without anything that the address holds.

Each service reads its own markup. A notice is written in Markdown with every value escaped, and for a service that
reads HTML or plain text, apprise's own converter makes that of it; so no queue's name becomes markup anywhere.
"""

from __future__ import annotations

import importlib
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Self
from urllib.parse import unquote

from rabbitwatch.config.receivers import AppriseConfig
from rabbitwatch.errors import ConfigError, DeliveryError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.http import comes_back
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import Texts, own_texts
from rabbitwatch.notify.texts.media import Medium
from rabbitwatch.redaction import Redactor

Load = Callable[[str], Any]

_TEXTS = "apprise"
_FEWER = (10, 5, 3, 2, 1)
_ROOM = 0.75
"""Of a service's limit: what conversion and services' own words add is not known before."""

_STATUS = re.compile(r"\berror=(\d{3})\b")
_SEPARATORS = re.compile(r"[/?&=:@,;+]+")
_TYPES = {"critical": "failure", "error": "failure", "warning": "warning", "info": "info"}


class AppriseSender:
    """See the module. library: the package. service: one of its plug-ins, made from the secret address."""

    def __init__(self, library: Any, service: Any, redact: Redactor, texts: Texts) -> None:
        self._service = service
        self._redact = redact
        self._texts = texts
        self._markdown, self._html = library.NotifyFormat.MARKDOWN, library.NotifyFormat.HTML
        self._convert = library.conversion.convert_between
        reads = service.notify_format if isinstance(service.notify_format, tuple) else (service.notify_format,)
        best = self._markdown if self._markdown in reads and self._html not in reads else self._html
        self._format = service.resolve_format(best)  # the address may ask for another
        self._kinds = library.NotifyType
        self._titled = service.title_maxlen > 0
        self._limit = int(service.body_maxlen * _ROOM)

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender. The service is called itself: Apprise.notify would use threads that the end of the process
        waits for."""
        title, body = self._words(notice)
        kind = self._kinds(_kind(notice))
        with _Heard() as heard:
            arrived = self._service.notify(body=body, title=title, notify_type=kind, body_format=self._format)
        if not arrived:
            raise self._failure(heard.lines)
        return {}

    def close(self) -> None:
        """Nothing is kept open."""

    def _words(self, notice: Notice) -> tuple[str, str]:
        """Title and body in the service's format; as many alerts as its limit lets in."""
        heading = self._texts.render("apprise.title", notice, Medium.MARKDOWN)
        before = "" if self._titled else f"**{heading}**\n\n"
        body = self._converted(before + self._texts.render("apprise.text", notice))
        for shown in _FEWER:
            if len(body) <= self._limit:
                break
            if shown < len(notice.alerts):
                some = self._texts.render("apprise.text", replace(notice, alerts=_first(notice, shown)))
                body = self._converted(f"{before}{some}\n\nand {len(notice.alerts) - shown} more")
        if len(body) > self._limit:
            body = self._converted(f"{before}{len(notice.firing)} firing, {len(notice.resolved)} resolved")
        if not self._titled:
            return "", body
        return heading if self._format == self._markdown else self._texts.render("apprise.title", notice), body

    def _converted(self, markdown: str) -> str:
        if self._format == self._markdown:
            return markdown
        html = self._convert(self._markdown, self._html, markdown)
        return str(self._convert(self._html, self._format, html))

    def _failure(self, lines: Iterable[str]) -> DeliveryError:
        told = self._redact("; ".join(lines)) or "apprise could not deliver it and does not say why"
        status = _STATUS.search(told)
        return DeliveryError(told, permanent=status is not None and not comes_back(int(status[1])))


def _first(notice: Notice, count: int) -> list[Any]:
    return [*notice.firing, *notice.resolved][:count]


def _kind(notice: Notice) -> str:
    if not notice.firing:
        return "success"
    return _TYPES.get(notice.common_labels.get("severity", ""), "warning")


class _Heard(logging.Handler):
    """What apprise complains of on this thread, while it lasts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def make(config: AppriseConfig, tools: Tools, load: Load = importlib.import_module) -> AppriseSender:
    """See table.KINDS. load: imports by name; done only where apprise is configured, for it is large."""
    try:
        apprise = load("apprise")
        load("apprise.conversion")
    except ImportError:
        raise ConfigError(
            "needs the package apprise, which is not installed: pip install rabbitwatch[apprise]"
        ) from None
    if config.url is None:
        raise ConfigError("lacks url: give one, or url_file")
    log = logging.getLogger("apprise")
    log.propagate = False  # it names hosts and tokens
    log.setLevel(logging.WARNING)
    url = config.url.get_secret_value()
    asset = apprise.AppriseAsset(app_id="rabbitwatch", app_desc="rabbitwatch", storage_mode="memory")
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        raise ConfigError("url is none that apprise understands: see https://appriseit.com/services/ for its form")
    service.socket_connect_timeout = service.socket_read_timeout = config.timeout
    texts = tools.texts.with_own(own_texts(_TEXTS, config), where="apprise_configs")
    return AppriseSender(apprise, service, Redactor(_telling(url, service.url(privacy=True))), texts)


def _telling(url: str, shown: str) -> Iterator[str]:
    """The parts of an address that apprise itself does not show of it, and the address."""
    yield url
    public = set(_SEPARATORS.split(shown))
    for part in _SEPARATORS.split(url):
        if part not in public:
            yield part
            yield unquote(part)
