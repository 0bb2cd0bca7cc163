"""PagerDuty's Events API v2: an incident a group, opened by the first notice and ended when nothing fires any more.

Facts from developer.pagerduty.com, "Send an Alert Event": 202 takes it; 400 means that the event is wrong for good;
429 and 5xx mean to try again; an event has 512 KB, a summary 1,024 characters, dedup_key 255, and severity is one of
four words.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from rabbitwatch.clients.wording import readable
from rabbitwatch.config.receivers import PagerdutyConfig
from rabbitwatch.errors import ConfigError
from rabbitwatch.model.notice import Notice, OutAlert
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.http import Poster
from rabbitwatch.notify.receivers.payload import rfc3339
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.runbook import runbook_links
from rabbitwatch.notify.templating import Texts, own_texts

EVENT_LIMIT = 512_000
SUMMARY_LIMIT = 1024
_FIELD_LIMIT = 255
_LINKS = 10
_SEVERITIES = frozenset({"critical", "error", "warning", "info"})
_UNKNOWN_SEVERITY = "error"
_CLIENT = "rabbitwatch"


class PagerdutySender:
    """See the module. routing_key: of the integration at PagerDuty; a secret, and it travels in the body."""

    def __init__(self, poster: Poster, routing_key: str, texts: Texts) -> None:
        self._poster = poster
        self._routing_key = routing_key
        self._texts = texts

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        """See Sender; the same event twice is one incident, for its dedup_key is the group's."""
        self._poster.post(self._body(notice), {"Content-Type": "application/json"})
        return {}

    def close(self) -> None:
        """See Sender."""
        self._poster.close()

    def _body(self, notice: Notice) -> bytes:
        """The event with as many alerts as it can hold: half of them, and half again, until it fits."""
        shown = len(notice.alerts)
        while len(body := msgspec.json.encode(self._event(notice, shown))) > EVENT_LIMIT and shown:
            shown //= 2
        return body

    def _event(self, notice: Notice, shown: int) -> dict[str, Any]:
        event = {
            "routing_key": self._routing_key,
            "dedup_key": hashlib.sha256(notice.group_key.encode("utf-8", "replace")).hexdigest(),
            "event_action": "trigger" if notice.firing else "resolve",
        }
        if not notice.firing:
            return event
        link = {"client_url": notice.external_url} if notice.external_url else {}
        ways = [url for url in runbook_links(notice.firing, notice.external_url) if url][:_LINKS]
        links = {"links": [{"href": url, "text": "What to do"} for url in ways]} if ways else {}
        return event | {"client": _CLIENT, "payload": self._payload(notice, shown)} | link | links

    def _payload(self, notice: Notice, shown: int) -> dict[str, Any]:
        summary = self._texts.render("pagerduty.description", notice)
        severity = self._texts.render("pagerduty.severity", notice).lower()
        common = notice.common_labels
        left_out = len(notice.alerts) - shown
        return {
            "summary": readable(summary or notice.group_key, SUMMARY_LIMIT),
            "source": _field(common.get("node") or common.get("cluster") or _CLIENT),
            "severity": severity if severity in _SEVERITIES else _UNKNOWN_SEVERITY,
            "timestamp": rfc3339(min(alert.starts_at for alert in notice.firing)),
            "component": _field(common.get("queue", "")),
            "group": _field(common.get("cluster", "")),
            "class": _field(common.get("alertname", "")),
            "custom_details": {
                "num_firing": len(notice.firing),
                "num_resolved": len(notice.resolved),
                "alerts": [_alert(alert) for alert in notice.alerts[:shown]],
                **({"truncated": f"and {left_out} more alerts that do not fit in"} if left_out else {}),
            },
        }


def _field(text: str) -> str:
    return readable(text, _FIELD_LIMIT)


def _alert(alert: OutAlert) -> dict[str, Any]:
    return {
        "status": "resolved" if alert.resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "since": rfc3339(alert.starts_at),
        "source": alert.generator_url,
    }


def make(config: PagerdutyConfig, tools: Tools) -> PagerdutySender:
    """See table.KINDS."""
    if config.routing_key is None:
        raise ConfigError("lacks routing_key: give one, or routing_key_file")
    poster = Poster(config.url, config.http, config.timeout, now=tools.now)
    texts = tools.texts.with_own(own_texts("pagerduty", config), where="pagerduty_configs")
    return PagerdutySender(poster, config.routing_key.get_secret_value(), texts)
