"""Questions to people: asked once, answered once, and over when their time or their alert is.

The store decides who was first (`ApprovalStore.decide`); each question and each answer is in the audit. The id is what
an approval is answered by, so it stands in none of the entries: `deed_of` is what they have instead.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rabbitwatch.actions.audit import APPROVED, Audit
from rabbitwatch.actions.facade import Decision
from rabbitwatch.actions.ports import Approval, ApprovalStore, AuditStore
from rabbitwatch.model.action import Answer, Cause, Outcome, Plan, Step

AWAITING, DECLINED, EXPIRED, WITHDRAWN, FORGED = "awaiting", "declined", "expired", "withdrawn", "forged"
NOBODY = "nobody"
"""Who has decided about one that is over without an answer: its time was up, or its alert has ended."""
_FORGED_SECONDS = 60.0
"""At most one `forged` entry in this time: nobody outside may fill the audit."""
_REMEMBERED = 1000


def deed_of(approval_id: str) -> str:
    """The deed's id: the same for the same approval, and of no use to whoever wants to give it."""
    return hashlib.sha256(f"deed of {approval_id}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer. approval: the one that is granted now, None where nothing follows."""

    decision: Decision
    approval: Approval | None = None


class Approvals:
    """All questions of one agent. Safe to call from any thread. StorageError where they cannot be kept."""

    def __init__(
        self,
        store: ApprovalStore,
        audit: Audit,
        now: Callable[[], float],
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self._store = store
        self._audit = audit
        self._now = now
        self._new_id = new_id
        self._lock = threading.Lock()
        self._forged_at = float("-inf")
        self._rested: dict[tuple[str, str], float] = {}

    def recall(self, audit: AuditStore, since: float) -> None:
        """Take back which questions were declined or have expired lately, after a restart."""
        for entry in audit.entries(since=since, newest=True, limit=_REMEMBERED):
            if entry.event in (DECLINED, EXPIRED) and entry.step is not None:
                self._rested[entry.step.cluster, entry.step.digest] = entry.at

    def get(self, approval_id: str) -> Approval | None:
        """Also one that was answered or has expired."""
        return self._store.get(approval_id)

    def waiting(self) -> Sequence[Approval]:
        """Those that can still be given, oldest first."""
        now = self._now()
        return [each for each in self._store.waiting() if each.expires_at > now]

    def rests(self, step: Step, seconds: float) -> bool:
        """Somebody has declined this step, or nobody answered, within so many seconds: do not ask again yet."""
        at = self._rested.get((step.cluster, step.digest))
        return at is not None and self._now() - at < seconds

    def ask(self, step: Step, plan: Plan, cause: Cause, answers: Sequence[Answer], expires: float) -> Approval:
        """A question about this step; the one that waits already where there is one."""
        with self._lock:
            same = (w for w in self.waiting() if (w.cluster, w.digest) == (step.cluster, step.digest))
            found = next(same, None)
            if found is not None:
                return found
            now = self._now()
            approval = Approval(
                id=self._new_id(),
                cluster=step.cluster,
                digest=step.digest,
                summary=step.summary,
                cause=cause,
                plan=plan,
                made_at=now,
                expires_at=now + expires,
            )
            deed = deed_of(approval.id)
            self._audit.record(AWAITING, cause, deed=deed, step=step, answers=answers, outcome=Outcome.AWAITING)
            self._store.add(approval)  # after its record: nobody can answer what is not on record
        return approval

    def answer(self, approval_id: str, *, granted: bool, by: str, source: str) -> Answered:
        """Somebody's answer. The first one counts; a granted one is on record before this returns it."""
        approval, now = self._store.get(approval_id), self._now()
        if approval is None:
            self._note_forged(by, source)
            return Answered(Decision("there is no such approval: nothing was done", done=False))
        if approval.granted is None and approval.expires_at <= now:
            self._over(approval, EXPIRED, Outcome.EXPIRED, NOBODY, "nobody answered in time")
            return Answered(Decision("this approval has expired: nothing was done", done=False))
        if not self._store.decide(approval_id, granted=granted, by=by, at=now):
            return Answered(Decision(self._too_late(approval_id), done=False))
        who = f"{by} ({source})"
        if not granted:
            self._record(approval, DECLINED, Outcome.DECLINED, f"declined by {who}", by)
            return Answered(Decision(f"declined by {by}: nothing is done", done=True), None)
        self._record(approval, APPROVED, None, f"approved by {who}", by)
        said = f"approved by {by}: it begins now, unless a guard refuses when asked again"
        return Answered(Decision(said, done=True), approval)

    def expire(self) -> Sequence[Approval]:
        """End those whose time is over; which."""
        now = self._now()
        late = [each for each in self._store.waiting() if each.expires_at <= now]
        return [a for a in late if self._over(a, EXPIRED, Outcome.EXPIRED, NOBODY, "nobody answered in time")]

    def withdraw(self, ended: Collection[str]) -> Sequence[Approval]:
        """End those whose alerts, by fingerprint, have ended; which."""
        gone = [each for each in self._store.waiting() if each.cause.fingerprint in ended]
        return [a for a in gone if self._over(a, WITHDRAWN, Outcome.EXPIRED, NOBODY, "its alert has ended")]

    def _over(self, approval: Approval, event: str, outcome: Outcome, by: str, why: str) -> bool:
        if not self._store.decide(approval.id, granted=False, by=by, at=self._now()):
            return False
        self._record(approval, event, outcome, why, "")
        return True

    def _record(self, approval: Approval, event: str, outcome: Outcome | None, text: str, by: str) -> None:
        step = next((each for each in approval.plan.steps if each.digest == approval.digest), None)
        if event in (DECLINED, EXPIRED):
            self._rested[approval.cluster, approval.digest] = self._now()
            while len(self._rested) > _REMEMBERED:
                del self._rested[next(iter(self._rested))]
        cause = approved_by(approval.cause, by)
        self._audit.record(event, cause, deed=deed_of(approval.id), step=step, outcome=outcome, text=text)

    def _too_late(self, approval_id: str) -> str:
        there = self._store.get(approval_id)
        if there is None or there.granted is None:
            return "this approval has expired: nothing was done"
        what = "approved" if there.granted else "declined"
        return f"it was {what} already by {there.decided_by}: this answer changes nothing"

    def _note_forged(self, by: str, source: str) -> None:
        with self._lock:
            now = self._now()
            if now - self._forged_at < _FORGED_SECONDS:
                return
            self._forged_at = now
        self._audit.record(FORGED, Cause(source=source, by=by), text="an answer to an approval that does not exist")


def approved_by(cause: Cause, by: str) -> Cause:
    """The alert as the cause, and who stands for it."""
    if not by:
        return cause
    return Cause(source=cause.source, alert=cause.alert, fingerprint=cause.fingerprint, labels=cause.labels, by=by)
