"""What the line of one cluster works with: handed over as a whole, so that a reload changes all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.actions.approvals import Approvals
from rabbitwatch.actions.audit import Audit
from rabbitwatch.actions.metrics import ActionCounts
from rabbitwatch.actions.ports import Action, AuditStore, Case, Hand, Looker
from rabbitwatch.config.actions import ActionsConfig, BindingConfig
from rabbitwatch.model.action import Answer, Cause, Deed, Look, Step
from rabbitwatch.model.remark import Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """lease: "" while this agent may act in the cluster, else why not, asked anew. elsewhere: what the other agent of a
    pair has requested since a time. make_hand: None where there is nobody to act as. paused: why nothing may act.
    silenced, blind: of the alert that is the cause. window: one of the named time intervals is open at that time.
    remark: says something about an alert, by its fingerprint. ask: every guard.
    """

    cluster: str
    config: ActionsConfig
    looker: Looker
    lease: Callable[[], str]
    make_hand: Callable[[Look], Hand] | None
    actions: Mapping[str, Action]
    ask: Callable[[Case], Sequence[Answer]]
    audit: Audit
    history: AuditStore
    elsewhere: Callable[[float], Sequence[Deed]]
    approvals: Approvals
    counts: ActionCounts
    remark: Callable[[str, Remark], None]
    paused: Callable[[], str]
    silenced: Callable[[Cause, float], bool]
    blind: Callable[[Cause], bool]
    window: Callable[[Sequence[str], float], bool]
    now: Callable[[], float]

    def past(self) -> Sequence[Deed]:
        """Requested steps of this agent and of the other one of a pair, newest first, as far back as any guard looks.
        StorageError."""
        since = self.now() - self.config.lookback
        by_id = {deed.id: deed for deed in (*self.elsewhere(since), *self.history.deeds(since))}
        return sorted(by_id.values(), key=lambda deed: deed.at, reverse=True)

    def answers(
        self,
        step: Step,
        look: Look,
        past: Sequence[Deed],
        *,
        cause: Cause,
        binding: BindingConfig | None,
        approved: bool = False,
        acting: bool = False,
    ) -> Sequence[Answer]:
        """What every guard says about this step now. acting: the lease is asked too, and first, for that takes time."""
        lease = self.may_act() if acting else ""
        now = self.now()
        return self.ask(
            Case(
                step=step,
                look=look,
                past=past,
                guards=self.config.guards,
                binding=binding,
                now=now,
                approved=approved,
                window=self.window(self.config.guards.rate.windows, now),
                paused=self.paused(),
                silenced=self.silenced(cause, now),
                blind=self.blind(cause),
                acting=acting,
                lease=lease,
            )
        )

    def may_act(self) -> str:
        """ "" when there is somebody to act as and the lease is held, else why not."""
        if self.make_hand is None:
            return "there is nobody to act as: set actions.username and its password"
        return self.lease()
