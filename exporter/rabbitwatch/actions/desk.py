"""Where people, pages and commands ask: the facade, over the crews of all clusters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import structlog

from rabbitwatch.actions.act import PROGRESS, Order
from rabbitwatch.actions.approvals import approved_by, deed_of
from rabbitwatch.actions.audit import PAUSED, PLANNED, REFUSED, RESUMED
from rabbitwatch.actions.binding import fitting
from rabbitwatch.actions.books import Books
from rabbitwatch.actions.crew import Crew
from rabbitwatch.actions.facade import Applied, BindingStatus, Considered, Decision, OpenStep
from rabbitwatch.actions.intake import Intake
from rabbitwatch.actions.line import answered, new_deed
from rabbitwatch.actions.peer import Told
from rabbitwatch.actions.ports import Approval, Entry
from rabbitwatch.actions.table import ACTIONS
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.errors import ActionError, StorageError
from rabbitwatch.model.action import Cause, Outcome, Progress, Target
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.remark import Remark

_log = structlog.get_logger(__name__)


class Desk:
    """Implements actions.facade.Repairs.

    crews: by what alerts call the cluster. config: the section as it is now. remark: says something about an alert.
    """

    def __init__(
        self,
        books: Books,
        intake: Intake,
        *,
        crews: Callable[[], Mapping[str, Crew]],
        config: Callable[[], ActionsConfig],
        remark: Callable[[str, Remark], None],
        now: Callable[[], float],
    ) -> None:
        self._books = books
        self._intake = intake
        self._firing = intake.firing
        self._crews = crews
        self._config = config
        self._remark = remark
        self._now = now

    def plan(self, target: Target, action: str, cause: Cause) -> Considered:
        """See Repairs."""
        return self._crew(target.cluster).line.consider(_known(action), target, cause)

    def apply(self, target: Target, action: str, cause: Cause, approved: Collection[str] = ()) -> Applied:
        """See Repairs."""
        crew = self._crew(target.cluster)
        considered = crew.line.consider(_known(action), target, cause, tuple(approved))
        plan = considered.plan
        if not plan.steps:
            return Applied(considered=considered, text=plan.text or f"nothing to do: {plan.nothing}")
        lost = crew.line.scene.may_act()
        free = [] if lost else [step for step in plan.steps if not considered.refusals(step)]
        begun = {step.digest: new_deed() for step in free}
        for step in plan.steps:
            self._books.audit.record(
                PLANNED if step.digest in begun else REFUSED,
                cause,
                deed=begun.get(step.digest, ""),
                step=step,
                target=target,
                answers=considered.answers[step.digest],
                outcome=Outcome.PROPOSED if step.digest in begun else Outcome.REFUSED,
                text=lost,
            )
        for step in free:
            crew.order(
                Order(
                    deed=begun[step.digest],
                    digest=step.digest,
                    action=action,
                    target=target,
                    cause=cause,
                    binding=None,
                    approved=step.digest in approved,
                )
            )
        return Applied(considered=considered, begun=begun, text=_applied(lost, len(begun), len(plan.steps)))

    def approve(self, approval_id: str, by: str, source: str) -> Decision:
        """See Repairs."""
        approval = self._books.approvals.get(approval_id)
        if approval is not None and approval.granted is None:
            if approval.cluster not in self._crews():
                return Decision(f"cluster {approval.cluster!r} is not watched now: nothing was done", done=False)
            self.withdraw_ended()
        found = self._books.approvals.answer(approval_id, granted=True, by=by, source=source)
        if found.approval is None:
            return found.decision
        return self._granted(found.approval, by, found.decision)

    def decline(self, approval_id: str, by: str, source: str) -> Decision:
        """See Repairs."""
        found = self._books.approvals.answer(approval_id, granted=False, by=by, source=source)
        approval = self._books.approvals.get(approval_id)
        if found.decision.done and approval is not None:
            self._close(approval, f"Declined by {by}, nothing is done: {approval.summary}")
        return found.decision

    def approval(self, approval_id: str) -> Approval | None:
        """See Repairs."""
        return self._books.approvals.get(approval_id)

    def waiting(self) -> Sequence[Approval]:
        """See Repairs."""
        return self._books.approvals.waiting()

    def bindings(self) -> Sequence[BindingStatus]:
        """See Repairs."""
        now = list(self._intake.bound)
        return [
            BindingStatus(
                binding=binding,
                firing=[(b.alert.fingerprint, b.alert.name, b.target) for b in now if b.index == index],
            )
            for index, binding in enumerate(self._config().bindings)
        ]

    def open_steps(self) -> Sequence[OpenStep]:
        """See Repairs."""
        return [OpenStep(entry=each, progress=self._progress(each)) for each in self._books.history.open()]

    def entries(self, *, after: int = 0, limit: int = 1000, cluster: str = "", deed: str = "") -> Sequence[Entry]:
        """See Repairs."""
        return self._books.history.entries(after=after, limit=limit, cluster=cluster, deed=deed)

    def tell(self, since: float) -> Told:
        """See Repairs."""
        return Told.of(self._books.history.deeds(since), self._books.pause.get())

    @property
    def last_entry(self) -> Entry | None:
        """See Repairs."""
        return self._books.history.last()

    def leases(self) -> Mapping[str, str]:
        """See Repairs."""
        nobody = "there is nobody to act as: actions.username is not set"
        return {name: nobody if crew.lease is None else crew.lease.last for name, crew in self._crews().items()}

    @property
    def peer_unknown(self) -> str:
        """See Repairs."""
        return self._books.peer.unknown if self._config().in_use else ""

    def pause(self, by: str, source: str) -> None:
        """See Repairs."""
        if self._books.pause.pause(by, self._now()):
            _log.warning("repairs are paused", by=by, source=source)
            self._books.audit.record(PAUSED, Cause(source=source, by=by))

    def resume(self, by: str, source: str) -> None:
        """See Repairs."""
        books = self._books
        if books.pause.get() is None and not books.peer.resumable:
            return
        # on record first: whoever looks for the one who let it act again must find him
        books.audit.record(RESUMED, Cause(source=source, by=by))
        books.pause.resume()
        books.peer.resume()
        _log.info("repairs are resumed", by=by, source=source)

    @property
    def paused(self) -> str:
        """See Repairs. Where nobody can tell it is paused."""
        if self._config().paused:
            return "paused by the configuration: actions.paused"
        try:
            return str(self._books.pause.get() or self._books.peer.paused)
        except StorageError as error:
            return f"whether somebody has paused repairs cannot be read: {error}"

    def take_webhook(self, alerts: Sequence[OutAlert]) -> int:
        """See Repairs."""
        bindings = self._config().bindings
        fit = [alert for alert in alerts if any(True for _ in fitting(bindings, alert))]
        self._firing.sent(fit)
        ended = self._firing.ended(fit, (each.cause for each in self._books.approvals.waiting()))
        self._withdraw(ended)
        self._intake.hand_over()
        return len(fit)

    def webhook_refused(self, sender: str, why: str) -> None:
        """See Repairs."""
        self._books.counts.webhook_refused()
        self._books.audit.record("webhook refused", Cause(source="alertmanager", by=sender), text=why)

    def withdraw_ended(self) -> None:
        """End the questions about alerts that have ended. StorageError."""
        waiting = self._books.approvals.waiting()
        self._withdraw({each.cause.fingerprint for each in waiting if self._firing.over(each.cause)})

    def expire(self) -> None:
        """End the questions that nobody answered in time. StorageError."""
        for approval in self._books.approvals.expire():
            self._close(approval, f"Nobody approved it in time, nothing was done: {approval.summary}")

    def _withdraw(self, ended: Collection[str]) -> None:
        for approval in self._books.approvals.withdraw(ended) if ended else ():
            self._close(approval, f"The alert has ended, nothing was done: {approval.summary}")

    def _granted(self, approval: Approval, by: str, decision: Decision) -> Decision:
        crew = self._crew(approval.cluster)
        order = crew.line.granted(approval, by)
        if isinstance(order, str):
            cause = approved_by(approval.cause, by)
            self._books.audit.record(
                REFUSED, cause, deed=deed_of(approval.id), outcome=Outcome.REFUSED, text=f"Nothing was done: {order}"
            )
            self._close(approval, f"Approved by {by}, and nothing was done: {order}")
            return Decision(f"approved by {by}, and nothing is done: {order}", done=True)
        self._close(approval, f"Approved by {by}, guards are asked again: {approval.summary}")
        crew.order(order)
        return decision

    def _close(self, approval: Approval, text: str) -> None:
        """What stands in the question's place: it asks for nothing any more."""
        self._remark(approval.cause.fingerprint, answered(approval, text))

    def _progress(self, asked: Entry) -> Progress | None:
        said = [each for each in self._books.history.entries(deed=asked.deed) if each.event == PROGRESS]
        return Progress(done=False, text=said[-1].text, after=said[-1].after or {}) if said else None

    def _crew(self, cluster: str) -> Crew:
        crews = self._crews()
        if cluster not in crews:
            raise ActionError(f"no cluster is called {cluster!r}; known: {_listed(crews)}")
        return crews[cluster]


def _known(action: str) -> str:
    if action not in ACTIONS:
        raise ActionError(f"no action is called {action!r}; known: {_listed(ACTIONS)}")
    return action


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none yet"


def _applied(lost: str, begun: int, steps: int) -> str:
    if lost:
        return f"nothing is begun: {lost}"
    if not begun:
        return "nothing is begun: guards refuse every step"
    return f"{begun} of {steps} steps are begun, one after the other; guards are asked again before each"
