"""Foreign text made harmless in mrkdwn, Slack's markup, where there is no escape character but for `& < >`.

A queue may be called `<!channel>`, `*all is well*` or `:white_check_mark:`. Names go into code spans, in which Slack
reads no markup and from which people can copy them unchanged. Prose keeps its look: a character that could be read as
markup is replaced by one that looks alike (an invisible one beside it would not do: to Slack that is a word's end, at
which markup begins). Every text object is sent with `verbatim`, so that Slack makes no links of plain addresses and
channel names (docs.slack.dev, "Formatting message text" and "Text object").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from rabbitwatch.logs import escape_controls

LONGEST_URL = 2000

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ALIKE = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb", ":": "\ua789", "@": "\uff20", ">": "\u203a"}
_MARKS = re.compile(
    r"[*~`]"
    r"|(?<![0-9A-Za-z_])_++|_++(?![0-9A-Za-z])"  # inside a word it is no markup, and most queues' names have some
    r"|:(?=[\w+'-]+:)"  # before an emoji's name
    r"|(?<![0-9A-Za-z])@(?=(?:here|channel|everyone|group)\b)"
    r"|^[^\S\n]*>",  # a quotation, at the start of a line
    re.MULTILINE | re.IGNORECASE,
)
_LINK = re.compile(r"\b([a-z][a-z0-9+.-]*):(?=//)|\b(www|mailto)(?=[.:])", re.IGNORECASE)
_JOINER = "\u2060"  # WORD JOINER: no room, no line break; it ends what looks like an address
_EMPTY = '""'
_URL_SAFE = "/:?#[]@!$&()+,;=%-._~"


def harmless(text: str) -> str:
    """Text of any length that Slack shows as it is; line breaks stay, other control characters are spelt out."""
    broken = _LINK.sub(rf"\g<0>{_JOINER}", escape_controls(text, keep="\n"))
    return _MARKS.sub(_look_alike, broken).translate(_ENTITIES)


def prose(text: str, limit: int) -> str:
    """Text of several lines, such as a description: at most `limit` characters when escaped, else cut, with `…`."""
    return _within(limit, text.strip(), harmless)


def line(text: str, limit: int) -> str:
    """The same in one line."""
    return prose(" ".join(text.split()), limit)


def code(text: str, limit: int = 200) -> str:
    """A name in a code span; an empty one shows as `""`."""
    return f"`{_within(limit, text or _EMPTY, _literal)}`"


def link(url: str, label: str) -> str:
    """A link with our own label; empty where the address is none that a browser should open."""
    try:
        known = urlsplit(url.strip())
        valid = known.scheme in ("http", "https") and bool(known.hostname)
    except ValueError:
        return ""
    address = quote(url.strip(), safe=_URL_SAFE, errors="replace").translate(_ENTITIES)
    return f"<{address}|{label}>" if valid and len(address) <= LONGEST_URL else ""


def when(moment: float) -> str:
    """A time (seconds since the epoch) as each reader's clock shows it; in UTC where Slack cannot."""
    fallback = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment)}^{{date_short_pretty}} {{time}}|{fallback}>"


def cut_markup(text: str, limit: int) -> str:
    """Markup that a template has made, cut to `limit` characters where no link, entity or code span is torn."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    if kept.rfind("<") > kept.rfind(">"):
        kept = kept[: kept.rfind("<")]
    if kept.count("`") % 2:
        kept = kept[: kept.rfind("`")]
    return re.sub(r"&[a-z]{0,3}$", "", kept) + "…"


def _literal(text: str) -> str:
    return escape_controls(text).replace("`", _ALIKE["`"]).translate(_ENTITIES)


def _look_alike(found: re.Match[str]) -> str:
    return "".join(_ALIKE.get(character, character) for character in found[0])


def _within(limit: int, text: str, escape: Callable[[str], str]) -> str:
    """Cut before it is escaped, for a part of an entity would be none; a character becomes ten at most."""
    escaped = escape(text[: limit + 1])
    if len(escaped) <= limit:
        return escaped
    text = text[: limit - 1]
    while len(escaped := escape(text.rstrip())) > limit - 1:
        text = text[: -max(1, (len(escaped) - limit + 1) // 10)]
    return escaped + "…"
