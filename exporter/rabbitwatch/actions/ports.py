"""What the parts of actions/ ask of each other, of storage and of the wiring above."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from rabbitwatch.config.actions import BindingConfig, GuardsConfig
from rabbitwatch.model.action import Answer, Cause, Deed, Look, Outcome, Plan, Progress, Reply, Step, Target
from rabbitwatch.model.notice import OutAlert


class Hand(Protocol):
    """Writes to one cluster as the acting user; clients/management writes, actions/hand.py."""

    def put_policy(self, vhost: str, name: str, body: Mapping[str, Any], *, operator: bool) -> Reply:
        """Never raises: what went wrong is in the reply."""
        ...

    def sync_queue(self, vhost: str, name: str) -> Reply:
        """Likewise. The broker answers 204 at once and tells nothing of the end."""
        ...


class Looker(Protocol):
    """Looks at one cluster now; see look.py."""

    def look(self, target: Target) -> Look:
        """A poll of its own, then the details of lagging queues in the target. Never raises: what is unknown is None or
        in `missed`."""
        ...


class Action(Protocol):
    """A kind of repair: one file in actions/, one line in table.py."""

    @property
    def name(self) -> str: ...

    def plan(self, look: Look, target: Target) -> Plan:
        """Pure. Its steps name themselves as their action the one that runs them."""
        ...

    def run(self, step: Step, hand: Hand) -> Reply:
        """Send the one request of a step that this action has planned."""
        ...

    def progress(self, step: Step, look: Look) -> Progress:
        """Pure: how far a requested step is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that guards judge by. past: requested steps, newest first, as far back as any guard looks: of this agent, and
    of the other one of a pair as far as they are known. binding: None where a person asked by command or page.
    approved: a person has approved this very step. window: a maintenance window of guards.rate is open. silenced,
    blind: the alert is. acting: it is the moment of acting, and a lease is needed; lease: why it is not held, "" when
    it is."""

    step: Step
    look: Look
    past: Sequence[Deed]
    guards: GuardsConfig
    binding: BindingConfig | None
    now: float
    approved: bool = False
    window: bool = False
    paused: str = ""
    silenced: bool = False
    blind: bool = False
    acting: bool = False
    lease: str = ""


class Guard(Protocol):
    """A pure function: what speaks against the step. Its name is the function's name; guards/table.py lists all."""

    __name__: str

    def __call__(self, case: Case) -> Answer: ...


class Lease(Protocol):
    """One hand, for one cluster. Fails closed: where nobody can tell, it is not held."""

    def begin(self) -> None:
        """Try to get it, and go on trying, in the background."""
        ...

    def held(self) -> str:
        """ "" when this agent holds it right now, asked of whoever decides and not of memory; else why not, in one line
        with who holds it, where that can be told."""
        ...

    @property
    def last(self) -> str:
        """The same as last found out: for pages and metrics, never for a decision."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A question to a person. id: unguessable, for one use. digest: of the step that it is for."""

    id: str
    cluster: str
    digest: str
    summary: str
    cause: Cause
    plan: Plan
    made_at: float
    expires_at: float
    decided_at: float | None = None
    decided_by: str = ""
    granted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the audit. number: 1, 2, 3 …; hash: of this entry and the hash before it. deed: the id that all lines
    about one step share. event: what happened (`planned`, `refused`, `awaiting`, `approved`, `declined`, `expired`,
    `requested`, `progress`, `ended`, `forged`, `paused`, `resumed`, `webhook refused` …)."""

    number: int
    at: float
    agent: str
    deed: str
    event: str
    cause: Cause
    step: Step | None = None
    target: Target | None = None
    answers: Sequence[Answer] = ()
    reply: Reply | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    outcome: Outcome | None = None
    text: str = ""
    previous: str = ""
    hash: str = ""


class AuditStore(Protocol):
    """Where the chain is kept; storage/actions.py. Each call is one transaction, durable when it returns."""

    def append(self, entry: Entry) -> None: ...
    def add(self, lines: Sequence[str]) -> None:
        """Lines as they stand in the file; ones that are there already are left as they are."""
        ...

    def last(self) -> Entry | None: ...
    def entries(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        cluster: str = "",
        deed: str = "",
        since: float = 0.0,
        newest: bool = False,
    ) -> Sequence[Entry]:
        """In the order of their numbers; newest: the last `limit` instead of the first. What cannot be read is left out
        and logged; `lines` has it."""
        ...

    def lines(self, *, after: int = 0, limit: int = 1000, newest: bool = False) -> Sequence[tuple[int, str]]:
        """(number, line) as stored, whether it can be read or not: what a verification looks at."""
        ...

    def deeds(self, since: float) -> Sequence[Deed]:
        """Requested steps since then, newest first, with their outcome."""
        ...

    def open(self) -> Sequence[Entry]:
        """The `requested` lines of steps whose end is not on record."""
        ...

    def unbegun(self) -> Sequence[Entry]:
        """The lines of steps that people have asked for or approved, of which nothing further is on record."""
        ...


class ApprovalStore(Protocol):
    """Questions that wait, and those that were answered; storage/actions.py."""

    def add(self, approval: Approval) -> None: ...
    def get(self, approval_id: str) -> Approval | None: ...
    def decide(self, approval_id: str, *, granted: bool, by: str, at: float) -> bool:
        """True for the first who decides; False for all after, and for unknown ids."""
        ...

    def waiting(self) -> Sequence[Approval]: ...


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody has stopped all actions."""

    by: str
    at: float

    def __str__(self) -> str:
        return f"paused by {self.by} since {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%S} UTC"


class PauseStore(Protocol):
    """The switch of `rabbitwatch actions pause`; storage/actions.py."""

    def get(self) -> Pause | None: ...
    def pause(self, by: str, at: float) -> bool:
        """False where it is paused already; the first one's name stays."""
        ...

    def resume(self) -> bool:
        """False where it was not paused."""
        ...


class PeerStore(Protocol):
    """What the other agent of a pair has told; storage/peer.py."""

    def take(self, deeds: Sequence[Deed], pause: Pause | None, *, before: float) -> None:
        """Remember these requests and this pause as they are told now; forget requests from before that time."""
        ...

    def deeds(self, since: float) -> Sequence[Deed]:
        """Requests since then, newest first, as they were told last."""
        ...

    def pause(self) -> Pause | None:
        """As it was told last."""
        ...

    def resume(self) -> bool:
        """Forget the pause. False where none was told."""
        ...


class ForeignAlertStore(Protocol):
    """Firing alerts that an Alertmanager has sent; storage/foreign_alerts.py."""

    def load(self, since: float) -> Sequence[OutAlert]:
        """Those that were told since then, in the order in which they were; older ones are forgotten."""
        ...

    def change(self, firing: Sequence[OutAlert], over: Collection[str]) -> None:
        """Keep these as they are told now, as the newest; forget those of these fingerprints."""
        ...
