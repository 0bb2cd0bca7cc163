"""Takes the pictures of docs/notifications.md: `python tests/pictures/make.py` (needs Debian's chromium).

The mail is the HTML that the email receiver sends, in a browser. Slack's look is not ours to copy: the picture is drawn
in a simple style of our own from the very blocks that the Slack receiver sends.
"""

from __future__ import annotations

import html
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rabbitwatch.model.notice import Notice, OutAlert, Reason
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.receivers.slack.blocks import context, section
from rabbitwatch.notify.receivers.slack.message import Content, Style, group_message
from rabbitwatch.notify.receivers.slack.thread import remembered, reply_to
from rabbitwatch.notify.remarks import remarked
from rabbitwatch.notify.templating import Texts

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
NOW = 1_796_162_340.0  # 2026-12-01 21:59:00 UTC
URL = "https://rabbitwatch.example.org"

SLACK_STYLE = """
body { font: 15px/1.46 'Liberation Sans', Arial, sans-serif; margin: 0; padding: 16px 20px; color: #1d1c1d }
.who { font-weight: 700; margin-bottom: 2px } .who small { color: #616061; font-weight: 400; margin-left: 6px }
.app { background: #e8e8e8; border-radius: 3px; font-size: 10px; padding: 1px 4px; margin-left: 4px; color: #616061 }
.bar { border-left: 4px solid; border-radius: 3px; padding-left: 12px; margin: 6px 0 }
.section { margin: 8px 0 } .context { color: #616061; font-size: 13px; margin: 6px 0 }
code { color: #c01343; background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; padding: 0 3px }
code { font-size: 12px }
.button { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px; margin: 6px 8px 2px 0 }
.button { font-weight: 700; font-size: 14px }
.primary { background: #007a5a; border-color: #007a5a; color: #fff }
.danger { color: #e01e5a; border-color: #e01e5a }
.thread { margin: 8px 0 0 10px; padding-left: 14px; border-left: 2px solid #ddd } a { color: #1264a3 }
.message { margin-bottom: 14px }
"""


def split(*, ended: float | None = None) -> OutAlert:
    return _alert(
        "RabbitMQClusterSplit",
        "critical",
        {"cluster": "orders"},
        "orders is split into 2 groups that do not see each other",
        "The nodes of orders that answer fall into 2 groups. Clients go on in each of them, and what happens in a "
        "group that is given up later is lost. Brokers report a partition only after the link has healed, so theirs "
        "may still say that all is well. Who sees whom: rabbit@a sees rabbit@a rabbit@b; "
        "rabbit@b sees rabbit@a rabbit@b; rabbit@c sees rabbit@c;",
        NOW - 42,
        ended,
    )


def at_risk(*, ended: float | None = None) -> OutAlert:
    return _alert(
        "RabbitMQMessagesAtRisk",
        "critical",
        {"cluster": "orders", "vhost": "/"},
        "Messages in vhost / that hang on a single node: 12.35k",
        "Mirrored queues of vhost / in orders have no synchronised mirror: 12.35k messages are lost if their leader's "
        "node fails. The deepest: orders.created (9.8k) orders.paid (2.51k)",
        NOW + 270,
        ended,
    )


def _alert(
    name: str, severity: str, labels: Mapping[str, str], summary: str, description: str, at: float, ended: float | None
) -> OutAlert:
    return OutAlert(
        labels={"alertname": name, "severity": severity, **labels},
        annotations={
            "summary": summary,
            "description": description,
            "runbook_url": f"https://runbooks.example.org/{name}",
        },
        starts_at=at,
        ends_at=ended,
        updated_at=at,
        generator_url=f"{URL}/graph?g0.expr=up",
    )


def notice(reason: Reason, at: float, *alerts: OutAlert) -> Notice:
    return Notice(
        receiver="oncall",
        group_key='{}:{cluster="orders"}',
        group_labels={"cluster": "orders"},
        alerts=alerts,
        reason=reason,
        at=at,
        external_url=URL,
    )


