"""The group's message: a title line, and beside a coloured bar the alerts, what is done about them, and the buttons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rabbitwatch.model.notice import Notice, OutAlert
from rabbitwatch.notify.receivers.slack import limits, looks
from rabbitwatch.notify.receivers.slack.blocks import Block, context, section
from rabbitwatch.notify.receivers.slack.buttons import SHOW, silence_button
from rabbitwatch.notify.receivers.slack.escaping import code, cut_markup, line, link, prose, when
from rabbitwatch.notify.receivers.slack.remarked import Said, action_blocks, said
from rabbitwatch.notify.runbook import runbook_link, runbook_links
from rabbitwatch.notify.templating import Texts
from rabbitwatch.notify.texts.view import silence_url

_FIRST_LABELS = ("cluster", "node", "vhost", "queue")
_SHOWN_ELSEWHERE = frozenset({"alertname", "severity"})


@dataclass(frozen=True, slots=True)
class Content:
    """What a message consists of. text: what notifications and screen readers get; people see the blocks."""

    text: str
    blocks: list[Block] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def arguments(self) -> dict[str, Any]:
        """For chat.postMessage, chat.update and webhooks alike: what is empty takes away what was there before."""
        return {"text": self.text, "blocks": self.blocks, "attachments": self.attachments}

    @property
    def plain(self) -> Content:
        """Only the text: for when Slack refuses what it should not have refused."""
        return Content(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What is the same for all messages of a receiver. mention: markup, put before a new message's title. show: whether
    there are ways to the agent. silence, approve: whether there are buttons for that, which somebody answers; Slack
    warns of one that nobody answers, even if it only opens a page, and so they are links otherwise."""

    texts: Texts
    mention: str = ""
    show: bool = True
    silence: bool = False
    approve: bool = False


def group_message(notice: Notice, style: Style) -> Content:
    """As the group stands now."""
    title = _title(notice, style)
    mentioned = f"{style.mention} {title}" if style.mention and notice.firing else title
    actions = said(notice)
    doing = [block for each in actions for block in action_blocks(each, notice.external_url, buttons=style.approve)]
    own = style.texts.has_own("slack.text")
    body = _own_body(notice, style, doing) if own else list(_body(notice, style, actions, doing))
    if buttons := _buttons(notice, style):
        body.append({"type": "actions", "elements": buttons})
    return Content(
        text=brief(notice),
        blocks=[section(mentioned)],
        attachments=[{"color": looks.of_notice(notice).colour, "blocks": body}] if body else [],
    )


def brief(notice: Notice) -> str:
    """One line for notifications and screen readers."""
    look = looks.of_notice(notice)
    first = next(iter(notice.alerts), None)
    summary = first.annotations.get("summary", "") if first is not None else ""
    return " ".join(
        filter(
            None,
            (
                f"{look.symbol} [{_status(notice)}]",
                line(_names(notice), limits.NAMES),
                line(" ".join(notice.group_labels.values()), limits.NAMES),
                f"- {line(summary, limits.SUMMARY)}" if summary else "",
            ),
        )
    )


def counts(notice: Notice) -> str:
    """Such as `3 firing, 1 resolved`."""
    parts = ((len(notice.firing), "firing"), (len(notice.resolved), "resolved"))
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def headline(alert: OutAlert) -> str:
    """An alert in a line: its summary, or its name where it has none, bold, behind the symbol of its severity."""
    said = alert.annotations.get("summary", "") or alert.name or "alert"
    return f"{looks.of_alert(alert).symbol} *{line(said, limits.SUMMARY)}*"


def label_line(labels: Mapping[str, str], without: Mapping[str, str] | None = None) -> str:
    """The labels that matter, each name in a code span, the broker's first, without those already told."""
    told = without or {}
    names = sorted(
        (name for name in labels if name not in _SHOWN_ELSEWHERE and name not in told),
        key=lambda name: (_FIRST_LABELS.index(name) if name in _FIRST_LABELS else len(_FIRST_LABELS), name),
    )
    shown = " · ".join(f"{line(name, 60)} {code(labels[name])}" for name in names[: limits.LABELS])
    rest = len(names) - limits.LABELS
    return f"{shown} · and {rest} more labels" if rest > 0 else shown


