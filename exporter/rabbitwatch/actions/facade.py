"""What pages, commands and Slack ask of the repairs. `Remediation` (remediation.py) keeps it; all is safe to call from
any thread, and nothing here waits for a broker except `plan` and `apply`, which take a look of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rabbitwatch.actions.peer import Told
from rabbitwatch.actions.ports import Approval, Entry
from rabbitwatch.config.actions import BindingConfig
from rabbitwatch.model.action import Answer, Cause, Plan, Progress, Step, Target
from rabbitwatch.model.notice import OutAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What would be done now, and what speaks against it. answers: every guard's, by the digest of the step. unseen:
    why nothing could be seen, so that a plan without steps says nothing of the cluster; "" when something was."""

    plan: Plan
    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    unseen: str = ""

    def refusals(self, step: Step) -> Sequence[Answer]:
        """Of the guards that refuse this step."""
        return [answer for answer in self.answers.get(step.digest, ()) if answer.refused]

    def approvable(self, step: Step) -> bool:
        """A person's approval would lift every refusal; True also where there is none."""
        return all(answer.approvable for answer in self.refusals(step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of `apply`. begun: the id of the deed by the digest of its step; each is found in the audit under it,
    with its end. Empty where nothing is begun: then every step has refusals, or `text` says why not. text: one line
    for the person."""

    considered: Considered
    begun: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an answer to an approval. text: one line for the person. done: this answer decided it; False for
    unknown, expired and already answered ones."""

    text: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingStatus:
    """A binding and the alerts that fire for it now: (fingerprint, alert's name, target)."""

    binding: BindingConfig
    firing: Sequence[tuple[str, str, Target]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """A step that was requested and whose end nobody has seen. entry: the audit's line of the request; progress: by the
    last look, None before the first."""

    entry: Entry
    progress: Progress | None = None


class Repairs(Protocol):
    """The facade. Raises RabbitwatchError with one line for the person: ActionError for what cannot be asked (an
    unknown cluster or action), StorageError where the audit or the approvals cannot be read or written."""

    def plan(self, target: Target, action: str, cause: Cause) -> Considered:
        """Look now, plan, ask every guard; nothing is recorded and nothing is done."""
        ...

    def apply(self, target: Target, action: str, cause: Cause, approved: Collection[str] = ()) -> Applied:
        """The same, and begin those steps that no guard refuses, one after the other, in the cluster's own thread.
        approved: digests of steps that the person has seen and whose approvable refusals he lifts."""
        ...

    def approve(self, approval_id: str, by: str, source: str) -> Decision:
        """source: `command`, `page` or `slack`. Returns at once; what the guards say then is told by the audit and the
        alert's thread."""
        ...

    def decline(self, approval_id: str, by: str, source: str) -> Decision: ...

    def approval(self, approval_id: str) -> Approval | None:
        """Also one that was answered or has expired."""
        ...

    def waiting(self) -> Sequence[Approval]:
        """Approvals that can still be given, oldest first."""
        ...

    def bindings(self) -> Sequence[BindingStatus]:
        """As the configuration lists them."""
        ...

    def open_steps(self) -> Sequence[OpenStep]: ...

    def entries(self, *, after: int = 0, limit: int = 1000, cluster: str = "", deed: str = "") -> Sequence[Entry]:
        """The audit's lines with a number above `after`, oldest first."""
        ...

    def tell(self, since: float) -> Told:
        """What the other agent of a pair asks for: this agent's own requests since then, and its own pause."""
        ...

    @property
    def last_entry(self) -> Entry | None:
        """For a page that shows the newest lines: entries(after=last_entry.number - n)."""
        ...

    def leases(self) -> Mapping[str, str]:
        """By cluster: "" where this agent may act, else why not. As last asked; no request is sent."""
        ...

    @property
    def peer_unknown(self) -> str:
        """Why it is not known what the other agent of a pair has done lately; "" where it is known, where there
        is none, and where this agent repairs nothing."""
        ...

    def pause(self, by: str, source: str) -> None:
        """Stop everything that has not been requested yet, also after a restart, until `resume`. The other agent of a
        pair stops too, as soon as it has asked."""
        ...

    def resume(self, by: str, source: str) -> None:
        """End the pause of this agent; the other one's too where that has fallen silent."""
        ...

    @property
    def paused(self) -> str:
        """Why nothing may act: who paused and since when, or that the configuration says so; "" when not paused."""
        ...

    def take_webhook(self, alerts: Sequence[OutAlert]) -> int:
        """Firing and resolved alerts of an Alertmanager that has proved who it is. How many of them a binding fits."""
        ...

    def webhook_refused(self, sender: str, why: str) -> None:
        """Somebody without the token, or with a wrong or replayed signature, has tried; recorded and counted."""
        ...
