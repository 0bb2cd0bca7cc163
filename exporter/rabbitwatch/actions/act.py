"""Taking one step, from the go-ahead to its end. Nothing is sent that is not on record, and nothing is sent twice.

    look, plan (the same step?) -> every guard, the lease too -> `requested`, durable -> every guard once more
        -> the request -> `replied` -> follow -> `ended`

Whatever ends the agent in between leaves `requested` without `ended`: `finish` goes on from there, by looking only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from rabbitwatch.actions import wording
from rabbitwatch.actions.audit import ENDED, REFUSED, REQUESTED
from rabbitwatch.actions.follow import Follow
from rabbitwatch.actions.ports import Entry, Hand
from rabbitwatch.actions.scene import Scene
from rabbitwatch.config.actions import BindingConfig
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Answer, Cause, Outcome, Progress, Reply, Step, Target
from rabbitwatch.model.remark import Remark

REPLIED = "replied"
PROGRESS = "progress"

Ask = Callable[[], Sequence[Answer]]
"""What every guard says about a step at the moment of the call."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One step to take, on somebody's word. digest: of the step that it was given for. binding: None where a person
    asked by command or page; action: the one that plans. approved: a person has seen this very step."""

    deed: str
    digest: str
    action: str
    target: Target
    cause: Cause
    binding: BindingConfig | None
    approved: bool = False


class Act:
    """For one cluster, one thread at a time. stopping: set when the thread is to end."""

    def __init__(self, scene: Scene, stopping: threading.Event) -> None:
        self._scene = scene
        self._stopping = stopping

    def take(self, order: Order) -> Outcome:
        """Take the step, and stay with it to its end: REFUSED where it is not taken, REQUESTED where the end was not
        waited for because the thread ends. StorageError where it cannot be recorded; then nothing was sent."""
        scene = self._scene
        look = scene.looker.look(order.target)
        if self._stopping.is_set():  # which breaks a look off, so that it says nothing
            return self._refuse(order, None, (), "Nothing was done: this agent is stopping")
        plan = scene.actions[order.action].plan(look, order.target)
        step = next((each for each in plan.steps if each.digest == order.digest), None)
        if step is None:
            why = "what was to be done is not what would be done now" if plan.steps else plan.nothing
            return self._refuse(order, None, (), f"Nothing was done: {why or 'there is nothing to do any more'}")
        ask = partial(
            scene.answers,
            step,
            look,
            scene.past(),
            cause=order.cause,
            binding=order.binding,
            approved=order.approved,
            acting=True,
        )
        answers = ask()
        if wording.refusing(answers) or scene.make_hand is None:
            return self._refuse(order, step, answers, wording.refused(step, answers))
        return self._request(order, step, answers, ask, scene.make_hand(look))

    def drop(self, order: Order) -> None:
        """Record that the step's turn will not come. Raises StorageError."""
        why = "this agent has ceased to act in the cluster before this step's turn came"
        self._refuse(order, None, (), f"Nothing was done: {why}")

    def finish(self, asked: Entry) -> None:
        """Follow a step that is open to its end. Raises StorageError."""
        if asked.step is not None and asked.step.action in self._scene.actions:
            self._follow(asked, asked.step)

    def _request(self, order: Order, step: Step, answers: Sequence[Answer], ask: Ask, hand: Hand) -> Outcome:
        scene = self._scene
        asked = scene.audit.record(
            REQUESTED,
            order.cause,
            deed=order.deed,
            step=step,
            target=order.target,
            answers=answers,
            before=step.before,
            outcome=Outcome.REQUESTED,
        )
        late = wording.against(ask())  # a slow disk, or a stop of the process: the look is old, or somebody has paused
        reply = (
            Reply(status=None, unsent=True, reason=f"nothing was sent: {late}")
            if late
            else scene.actions[step.action].run(step, hand)
        )
        self._note(REPLIED, asked, step, reply=reply, text=reply.reason)
        if reply.unsent or (reply.status is not None and not reply.taken):
            self._end(asked, step, Outcome.FAILED, Progress(done=False, text=reply.reason, after=step.before), 0.0)
            return Outcome.FAILED
        self._say(asked, "begun", wording.begun(step, str(order.cause)))
        return self._follow(asked, step)

    def _follow(self, asked: Entry, step: Step) -> Outcome:
        scene = self._scene
        followed = Follow(
            scene.actions[step.action],
            step,
            scene.looker,
            scene.config.verify,
            requested=asked.at,
            tell=lambda progress: self._tell(asked, step, progress),
            wait=self._stopping.wait,
            now=scene.now,
        ).run()
        if followed.outcome is not Outcome.REQUESTED and followed.progress is not None:
            self._end(asked, step, followed.outcome, followed.progress, followed.took)
        return followed.outcome

    def _end(self, asked: Entry, step: Step, outcome: Outcome, progress: Progress, took: float) -> None:
        scene = self._scene
        scene.audit.record(
            ENDED,
            asked.cause,
            deed=asked.deed,
            step=step,
            before=step.before,
            after=progress.after,
            outcome=outcome,
            text=progress.text,
        )
        scene.counts.ended(step.cluster, step.action, outcome)
        log = _log.info if outcome is Outcome.DONE else _log.warning
        log("a repair has ended", deed=asked.deed, outcome=outcome.value, step=step.summary, seen=progress.text)
        self._say(asked, "ended", wording.ended(step, outcome, progress.text, took), loud=True)

    def _refuse(self, order: Order, step: Step | None, answers: Sequence[Answer], text: str) -> Outcome:
        scene = self._scene
        scene.audit.record(
            REFUSED,
            order.cause,
            deed=order.deed,
            step=step,
            target=order.target,
            answers=answers,
            outcome=Outcome.REFUSED,
            text=text,
        )
        for answer in wording.refusing(answers):
            scene.counts.refused(scene.cluster, order.action, answer.guard)
        remark = Remark(id=f"{order.deed}.refused", at=scene.now(), text=text, loud=order.approved)
        scene.remark(order.cause.fingerprint, remark)
        return Outcome.REFUSED

    def _tell(self, asked: Entry, step: Step, progress: Progress) -> None:
        self._note(PROGRESS, asked, step, after=progress.after, text=progress.text)
        self._say(asked, f"progress.{round(self._scene.now() * 1000)}", progress.text)

    def _say(self, asked: Entry, what: str, text: str, *, loud: bool = False) -> None:
        remark = Remark(id=f"{asked.deed}.{what}", at=self._scene.now(), text=text, loud=loud)
        self._scene.remark(asked.cause.fingerprint, remark)

    def _note(self, event: str, asked: Entry, step: Step, **said: object) -> None:
        """Record something about a request that is under way: if that fails, looking goes on all the same."""
        try:
            self._scene.audit.record(event, asked.cause, deed=asked.deed, step=step, **said)  # type: ignore[arg-type]
        except StorageError as error:
            self._scene.counts.audit_failed()
            _log.error(
                "what became of a repair could not be recorded", deed=asked.deed, event_name=event, why=str(error)
            )
