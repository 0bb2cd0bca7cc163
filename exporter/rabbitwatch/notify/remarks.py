"""What is said about firing alerts besides that they fire: kept by alert, and put onto it before it is told.

    board.post(alert.fingerprint, Remark(id="…", at=now, text="would synchronise 3 queues", loud=True))

A loud remark is news as a new alert is: its id joins the fingerprints that the delivery log knows as told
(model/notice.py), so it is told once, also after a kill and by a pair of agents. The latest loud one
stands as annotation `action` in whatever leaves the program. A quiet one is only said where there is a thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote

import structlog

from rabbitwatch.errors import StorageError
from rabbitwatch.logs import Trouble, escape_controls
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.remark import Remark

ACTION = "action"
"""The annotation."""

OVERLAP_S = 60.0
"""Agents of a pair see an alert begin at different times: a remark may be that much older than the alert. An older one
is about a former time that the alert fired."""

PAGES = "/actions/approvals"
"""Where the agent asks for an approval."""

ABSENT_S = 900.0
"""For how long remarks wait for their alert: who posts may see it earlier than the notices do."""

_log = structlog.get_logger(__name__)


def approval_url(external_url: str, approval_id: str) -> str:
    """Where people can answer; "" without an approval, or an agent that can be reached."""
    known = external_url and approval_id
    return f"{external_url.rstrip('/')}{PAGES}/{quote(approval_id, safe='')}" if known else ""


def remarked(alert: OutAlert, *said: Remark) -> OutAlert:
    """The alert with these remarks, newest last. One that is over keeps the annotation alone."""
    annotations = {**alert.annotations, ACTION: said[-1].text}
    return replace(alert, annotations=annotations, remarks=() if alert.resolved else said)


class RemarkStore(Protocol):
    """The board's memory; storage/remarks.py. Each method is one transaction; StorageError when it is not durable."""

    def load(self) -> Mapping[str, Sequence[Remark]]:
        """What is kept, by fingerprint, newest last."""
        ...

    def save(self, fingerprint: str, remarks: Sequence[Remark]) -> None:
        """Keep these in place of all that were kept of this alert."""
        ...

    def forget(self, fingerprints: Sequence[str]) -> None:
        """Drop what is kept of these."""
        ...


class ForgetfulRemarkStore:
    """Keeps nothing: for tests and for what runs without a database."""

    def load(self) -> Mapping[str, Sequence[Remark]]:
        """See RemarkStore."""
        return {}

    def save(self, fingerprint: str, remarks: Sequence[Remark]) -> None:
        """See RemarkStore."""

    def forget(self, fingerprints: Sequence[str]) -> None:
        """See RemarkStore."""


@dataclass(frozen=True, slots=True)
class RemarkLimits:
    """alerts: with remarks; each: remarks of one alert; text: characters of one."""

    alerts: int = 5_000
    each: int = 50
    text: int = 4_000


class RemarkBoard:
    """All remarks. Safe to use from any thread; whoever reads never waits for the database.

    Loud remarks outlive a restart. One that cannot be stored is told all the same: a kill in the meantime loses it.
    """

    def __init__(self, store: RemarkStore | None = None, *, limits: RemarkLimits | None = None) -> None:
        self._store = store or ForgetfulRemarkStore()
        self._limits = limits or RemarkLimits()
        self._writing = threading.RLock()
        self._by_alert = OrderedDict((each, tuple(some)) for each, some in self._store.load().items())
        self._posted: Callable[[str, Remark], None] = lambda _fingerprint, _remark: None
        self._trouble = Trouble(
            lambda why: _log.error(
                "what was said about an alert could not be stored: a restart would forget it", why=why
            )
        )

    def listen(self, posted: Callable[[str, Remark], None]) -> None:
        """`posted` is to be told of each remark that says something new, on the thread of whoever posts, with no lock
        held."""
        self._posted = posted

    def post(self, fingerprint: str, remark: Remark) -> None:
        """Say this about the alert. A remark of the same id takes the place of what it said before, and is no news; but
        that a question is answered is: one with an `approval`, in whose place one without stands. Never raises."""
        remark = replace(remark, text=self._cut(remark.text))
        with self._writing:
            before = self._by_alert.get(fingerprint, ())
            if remark in before:
                return
            others = (each for each in before if each.id != remark.id)
            self._keep(fingerprint, sorted([*others, remark], key=lambda each: each.at), save=remark.loud)
        self._posted(fingerprint, remark)

    def of(self, fingerprint: str) -> Sequence[Remark]:
        """What was said about this alert, newest last."""
        return self._by_alert.get(fingerprint, ())

    def on(self, alert: OutAlert) -> OutAlert:
        """The alert with its loud remarks, and with the latest as annotation. One that is over keeps the annotation."""
        remarks = self._by_alert.get(alert.fingerprint, ())
        said = tuple(each for each in remarks if each.loud and each.at >= alert.starts_at - OVERLAP_S)
        if not said:
            return alert
        return remarked(alert, *said)

    def loud(self) -> list[tuple[str, Remark]]:
        """All loud remarks, with their alerts' fingerprints: for the peer."""
        with self._writing:
            return [(one, each) for one, some in self._by_alert.items() for each in some if each.loud]

    def merge(self, theirs: Iterable[tuple[str, Remark]]) -> None:
        """Take over what the peer has, where it is not known here, and questions that were answered there."""
        for fingerprint, remark in theirs:
            known = next((each for each in self.of(fingerprint) if each.id == remark.id), None)
            if remark.loud and (known is None or (known.approval and not remark.approval)):
                self.post(fingerprint, remark)

    def keep(self, fingerprints: Collection[str], now: float) -> None:
        """These alerts are all that there are: forget what was said of others, but not what was just said."""
        with self._writing:
            gone = [
                each
                for each, some in self._by_alert.items()
                if each not in fingerprints and some[-1].at < now - ABSENT_S
            ]
            self._forget(gone)

    def _keep(self, fingerprint: str, remarks: Sequence[Remark], *, save: bool) -> None:
        kept = _newest(remarks, self._limits.each)
        self._by_alert[fingerprint] = kept
        self._by_alert.move_to_end(fingerprint)
        if save:
            self._write(lambda: self._store.save(fingerprint, [each for each in kept if each.loud]))
        while len(self._by_alert) > self._limits.alerts:
            self._forget([next(iter(self._by_alert))])

    def _forget(self, fingerprints: Sequence[str]) -> None:
        for fingerprint in fingerprints:
            del self._by_alert[fingerprint]
        if fingerprints:
            self._write(lambda: self._store.forget(fingerprints))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StorageError as error:
            self._trouble.is_now(str(error))
        else:
            self._trouble.is_now("")

    def _cut(self, text: str) -> str:
        """Lines stay; what could hide something or move the cursor is spelt out."""
        shown = escape_controls(text.strip(), keep="\n")
        return shown if len(shown) <= self._limits.text else shown[: self._limits.text - 1].rstrip() + "…"


def _newest(remarks: Sequence[Remark], count: int) -> tuple[Remark, ...]:
    """At most so many; quiet ones go first, for they are told already or never."""
    spare = len(remarks) - count
    if spare <= 0:
        return tuple(remarks)
    quiet = [each for each in remarks if not each.loud][:spare]
    left = [each for each in remarks if each not in quiet]
    return tuple(left[len(left) - count :])