FIRST = notice(Reason.FIRST, NOW, split())
MORE = notice(Reason.NEW, NOW + 300, split(), at_risk())
OVER = notice(Reason.ALL_RESOLVED, NOW + 900, split(ended=NOW + 880), at_risk(ended=NOW + 890))


def mrkdwn(text: str) -> str:
    """Slack's markup as HTML; `& < >` are escaped in it already."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<(https?:[^|>]*)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    return text.replace("\n", "<br>")


def block(one: Mapping[str, Any]) -> str:
    if one["type"] == "actions":
        return "".join(
            f'<span class="button {b.get("style", "")}">{html.escape(b["text"]["text"])}</span>'
            for b in one["elements"]
        )
    texts = one["elements"] if one["type"] == "context" else [one["text"]]
    return f'<div class="{one["type"]}">{" ".join(mrkdwn(text["text"]) for text in texts)}</div>'


def blocks(content: Content) -> Iterator[str]:
    yield from map(block, content.blocks)
    for attachment in content.attachments:
        yield f'<div class="bar" style="border-color:{attachment["color"]}">'
        yield from map(block, attachment["blocks"])
        yield "</div>"


def message(content: Content, when: str) -> str:
    who = f'<div class="who">rabbitwatch <span class="app">APP</span><small>{when}</small></div>'
    return f'<div class="message">{who}{"".join(blocks(content))}</div>'


def approval() -> str:
    """What waits, and the thread when it is done."""
    plan = (
        "would synchronise 2 queues of vhost /, one after the other:\n"
        "orders.created (9800 messages, 12 MB) on rabbit@b\norders.paid (2510 messages, 3 MB) on rabbit@b"
    )
    asked = Remark(id="1", at=NOW + 330, text=plan, loud=True, approval="q")
    done = Remark(
        id="2", at=NOW + 420, text="done: 2 queues are synchronised; approved by alice (U012AB3CD)", loud=True
    )
    waits = notice(Reason.REMARKED, NOW + 330, remarked(at_risk(), asked))
    over = notice(Reason.REMARKED, NOW + 420, remarked(at_risk(), asked, done))
    style = Style(texts=Texts.of(), silence=True, approve=True)
    replies = [
        (reply_to(waits, remembered(notice(Reason.FIRST, NOW + 300, at_risk())), "").content, "22:04"),
        (Content("", [section("\u2705 alice (U012AB3CD): approved; the guards are asked again")]), "22:05"),
        (Content("", [context("orders.created: 40 % of 9800 messages")]), "22:05"),
        (reply_to(over, remembered(waits), "").content, "22:06"),
    ]
    thread = "".join(message(content, when) for content, when in replies)
    return message(group_message(waits, style), "22:04 (edited)") + f'<div class="thread">{thread}</div>'


def slack() -> Iterator[tuple[str, str]]:
    style = Style(texts=Texts.of(), silence=True)
    replies = [
        (reply_to(MORE, remembered(FIRST), "").content, "22:04"),
        (reply_to(OVER, remembered(MORE), "").content, "22:14"),
    ]
    yield "slack-approval", approval()
    yield "slack-firing", message(group_message(FIRST, style), "21:59")
    thread = "".join(message(content, when) for content, when in replies)
    yield (
        "slack-resolved",
        message(group_message(OVER, style), "21:59 (edited)") + f'<div class="thread">{thread}</div>',
    )


def shot(name: str, page: str, *, width: int, height: int, dark: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={folder}/profile", f"--window-size={width},{height}"),
                *(f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"--screenshot={IMAGES / name}.png"),
                file.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    texts = Texts.of()
    mail = texts.render("email.html", MORE)
    shot("mail-firing", mail, width=700, height=720)
    shot("mail-firing-dark", mail, width=700, height=720, dark=True)
    shot("mail-resolved", texts.render("email.html", OVER), width=700, height=330)
    heights = {"slack-firing": 330, "slack-resolved": 490, "slack-approval": 770}
    for name, body in slack():
        head = f"<!DOCTYPE html><meta charset=utf-8><style>{SLACK_STYLE}</style>"
        shot(name, head + body, width=760, height=heights[name])


if __name__ == "__main__":
    main()
