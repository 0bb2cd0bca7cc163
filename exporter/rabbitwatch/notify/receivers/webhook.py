"""Alertmanager's webhook, version 4: what reads Alertmanager's notices reads these.

Beside what Alertmanager does: 408, 425 and 429 are tried again, and a header Idempotency-Key holds the id of the
notice, the same at every try, so that a receiver can tell a double after a time-out or a restart.
"""

from __future__ import annotations

import msgspec

from rabbitwatch.config.receivers import WebhookConfig
from rabbitwatch.errors import ConfigError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.http import Poster
from rabbitwatch.notify.receivers.payload import payload
from rabbitwatch.notify.receivers.tools import Tools


class WebhookSender:
    """See the module."""

    def __init__(self, poster: Poster, max_alerts: int) -> None:
        self._poster = poster
        self._max_alerts = max_alerts

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender; it arrived when the answer is a 2xx."""
        body = msgspec.json.encode(payload(notice, self._max_alerts))
        headers = {"Content-Type": "application/json"}
        if attempt:
            headers["Idempotency-Key"] = attempt
        self._poster.post(body, headers)
        return {}

    def close(self) -> None:
        """See Sender."""
        self._poster.close()


def make(config: WebhookConfig, tools: Tools) -> WebhookSender:
    """See table.KINDS."""
    if config.url is None:
        raise ConfigError("lacks url: give one, or url_file")
    poster = Poster(config.url.get_secret_value(), config.http, config.timeout, now=tools.now)
    return WebhookSender(poster, config.max_alerts)
