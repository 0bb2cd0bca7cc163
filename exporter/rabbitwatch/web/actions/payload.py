"""What Alertmanager posts to a webhook, read: version 4, as its docs/configuration.md and webhook.go have it.

More keys than are known do no harm: later versions may add some.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.model.notice import OutAlert

VERSION = "4"


class PayloadError(RabbitwatchError):
    """The body is no notice of an Alertmanager; the text says in one line where it differs."""


class _Alert(msgspec.Struct, rename="camel"):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    annotations: dict[str, str] = {}
    generator_url: str = msgspec.field(name="generatorURL", default="")


class _Notice(msgspec.Struct, rename="camel"):
    version: str
    alerts: list[_Alert]
    truncated_alerts: int = 0


_decode = msgspec.json.Decoder(_Notice, strict=True).decode


def read(body: bytes, now: Callable[[], float] = time.time) -> tuple[Sequence[OutAlert], int]:
    """The alerts, and how many the sender has left out; PayloadError where the body is something else.

    Fingerprints are made from the labels: what the sender says of them is not asked. now: seconds since the epoch.
    """
    try:
        notice = _decode(body)
        if notice.version != VERSION:
            raise PayloadError(f"version {notice.version!r} of Alertmanager's webhook is not known, only {VERSION!r}")
        at = now()
        return [_read(alert, at) for alert in notice.alerts], max(0, notice.truncated_alerts)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise PayloadError(f"the body is no notice of Alertmanager's webhook: {error}") from None


def _read(alert: _Alert, now: float) -> OutAlert:
    resolved = alert.status == "resolved"
    return OutAlert(
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.starts_at.timestamp(),
        ends_at=(alert.ends_at.timestamp() if alert.ends_at else now) if resolved else None,
        updated_at=now,
        generator_url=alert.generator_url,
    )