def _title(notice: Notice, style: Style) -> str:
    if style.texts.has_own("slack.title"):
        return cut_markup(style.texts.render("slack.title", notice), limits.TITLE)
    look = looks.of_notice(notice)
    where = label_line(notice.group_labels)
    parts = (f"{look.symbol} *{look.word}*  *{line(_names(notice), limits.NAMES)}*", where, counts(notice))
    return cut_markup(" · ".join(filter(None, parts)), limits.TITLE)


def _names(notice: Notice) -> str:
    names = sorted({alert.name or "alert" for alert in notice.firing or notice.alerts})
    return names[0] if len(names) == 1 else f"{len(names)} kinds of alerts"


def _status(notice: Notice) -> str:
    if not notice.firing:
        return "RESOLVED"
    return f"{looks.of_notice(notice).word} {len(notice.firing)} firing"


def _own_body(notice: Notice, style: Style, doing: Sequence[Block]) -> list[Block]:
    text, links = style.texts.render("slack.text", notice), " · ".join(_links(notice, style))
    return [*([section(text)] if text else ()), *doing, *([context(links)] if links else ())]


def _body(notice: Notice, style: Style, actions: Sequence[Said], doing: Sequence[Block]) -> Iterator[Block]:
    """actions, doing: what is done about the alerts, and the blocks that say so, which take their room first."""
    shared, runbooks = notice.common_labels, runbook_links(notice.alerts, notice.external_url)
    runbook = runbooks[0] if len(runbooks) == 1 else ""
    if told := label_line(shared, notice.group_labels):
        yield context(told)
    room, shown = limits.BODY - sum(len(each.markup) for each in actions), 0
    for alert in notice.alerts[: limits.ALERTS - len(doing)]:
        own = "" if runbook else runbook_link(alert.annotations, notice.external_url)
        text = _alert(alert, {**shared, **notice.group_labels}, own)
        room -= len(text)
        if room < 0 and shown:
            break
        shown += 1
        yield section(text)
    yield from doing
    rest = f"and {len(notice.alerts) - shown} more" if len(notice.alerts) > shown else ""
    if last := [*filter(None, (rest, link(runbook, "Runbook"))), *_links(notice, style)]:
        yield context(" · ".join(last))


def _alert(alert: OutAlert, told: Mapping[str, str], runbook: str) -> str:
    """runbook: its own; one that all share is told once, below. What is over needs no description."""
    description = alert.annotations.get("description", "") if not alert.resolved else ""
    return "\n".join(
        filter(
            None,
            (
                headline(alert),
                label_line(alert.labels, told),
                prose(description, limits.DESCRIPTION) if description else "",
                " · ".join(filter(None, (_times(alert), link(runbook, "Runbook")))),
            ),
        )
    )


def _times(alert: OutAlert) -> str:
    said = f"since {when(alert.starts_at)}"
    if alert.ends_at is not None:
        return f"{said}, resolved {when(alert.ends_at)}"
    if alert.blind_since is not None:
        return f"{said} · {looks.BLIND} held, not seen: no data since {when(alert.blind_since)}"
    return said


def _links(notice: Notice, style: Style) -> list[str]:
    """To the agent's pages, where there are no buttons."""
    if not style.show or style.silence or not notice.external_url:
        return []
    ways = (link(_page(notice), "Show"), link(silence_url(notice) if notice.firing else "", "Silence 1 h…"))
    return [way for way in ways if way]


def _buttons(notice: Notice, style: Style) -> list[Block]:
    buttons = []
    if style.silence and notice.firing and (silence := silence_button(notice)) is not None:
        buttons.append(silence)
    if style.silence and style.show and notice.external_url and len(notice.external_url) < limits.BUTTON_URL:
        label = {"type": "plain_text", "text": "Show"}
        buttons.append({"type": "button", "action_id": SHOW, "text": label, "url": _page(notice)})
    return buttons


def _page(notice: Notice) -> str:
    return f"{notice.external_url.rstrip('/')}/"
