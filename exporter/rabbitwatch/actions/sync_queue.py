"""Has the lagging mirrors of one classic queue copy what its leader holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rabbitwatch.actions.ports import Action, Hand
from rabbitwatch.actions.reach import CLASSIC
from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.action import Look, Plan, Progress, QueueLook, Reply, Skipped, Step, Target
from rabbitwatch.model.cluster import QueueState

NAME = "sync_queue"
BODY: Mapping[str, str] = {"action": "sync"}
SYNCING = "syncing"


class SyncQueue:
    """One step for each queue of the target with mirrors that lag, the one with the most messages at risk first.

    A sync empties the lagging mirrors and blocks the queue until they hold everything; the broker answers at once and
    tells nothing of the end. It cannot make a mirror that does not exist, and leaves out one that is still joining.
    """

    name = NAME

    def plan(self, look: Look, target: Target) -> Plan:
        state = look.state
        if state.mirroring_supported is False:
            return _nothing(
                target, "RabbitMQ 4 has no mirrored queues: nothing to synchronise, quorum queues do it themselves"
            )
        if state.mirroring_supported is None:
            return _nothing(target, "whether every node's version has mirroring is unknown, or differs between nodes")
        if not state.queues.complete:
            return _nothing(target, "which queues there are is unknown: a part of the cluster did not list its queues")
        rows = [queue for queue in state.queues.all if _in(target, queue)]
        steps: list[tuple[int, int, Step]] = []
        skipped: list[Skipped] = []
        for row in rows:
            detail = look.queues.get((row.vhost, row.name))
            why = _no_mirrors(row) or _caught_up(row, detail) or _hindered(row, detail, look)
            if not why and detail is not None:
                steps.append((-_at_risk(detail), -(detail.messages or 0), _step(look, detail)))
            elif target.queue or _ails(row, detail):
                skipped.append(Skipped(_called(row.vhost, row.name), why))
        ordered = tuple(step for *_, step in sorted(steps, key=lambda each: (*each[:2], each[2].vhost, each[2].object)))
        nothing = "" if ordered else _why_nothing(target, rows, skipped)
        return Plan(action=NAME, target=target, steps=ordered, skipped=tuple(skipped), nothing=nothing)

    def run(self, step: Step, hand: Hand) -> Reply:
        return hand.sync_queue(step.vhost, step.object)

    def progress(self, step: Step, look: Look) -> Progress:
        """By the queue list; the queue itself answers nobody while it synchronises."""
        called = _called(step.vhost, step.object)
        row = next((q for q in look.state.queues.all if (q.vhost, q.name) == (step.vhost, step.object)), None)
        if row is None and not look.state.queues.complete:
            return Progress(done=None, text=f"a part of the cluster does not list its queues, {called} among them")
        if row is None:
            return Progress(done=True, text=f"{called} no longer exists", after={"queue": None})
        after = _after(row, look.queues.get((row.vhost, row.name)))
        if row.mirrors is None or row.synchronised is None:
            return Progress(done=None, text=f"{called} does not tell its mirrors at the moment", after=after)
        if row.mirrors == 0:
            return Progress(done=False, text=f"{called} has no mirror left", after=after)
        if row.unsynchronised == 0 and row.state != SYNCING:
            text = f"{called} is synchronised: {row.synchronised} of {counted(row.mirrors, 'mirror')}"
            return Progress(done=True, text=text, measure=row.synchronised, after=after)
        return _under_way(step, row, after)


ACTION: Action = SyncQueue()


def _under_way(step: Step, row: QueueState, after: dict[str, Any]) -> Progress:
    called, leader = _called(row.vhost, row.name), step.before.get("leader")
    synchronised = row.synchronised or 0
    if row.node != leader and row.state != SYNCING:
        text = (
            f"the leader of {called} moved from {leader} to {row.node}, which ended the sync; {row.unsynchronised} lag"
        )
        return Progress(done=False, text=text, after=after)
    if row.sync_messages is None:
        text = f"{called}: {synchronised} of {counted(row.mirrors or 0, 'mirror')} synchronised"
        return Progress(done=False, text=text, measure=synchronised, after=after)
    total = max(row.messages or step.messages or 0, row.sync_messages, 1)
    text = f"{called}: {row.sync_messages} of {counted(total, 'message')} copied"
    return Progress(done=False, text=text, measure=synchronised + row.sync_messages / total, after=after)


def _nothing(target: Target, why: str) -> Plan:
    return Plan(action=NAME, target=target, nothing=why)


def _in(target: Target, queue: QueueState) -> bool:
    return (
        target.vhost in ("", queue.vhost)
        and target.queue in ("", queue.name)
        and target.policy in ("", queue.policy, queue.operator_policy)
    )


def _called(vhost: str, name: str) -> str:
    return f"queue {name!r} of vhost {vhost!r}"


def _no_mirrors(row: QueueState) -> str:
    """Why the queue can have no lagging mirror, whatever happens."""
    if row.type not in CLASSIC:
        kind = "quorum queue" if row.type == "quorum" else row.type
        return f"it is a {kind}: its members catch up by themselves, and there is no sync to ask for"
    if row.exclusive:
        return "it is exclusive, and so never mirrored"
    return "" if row.mirrored else "no policy in effect mirrors it"


def _caught_up(row: QueueState, detail: QueueLook | None) -> str:
    """Why there is nothing for a sync to do."""
    if row.unsynchronised or (detail is not None and detail.unsynchronised):
        return ""
    if row.mirrors is None:
        return "which mirrors it has is unknown"
    if row.missing:
        return f"{row.missing} of {counted(row.expected or 0, 'mirror')} do not exist, and a sync cannot make any"
    return "none of its mirrors lags" if row.mirrors else "it has no mirror"


def _hindered(row: QueueState, detail: QueueLook | None, look: Look) -> str:
    """Why no sync is asked for although mirrors lag, as far as the queue alone decides; guards decide the rest."""
    key = (row.vhost, row.name)
    if row.state == SYNCING or (detail is not None and detail.syncing):
        return "it is being synchronised already"
    if key in look.missed:
        return f"it could not be looked at: {look.missed[key]}"
    if detail is None:
        return "it was not looked at: more queues lag than are asked for at once, and it is not among the deepest"
    if detail.mirrors is None or detail.synchronised is None:
        return "it does not tell which mirrors it has"
    if (row.expected or 0) > len(detail.mirrors):
        missing = (row.expected or 0) - len(detail.mirrors)
        return f"{counted(missing, 'mirror')} did not join yet, and a sync that begins now would leave them out"
    return "" if detail.unsynchronised else "its mirrors have caught up since it was listed"


def _ails(row: QueueState, detail: QueueLook | None) -> bool:
    return row.type in CLASSIC and bool(row.unsynchronised or row.missing or (detail and detail.unsynchronised))


def _at_risk(detail: QueueLook) -> int:
    """Messages that are gone with the leader's node."""
    return 0 if detail.synchronised else detail.messages or 0


