"""The line of one cluster from firing alerts to repairs, in code. Read this first.

    bound alerts -> look -> plan -> every guard -> mode: dry_run | approve | auto -> take (act.py) -> all anew

One thread walks it, one step at a time; what it says of an alert it says once for as long as it stays the same.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from rabbitwatch.actions import wording
from rabbitwatch.actions.act import Act, Order
from rabbitwatch.actions.approvals import approved_by, deed_of
from rabbitwatch.actions.audit import PLANNED, REFUSED
from rabbitwatch.actions.binding import Bound, Key, fitting
from rabbitwatch.actions.facade import Considered
from rabbitwatch.actions.ports import Approval, Entry
from rabbitwatch.actions.scene import Scene
from rabbitwatch.config.actions import ACTING, BindingConfig
from rabbitwatch.model.action import Answer, Cause, Deed, Look, Outcome, Plan, Step, Target
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.remark import Remark

ASTRAY = "not about a watched cluster"

_SETTLED = frozenset({"lease", "cooldown", "one_step"})
"""Guards whose refusal is no news to people: another agent acts, or something was just done."""


@dataclass(slots=True)
class Memory:
    """What was recorded last, by binding and alert: so that the audit does not grow while nothing happens."""

    verdicts: dict[Key, object] = field(default_factory=dict)
    fighting: dict[Key, frozenset[str]] = field(default_factory=dict)

    def news(self, key: Key, verdict: object) -> bool:
        """It differs from what was recorded last."""
        return self.verdicts.get(key) != verdict

    def note(self, key: Key, verdict: object) -> None:
        """It is on record now: only then, so that what could not be recorded is tried again."""
        self.verdicts[key] = verdict

    def keep(self, keys: Sequence[Key]) -> None:
        """Forget all others: their alerts have ended."""
        for memory in (self.verdicts, self.fighting):
            for key in memory.keys() - set(keys):
                memory.pop(key, None)

    @property
    def fights(self) -> int:
        """How many different steps are refused because something undoes them."""
        return len(frozenset().union(*list(self.fighting.values())))


class Line:
    """For one cluster; `walk`, `take` and `finish` are one thread's, `consider` is anybody's."""

    def __init__(self, scene: Scene, stopping: threading.Event) -> None:
        self.scene = scene
        self.memory = Memory()
        self._stopping = stopping

    def walk(self, bound: Sequence[Bound]) -> bool:
        """Once along the line, for these alerts of this cluster. True when a step was taken, and all must be looked at
        anew. StorageError: something could not be recorded, and was not done."""
        scene = self.scene
        self.finish()
        if not bound or self._stopping.is_set():
            return False
        targets = {each.target for each in bound}
        look = scene.looker.look(targets.pop() if len(targets) == 1 else Target(scene.cluster))
        if self._stopping.is_set():  # which breaks a look off, so that it says nothing
            return False
        past = scene.past()
        for each in bound:
            considered = self._consider(each.binding, look, past, each.target, each.cause)
            self._note_fights(each, considered)
            order = self._decide(each, considered)
            if order is not None:
                return Act(scene, self._stopping).take(order) is not Outcome.REFUSED
        return False

    def finish(self) -> None:
        """Follow what is open in this cluster, of former lives and of requests whose end could not be recorded."""
        for entry in self.opened():
            if not self._stopping.is_set():
                Act(self.scene, self._stopping).finish(entry)

    def opened(self) -> Sequence[Entry]:
        """Requests in this cluster whose end is not on record."""
        return [e for e in self.scene.history.open() if e.step is not None and e.step.cluster == self.scene.cluster]

    def consider(self, action: str, target: Target, cause: Cause, approved: Sequence[str] = ()) -> Considered:
        """What a person who asks would get; nothing is recorded. approved: digests of steps."""
        look = self.scene.looker.look(target)
        plan = self.scene.actions[action].plan(look, target)
        past = self.scene.past()
        answers = {
            step.digest: self.scene.answers(
                step, look, past, cause=cause, binding=None, approved=step.digest in approved
            )
            for step in plan.steps
        }
        unseen = "" if look.state.components else f"no node of {target} has told what it sees"
        return Considered(plan=plan, answers=answers, unseen=unseen)

    def take(self, order: Order) -> Outcome:
        """A step that a person asked for."""
        return Act(self.scene, self._stopping).take(order)

    def drop(self, order: Order) -> None:
        """Refuse a step that was asked for and whose turn will not come. StorageError."""
        Act(self.scene, self._stopping).drop(order)

    def granted(self, approval: Approval, by: str) -> Order | str:
        """What to take now that a person has approved; why nothing can be, in one line."""
        cause = approval.cause
        alert = OutAlert(
            labels=cause.labels,
            annotations={},
            starts_at=0.0,
            ends_at=None,
            updated_at=0.0,
            fingerprint=cause.fingerprint,
        )
        fit = (
            binding
            for _, binding in fitting(self.scene.config.bindings, alert)
            if binding.action == approval.plan.action and binding.mode in ACTING
        )
        binding = next(fit, None)
        if binding is None:
            return "no binding leads from the alert to this action any more"
        return Order(
            deed=deed_of(approval.id),
            digest=approval.digest,
            action=approval.plan.action,
            target=approval.plan.target,
            cause=approved_by(cause, by),
            binding=binding,
            approved=True,
        )

    def _consider(
        self, binding: BindingConfig, look: Look, past: Sequence[Deed], target: Target, cause: Cause
    ) -> Considered:
        plan = self.scene.actions[binding.action].plan(look, target)
        answers = {
            step.digest: self.scene.answers(
                step, look, past, cause=cause, binding=binding, acting=binding.mode in ACTING
            )
            for step in plan.steps
        }
        return Considered(plan=plan, answers=answers)

    def _decide(self, bound: Bound, considered: Considered) -> Order | None:
        """What the binding's mode makes of it: say it, ask for it, or take the first step that nothing speaks
        against."""
        mode, plan = bound.binding.mode, considered.plan
        if mode == "auto":
            free = next((step for step in plan.steps if not considered.refusals(step)), None)
            if free is not None:
                self._record(bound, considered, PLANNED)
                return _order(bound, free)
        if mode in ACTING:
            step = next((step for step in plan.steps if considered.approvable(step)), None)
            if step is not None:
                self._ask(bound, plan, step, considered.answers[step.digest])
                return None
        self._say(bound, considered)
        return None

    def _ask(self, bound: Bound, plan: Plan, step: Step, answers: Sequence[Answer]) -> None:
        scene = self.scene
        if scene.approvals.rests(step, bound.binding.cooldown):
            return
        expires = scene.config.approval.expires
        approval = scene.approvals.ask(step, plan, bound.cause, answers, expires)
        self.memory.note(bound.key, approval.id)
        text = wording.question(plan, step, answers, expires)
        scene.remark(bound.alert.fingerprint, asking(approval, text))

    def _say(self, bound: Bound, considered: Considered) -> None:
        """Record and tell a plan that is not carried out, when it or what speaks against it is news."""
        plan = considered.plan
        event = REFUSED if bound.binding.mode in ACTING and plan.steps else PLANNED
        if not self._record(bound, considered, event):
            return
        head = wording.head_of_refusal(plan) if event == REFUSED else wording.head_of_dry_run(plan)
        if bound.binding.mode in ACTING and not plan.steps:
            head = f"Nothing was done: {plan.nothing}"
        text = wording.proposal(plan, considered.answers, head=head)
        # not from memory: the alert may have ended meanwhile, and its memory with it
        remark_id = wording.marked(bound.alert.fingerprint, _verdict(event, considered))
        remark = Remark(id=remark_id, at=self.scene.now(), text=text, loud=_loud(bound, considered))
        self.scene.remark(bound.alert.fingerprint, remark)

    def _record(self, bound: Bound, considered: Considered, event: str) -> bool:
        """One entry for each step, where the verdict is another than the last time."""
        plan, scene = considered.plan, self.scene
        verdict = _verdict(event, considered)
        if not self.memory.news(bound.key, verdict):
            return False
        outcome = Outcome.REFUSED if event == REFUSED else Outcome.PROPOSED
        if not plan.steps:
            text = plan.text or plan.nothing
            scene.audit.record(event, bound.cause, target=plan.target, outcome=outcome, text=f"{plan.action}: {text}")
        for step in plan.steps:
            answers = considered.answers[step.digest]
            scene.audit.record(
                event, bound.cause, step=step, target=plan.target, answers=answers, before=step.before, outcome=outcome
            )
            for answer in wording.refusing(answers):
                scene.counts.refused(scene.cluster, plan.action, answer.guard)
        self.memory.note(bound.key, verdict)
        return True

    def _note_fights(self, bound: Bound, considered: Considered) -> None:
        fights = frozenset(
            d for d, answers in considered.answers.items() if any(a.guard == "fight" and a.refused for a in answers)
        )
        self.memory.fighting[bound.key] = fights


def asking(approval: Approval, text: str) -> Remark:
    """The question, told to everybody with a way to answer."""
    return Remark(id=f"{deed_of(approval.id)}.asked", at=approval.made_at, text=text, loud=True, approval=approval.id)


def answered(approval: Approval, text: str) -> Remark:
    """In the question's place once it is answered: no news, and nothing to answer any more."""
    return Remark(id=f"{deed_of(approval.id)}.asked", at=approval.made_at, text=text, loud=True)


