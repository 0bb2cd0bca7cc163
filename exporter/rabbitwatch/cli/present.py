"""What fires and what is silenced now, asked of a running agent over Alertmanager's API v2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rabbitwatch.cli.api_v2 import call
from rabbitwatch.cli.ask import AskError, shown
from rabbitwatch.config.matchers import Matcher
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.silence import Silence
from rabbitwatch.notify.explain import Present
from rabbitwatch.web.alertmanager.drafts import OPERATORS


def ask_present(url: str) -> tuple[Present | None, str]:
    """What the agent says, or None with the reason why that is not known."""
    if not url:
        return None, "no agent was asked (--url)"
    try:
        alerts, silences = (call(url, "GET", f"/{what}") for what in ("alerts", "silences"))
        return Present([_alert(each) for each in alerts], [_silence(each) for each in silences]), ""
    except AskError as error:
        return None, str(error)
    except (KeyError, TypeError, ValueError):
        return None, f"{shown(url)} gives no answer of Alertmanager's API"


def _alert(document: Mapping[str, Any]) -> OutAlert:
    return OutAlert(
        labels=document["labels"],
        annotations=document.get("annotations", {}),
        starts_at=moment(document["startsAt"]),
        ends_at=None,
        updated_at=moment(document["updatedAt"]),
        fingerprint=document["fingerprint"],
    )


def _silence(document: Mapping[str, Any]) -> Silence:
    return Silence(
        id=document["id"],
        matchers=tuple(_matcher(each) for each in document["matchers"]),
        starts_at=moment(document["startsAt"]),
        ends_at=moment(document["endsAt"]),
        created_by=document["createdBy"],
        comment=document["comment"],
        updated_at=moment(document["updatedAt"]),
    )


def _matcher(document: Mapping[str, Any]) -> Matcher:
    operator = OPERATORS[document.get("isRegex", False), document.get("isEqual", True)]
    return Matcher(document["name"], operator, document["value"])


def moment(text: str) -> float:
    """Seconds since the epoch, of RFC3339 or of themselves; ValueError otherwise."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
