"""Where a text is read decides how a value that is put into it must be escaped.

What an alert brings along (names of queues above all) is anybody's text. Whatever the medium, it must not become
markup, a mention or a link, must not begin a line of its own and must not turn the direction of writing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

import markupsafe

from rabbitwatch.logs import escape_controls
from rabbitwatch.notify.receivers.slack.escaping import prose

JOINER = "\u2060"
"""WORD JOINER: takes no room and breaks no line, but ends what a mail or chat program takes for a link or mention."""

_LINK = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*:)(//)|\b(www)(\.)")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#!|~])")
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LONGEST_ESCAPE = 10
_URL_SAFE = "!#$&'()*+,/:;=?@[]~%"


class Medium(StrEnum):
    """PLAIN: text and titles. HTML: mail. SLACK: its mrkdwn. MARKDOWN: what apprise hands on."""

    PLAIN = "plain"
    HTML = "html"
    SLACK = "slack"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Escapes:
    """value: any text. url: an address that `web_address` let through."""

    value: Callable[[str], str]
    url: Callable[[str], str]


def visible(text: str) -> str:
    """`text` with control characters and changes of direction spelt out, and links that no program follows. Line
    breaks and tabs stay."""
    return _LINK.sub(rf"\1\3{JOINER}\2\4", escape_controls(text, keep="\n\t"))


def one_line(text: str) -> str:
    """`text` with every control character spelt out, line breaks too: for labels, which have one line."""
    return text if text.isprintable() else escape_controls(text)  # of thousands of labels nearly all are printable


def web_address(text: str) -> str:
    """`text` if it is an http(s) address, with what could end the place it stands in percent-encoded; else nothing."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        return ""
    return quote(text.strip(), safe=_URL_SAFE, errors="replace")


def html(text: str) -> str:
    """Quotes too, so that it may stand in an attribute."""
    return str(markupsafe.escape(visible(text)))


def slack(text: str) -> str:
    """As the Slack receiver escapes prose, with the spaces around it kept."""
    core = text.strip()
    before, _, after = text.partition(core) if core else (text, "", "")
    return before + prose(visible(core), _LONGEST_ESCAPE * len(core) + _LONGEST_ESCAPE) + after


def markdown(text: str) -> str:
    """A backslash before whatever could be markup; `@` is kept from mentioning anybody."""
    return _MARKDOWN.sub(r"\\\1", visible(text)).replace("@", f"@{JOINER}")


ESCAPES = {
    Medium.PLAIN: Escapes(value=visible, url=str),
    Medium.HTML: Escapes(value=html, url=lambda text: str(markupsafe.escape(text))),
    Medium.SLACK: Escapes(value=slack, url=lambda text: text.translate(_SLACK).replace("|", "%7C")),
    Medium.MARKDOWN: Escapes(value=markdown, url=lambda text: text.replace("(", "%28").replace(")", "%29")),
}
