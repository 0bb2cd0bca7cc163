"""Where the runbook of an alert can be read: one click from the notice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.texts.media import web_address

PAGES = "/runbooks"
"""Where the agent shows the runbooks that it ships."""

_LONGEST_URL = 2000
_IN_THE_REPOSITORY = re.compile(r"docs/runbooks/([A-Za-z0-9_-]+)\.md")


def runbook_link(annotations: Mapping[str, str], external_url: str) -> str:
    """The address of the runbook, or "" where there is none that a browser should open.

    `runbook_url` if it is an http(s) address, else `runbook` if that is one. A path docs/runbooks/NAME.md in `runbook`,
    as the shipped rules have, is the agent's own page; external_url: where people reach it.
    """
    own = own_runbook(annotations)
    page = f"{external_url.rstrip('/')}{PAGES}/{own}" if own else annotations.get("runbook", "")
    found = web_address(annotations.get("runbook_url", "")) or web_address(page)
    return found if len(found) <= _LONGEST_URL else ""


def own_runbook(annotations: Mapping[str, str]) -> str:
    """The name of the runbook of this repository that `runbook` names, below PAGES; "" where it names none."""
    own = _IN_THE_REPOSITORY.fullmatch(annotations.get("runbook", "").strip())
    return own[1] if own else ""


def runbook_links(alerts: Iterable[OutAlert], external_url: str) -> list[str]:
    """Those of several alerts, each once, in the alerts' order; "" stands for alerts that have none."""
    return list(dict.fromkeys(runbook_link(alert.annotations, external_url) for alert in alerts))
