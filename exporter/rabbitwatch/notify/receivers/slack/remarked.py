"""What is done about a group's alerts, in its message and thread: a section each, with buttons where somebody has to
answer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rabbitwatch.model.notice import Notice, OutAlert, remark_id
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.receivers.slack import limits, looks
from rabbitwatch.notify.receivers.slack.blocks import Block, section
from rabbitwatch.notify.receivers.slack.buttons import approval_buttons
from rabbitwatch.notify.receivers.slack.escaping import line, link, prose
from rabbitwatch.notify.remarks import approval_url

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Said:
    """A remark, and the names of the alerts that it is about."""

    remark: Remark
    names: tuple[str, ...]

    @property
    def waits(self) -> bool:
        """Somebody has to answer."""
        return bool(self.remark.approval)

    @property
    def first(self) -> str:
        """What it is, and about what, in a line."""
        look = looks.WAITING if self.waits else looks.ACTION
        more = f" and {len(self.names) - _NAMED} more" if len(self.names) > _NAMED else ""
        names = ", ".join(line(name, limits.NAMES) for name in self.names[:_NAMED])
        return f"{look.symbol} *{look.word}* · {names}{more}"

    @property
    def markup(self) -> str:
        """All of it; its lines stay."""
        return f"{self.first}\n{prose(self.remark.text, limits.ACTION)}"


def said(notice: Notice) -> list[Said]:
    """The latest remark of each alert that fires, each once: those that wait for an answer first, then the newest."""
    return _gathered((alert, alert.remarks[-1:]) for alert in notice.firing)


def news(notice: Notice, told: Collection[str]) -> list[Said]:
    """The remarks of which the short ids are not among those that were told, in the same order."""
    return _gathered(
        (alert, [each for each in alert.remarks if short_id(alert, each) not in told]) for alert in notice.firing
    )


def short_id(alert: OutAlert, remark: Remark) -> str:
    """For a thread's memory."""
    return hashlib.sha256(remark_id(alert.fingerprint, remark).encode()).hexdigest()[:8]


def action_blocks(each: Said, external_url: str, *, buttons: bool) -> list[Block]:
    """For the group's message. buttons: somebody answers them; otherwise a link leads to the agent's page."""
    approval = each.remark.approval
    if not approval:
        return [section(each.markup)]
    if buttons and (made := approval_buttons(approval, each.remark.text)):
        return [section(each.markup), {"type": "actions", "elements": made}]
    way = link(approval_url(external_url, approval), "Approve or decline…")
    return [section(f"{each.markup}\n{way}".strip())]


def _gathered(found: Iterable[tuple[OutAlert, Sequence[Remark]]]) -> list[Said]:
    by_text: dict[tuple[str, str], tuple[Remark, list[str]]] = {}
    for alert, remarks in found:
        for remark in remarks:
            _, names = by_text.setdefault((remark.text, remark.approval), (remark, []))
            if (name := alert.name or "alert") not in names:
                names.append(name)
    each = [Said(remark, tuple(names)) for remark, names in by_text.values()]
    return sorted(each, key=lambda one: (not one.waits, -one.remark.at))[: limits.ACTIONS]
