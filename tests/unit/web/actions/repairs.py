"""Repairs as a test wants them, with what was asked of them; and the nouns that pages and commands show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rabbitwatch.actions.approvals import deed_of
from rabbitwatch.actions.facade import Applied, BindingStatus, Considered, Decision, OpenStep
from rabbitwatch.actions.peer import Told
from rabbitwatch.actions.ports import Approval, Entry
from rabbitwatch.config.actions import BindingConfig
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Answer, Cause, Outcome, Plan, Progress, Skipped, Step, Target
from rabbitwatch.model.notice import OutAlert

NOW = 1_800_000_000.0
ALERT = Cause(source="rule", alert="RabbitMQMirrorsLag", fingerprint="ab12", labels={"queue": "master.a"})
APPROVAL = "Zk3_unguessable-0123456789"


def step(queue: str = "master.a", **changes: Any) -> Step:
    made = Step(
        action="sync_queue",
        cluster="orders",
        vhost="/",
        object=queue,
        method="POST",
        path=f"queues/%2F/{queue}/actions",
        body={"action": "sync"},
        summary=f"synchronise 1 mirror of the queue {queue} in vhost /",
        before={"synchronised": ["rabbit@a"], "mirrors": ["rabbit@a", "rabbit@b"]},
        queues=1,
        messages=1200,
    )
    return replace(made, **changes)


GUARDS = ("all_nodes_running", "one_component", "size", "only_mirror", "lease")


def answers(**refused: str) -> Sequence[Answer]:
    return [Answer(name, refused.get(name, ""), approvable=name == "only_mirror") for name in GUARDS]


def plan(*steps: Step, **changes: Any) -> Plan:
    return replace(Plan(action="resync", target=Target("orders"), steps=steps), **changes)


def approval(approval_id: str = APPROVAL, **changes: Any) -> Approval:
    made = Approval(
        id=approval_id,
        cluster="orders",
        digest=step().digest,
        summary=step().summary,
        cause=ALERT,
        plan=plan(step("master.b"), step(), skipped=(Skipped("queue q.x", "it is no mirrored queue"),)),
        made_at=NOW - 60,
        expires_at=NOW + 1740,
    )
    return replace(made, **changes)


def entry(number: int = 1, event: str = "requested", **changes: Any) -> Entry:
    made = Entry(number=number, at=NOW - 60, agent="a", deed="deed-1", event=event, cause=ALERT, step=step())
    return replace(made, **changes)


def binding(**changes: Any) -> BindingConfig:
    return BindingConfig.model_validate(
        {"matchers": ['alertname="RabbitMQMirrorsLag"'], "action": "sync_queue", "mode": "approve", **changes}
    )


@dataclass
class FakeRepairs:
    """rabbitwatch.actions.facade.Repairs; done: what was asked of it, in order."""

    considered: Considered = field(default_factory=lambda: Considered(plan=plan(nothing="nothing lags")))
    begun: Mapping[str, str] = field(default_factory=dict)
    said: str = ""
    approvals: dict[str, Approval] = field(default_factory=dict)
    status: list[BindingStatus] = field(default_factory=list)
    open: list[OpenStep] = field(default_factory=list)
    lines: list[Entry] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=lambda: {"orders": ""})
    paused: str = ""
    peer_unknown: str = ""
    told: Told = field(default_factory=lambda: Told(deeds=[]))
    fails: Exception | None = None
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def plan(self, target: Target, action: str, cause: Cause) -> Considered:
        self._did("plan", target, action, cause)
        return self.considered

    def apply(self, target: Target, action: str, cause: Cause, approved: Collection[str] = ()) -> Applied:
        self._did("apply", target, action, cause, tuple(approved))
        return Applied(considered=self.considered, begun=self.begun, text=self.said)

    def approve(self, approval_id: str, by: str, source: str) -> Decision:
        return self._decide(approval_id, by, source, granted=True)

    def decline(self, approval_id: str, by: str, source: str) -> Decision:
        return self._decide(approval_id, by, source, granted=False)

    def _decide(self, approval_id: str, by: str, source: str, *, granted: bool) -> Decision:
        self._did("decide", approval_id, granted, by, source)
        found = self.approvals.get(approval_id)
        if found is None:
            return Decision("nobody was asked under this id", done=False)
        if found.granted is not None:
            return Decision(f"it was answered before, by {found.decided_by}", done=False)
        if found.expires_at <= NOW:
            return Decision("it has expired", done=False)
        self.approvals[approval_id] = replace(found, granted=granted, decided_by=by, decided_at=NOW)
        return Decision("approved" if granted else "declined", done=True)

    def approval(self, approval_id: str) -> Approval | None:
        return self.approvals.get(approval_id)

    def waiting(self) -> Sequence[Approval]:
        return [each for each in self.approvals.values() if each.granted is None and each.expires_at > NOW]

    def bindings(self) -> Sequence[BindingStatus]:
        return self.status

    def open_steps(self) -> Sequence[OpenStep]:
        return self.open

    def entries(self, *, after: int = 0, limit: int = 1000, cluster: str = "", deed: str = "") -> Sequence[Entry]:
        found = [
            each
            for each in self.lines
            if each.number > after
            and deed in ("", each.deed)
            and cluster in ("", each.step.cluster if each.step else "")
        ]
        return found[:limit]

    @property
    def last_entry(self) -> Entry | None:
        return self.lines[-1] if self.lines else None

    def tell(self, since: float) -> Told:
        self._did("tell", since)
        return self.told

    def leases(self) -> Mapping[str, str]:
        return self.held

    def pause(self, by: str, source: str) -> None:
        self._did("pause", by, source)
        self.paused = f"paused by {by}"

    def resume(self, by: str, source: str) -> None:
        self._did("resume", by, source)
        self.paused = ""

    def take_webhook(self, alerts: Sequence[OutAlert]) -> int:
        self._did("take", tuple(alerts))
        return len(alerts)

    def webhook_refused(self, sender: str, why: str) -> None:
        self._did("refused", sender, why)

    def _did(self, *what: Any) -> None:
        self.done.append(what)
        if self.fails is not None:
            raise self.fails


def busy() -> FakeRepairs:
    """One of each, as on a page in use."""
    return FakeRepairs(
        considered=Considered(plan=plan(step()), answers={step().digest: answers(only_mirror="it is the only one")}),
        approvals={APPROVAL: approval()},
        status=[BindingStatus(binding=binding(), firing=[("ab12", ALERT.alert, Target("orders", "/", "master.a"))])],
        open=[OpenStep(entry=entry(), progress=Progress(done=False, text="600 of 1200 messages copied", measure=600))],
        lines=[
            entry(1, "awaiting", deed=deed_of(APPROVAL), answers=answers(only_mirror="it is the only one")),
            entry(2),
            entry(3, "ended", outcome=Outcome.DONE, text="both mirrors are synchronised"),
        ],
    )


BROKEN = StorageError("rabbitwatch.db: disk is full")
