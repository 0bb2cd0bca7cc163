"""A notice as a mail: headers that a program can sort by, text and HTML for people.

A group's mails make one thread: each refers to the group's first, whose id is remembered. A mail's own id follows from
the attempt, so the double that a crash may cause carries the same id, and mail stores that look at it show it once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

from rabbitwatch.config.receivers import EmailConfig
from rabbitwatch.errors import ConfigError
from rabbitwatch.logs import escape_controls
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.templating import Texts

_THREAD = "thread"
_SUBJECT_LIMIT = 250
_SIMPLE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{7,63}")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}>")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_URGENT = frozenset({"critical", "page", "error"})
_OURS = frozenset(
    {
        *("from", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references", "mime-version"),
        *("content-type", "content-transfer-encoding", "content-disposition", "auto-submitted"),
    }
)


class MailWriter:
    """Writes the mails of one receiver; ConfigError when its headers cannot be used."""

    def __init__(self, config: EmailConfig, texts: Texts) -> None:
        self._texts = texts
        self._from = config.from_
        self._to = config.to
        self._headers = _checked(config.headers)
        self.sender = addresses(config.from_)[0]
        self.recipients = addresses(config.to)

    def write(self, notice: Notice, memory: Memory, attempt: str) -> tuple[EmailMessage, Memory]:
        """The mail, and what the group's next one must know."""
        mail = EmailMessage(policy=SMTP)
        own = f"<{_local_part(attempt)}@{self.sender.rpartition('@')[2]}>"
        first = memory.get(_THREAD, "")
        subject = escape_controls(self._texts.render("email.subject", notice))
        mail["From"] = self._from
        mail["To"] = self._to
        mail["Subject"] = subject if len(subject) <= _SUBJECT_LIMIT else subject[: _SUBJECT_LIMIT - 1] + "…"
        mail["Date"] = datetime.fromtimestamp(notice.at, UTC)
        mail["Message-ID"] = own
        if _MESSAGE_ID.fullmatch(first):
            mail["In-Reply-To"] = first
            mail["References"] = first
        for name, value in {**_sortable(notice), **self._headers}.items():
            mail[name] = value
        mail.set_content(self._texts.render("email.text", notice) + "\n", cte="quoted-printable")
        mail.add_alternative(self._texts.render("email.html", notice) + "\n", subtype="html", cte="quoted-printable")
        return mail, {_THREAD: first if _MESSAGE_ID.fullmatch(first) else own}


def addresses(text: str) -> list[str]:
    """`A <a@example.org>, b@example.org` is a@example.org and b@example.org, each once."""
    return list(dict.fromkeys(address for _, address in getaddresses([text]) if address))


def _sortable(notice: Notice) -> dict[str, str]:
    """For filters of mail programs, and against answers by machines (RFC 3834)."""
    severities = {alert.labels.get("severity", "").lower() for alert in notice.firing}
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Rabbitwatch-Status": notice.status,
        "X-Rabbitwatch-Group": hashlib.sha256(notice.group_key.encode(errors="replace")).hexdigest()[:16],
    }
    if severities & _URGENT:
        headers |= {"Importance": "high", "X-Priority": "1"}
    return headers


def _local_part(attempt: str) -> str:
    if _SIMPLE_ID.fullmatch(attempt):
        return attempt
    return hashlib.sha256(attempt.encode(errors="replace")).hexdigest()[:32]


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigError(f"headers: {name!r} is no name of a header")
        if name.lower() in _OURS:
            raise ConfigError(f"headers: {name} is written by rabbitwatch and cannot be replaced")
        if not value.isprintable():
            raise ConfigError(f"headers: the value of {name} must be one line of printable text")
    return dict(headers)
