"""What is told in the thread of a group's message: each change once, as a reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rabbitwatch.model.notice import Notice, OutAlert, Reason
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.slack import limits, looks
from rabbitwatch.notify.receivers.slack.blocks import section
from rabbitwatch.notify.receivers.slack.escaping import line, when
from rabbitwatch.notify.receivers.slack.message import Content, counts, headline, label_line
from rabbitwatch.notify.receivers.slack.remarked import Said, news, short_id

SHOWN = 8
_REMEMBERED = 100
_SHORT = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """broadcast: shown in the channel as well, for an edited message and a reply call nobody."""

    content: Content
    broadcast: bool


def reply_to(notice: Notice, memory: Memory, mention: str) -> Reply:
    """What this notice changes. memory: of the message; empty where it was found again after a kill, and what people
    saw of it is not known. mention: markup, put before what is shown in the channel."""
    remarks = news(notice, memory.get("remarks", "").split())
    broadcast = notice.reason is Reason.REPEAT or not memory or _worse(notice, memory) or bool(remarks)
    first, alerts = _said(notice, memory)
    if notice.reason is Reason.REMARKED and remarks:
        lines, brief = [], f"{remarks[0].first}: {line(remarks[0].remark.text, limits.SUMMARY)}"
    else:
        lines, brief = [first, *_listed(alerts, notice)], first
    lines += [_told(remark) for remark in remarks]
    if broadcast and mention and (notice.reason is not Reason.REMARKED or any(each.waits for each in remarks)):
        lines[0] = f"{mention} {lines[0]}"
    return Reply(Content(_brief(notice, brief), [section("\n".join(lines))]), broadcast)


def remembered(notice: Notice) -> dict[str, str]:
    """What the next reply must know: which alerts and remarks were told (none where they are too many), and how bad it
    was."""
    told = [alert.fingerprint[:_SHORT] for alert in notice.firing]
    remarks = [short_id(alert, each) for alert in notice.firing for each in alert.remarks]
    return {
        "firing": " ".join(told) if len(told) <= _REMEMBERED else "",
        "remarks": " ".join(remarks[-_REMEMBERED:]),
        "count": str(len(told)),
        "rank": str(looks.of_notice(notice).rank),
    }


def _said(notice: Notice, memory: Memory) -> tuple[str, Sequence[OutAlert]]:
    if not notice.firing:
        started = min((alert.starts_at for alert in notice.alerts), default=notice.at)
        ended = max((alert.ends_at or notice.at for alert in notice.alerts), default=notice.at)
        number = f"all {len(notice.alerts)} alerts" if len(notice.alerts) > 1 else "the alert"
        return f"{looks.RESOLVED.symbol} Resolved: {number}, after {_span(ended - started)}", notice.resolved
    if notice.reason is Reason.SOME_RESOLVED:
        return (
            f"{looks.RESOLVED.symbol} {len(notice.resolved)} resolved, {len(notice.firing)} still firing",
            notice.resolved,
        )
    if notice.reason is Reason.REPEAT:
        since = min(alert.starts_at for alert in notice.firing)
        return f"{looks.of_notice(notice).symbol} Still {counts(notice)}, since {when(since)}", notice.firing
    new = _new(notice, memory)
    symbol = looks.worst(new or notice.firing).symbol
    if not new:
        return f"{symbol} Now {counts(notice)} (before: {line(memory.get('count', '?'), 10)})", ()
    return f"{symbol} {len(new)} new: now {counts(notice)}", new


def _new(notice: Notice, memory: Memory) -> list[OutAlert]:
    """Those that were not told before; none where that is not known."""
    told = set(memory.get("firing", "").split())
    return [alert for alert in notice.firing if alert.fingerprint[:_SHORT] not in told] if told else []


def _listed(alerts: Sequence[OutAlert], notice: Notice) -> list[str]:
    told = {**notice.common_labels, **notice.group_labels}
    lines = [" ".join(filter(None, (headline(each), label_line(each.labels, told)))) for each in alerts[:SHOWN]]
    return [*lines, f"and {len(alerts) - SHOWN} more"] if len(alerts) > SHOWN else lines


def _told(said: Said) -> str:
    """The buttons stand in the group's message alone, where they are taken away when somebody has answered."""
    return f"{said.markup}\n(to be answered in the message above)" if said.waits else said.markup


def _brief(notice: Notice, first: str) -> str:
    labels = " ".join(notice.group_labels.values())
    return f"{first} {line(labels, 120)}".strip()


def _worse(notice: Notice, memory: Memory) -> bool:
    before = memory.get("rank", "")
    return before.isdigit() and looks.of_notice(notice).rank > int(before)


def _span(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    if minutes < 1:
        return "less than a minute"
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