def _step(look: Look, detail: QueueLook) -> Step:
    held = "an unknown number of messages" if detail.messages is None else counted(detail.messages, "message")
    return Step(
        action=NAME,
        cluster=look.cluster,
        vhost=detail.vhost,
        object=detail.name,
        method="POST",
        path=f"/queues/{quote(detail.vhost, safe='')}/{quote(detail.name, safe='')}/actions",
        body=BODY,
        summary=(
            f"synchronise {_called(detail.vhost, detail.name)}, {held}, with {names(detail.unsynchronised)}; "
            "it is blocked meanwhile"
        ),
        before={
            "leader": detail.node,
            "mirrors": list(detail.mirrors or ()),
            "synchronised": list(detail.synchronised or ()),
            "messages": detail.messages,
        },
        queues=1,
        messages=detail.messages,
        message_bytes=detail.message_bytes,
    )


def _after(row: QueueState, detail: QueueLook | None) -> dict[str, Any]:
    """As `before`; where the queue itself did not answer, its mirrors are counts."""
    if detail is not None and detail.mirrors is not None and detail.synchronised is not None:
        mirrors: object = list(detail.mirrors)
        synchronised: object = list(detail.synchronised)
    else:
        mirrors, synchronised = row.mirrors, row.synchronised
    return {"leader": row.node, "mirrors": mirrors, "synchronised": synchronised, "messages": row.messages}


def _why_nothing(target: Target, rows: list[QueueState], skipped: list[Skipped]) -> str:
    if not rows:
        return f"no queue is known in {target}"
    if target.queue and len(skipped) == 1:
        return f"{skipped[0].object}: {skipped[0].why}"
    if skipped:
        return f"{counted(len(skipped), 'queue')} of {target} ail, and a sync would help none of them now"
    return f"no mirror lags in {target}"