def new_deed() -> str:
    """An id for a step that is to be taken."""
    return secrets.token_hex(8)


def _order(bound: Bound, step: Step) -> Order:
    return Order(
        deed=new_deed(),
        digest=step.digest,
        action=bound.binding.action,
        target=bound.target,
        cause=bound.cause,
        binding=bound.binding,
    )


def _verdict(event: str, considered: Considered) -> object:
    """What makes a plan and its refusals the same as the last one: not its figures, which change with every poll."""
    plan = considered.plan
    steps = tuple((s.digest, tuple(a.guard for a in considered.refusals(s))) for s in plan.steps)
    skipped = tuple((each.object, wording.shape(each.why)) for each in plan.skipped)
    return event, plan.action, steps, skipped, wording.shape(plan.text), wording.shape(plan.nothing)


def _loud(bound: Bound, considered: Considered) -> bool:
    """Whether people must hear of it at once. Not that there is nothing to do, nor that another agent acts."""
    plan = considered.plan
    if plan.text:
        return True
    if not plan.steps:
        return False
    if bound.binding.mode not in ACTING:
        return True
    return not all(_settled(considered.answers[step.digest]) for step in plan.steps)


def _settled(answers: Sequence[Answer]) -> bool:
    return any(answer.guard in _SETTLED for answer in wording.refusing(answers))
