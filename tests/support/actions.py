"""A broker that can be repaired, a lease that can be lost, and the line of repairs over them: all in memory, but for
the audit and the database, which are the real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.audits import Bench
from tests.support.seen import CLUSTER, DECLARED, as_broker, lagging, look, otherwise
from tests.unit.cluster.build import B, C, queue

from rabbitwatch.actions.approvals import Approvals
from rabbitwatch.actions.crew import Makers
from rabbitwatch.actions.guards.table import ask
from rabbitwatch.actions.line import Line
from rabbitwatch.actions.metrics import ActionCounts
from rabbitwatch.actions.ports import Hand
from rabbitwatch.actions.scene import Scene
from rabbitwatch.actions.table import ACTIONS
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.model.action import Cause, Look, Reply, Target
from rabbitwatch.model.broker import Policy, Queue
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.remark import Remark
from rabbitwatch.storage.actions import SqliteApprovals

BEGIN = 1_800_000_000.0
LAG = "RabbitMQMirrorsLag"
DRIFT = "RabbitMQPolicyDrift"
CREDENTIALS: Mapping[str, Any] = {"username": "hand", "password": "acting-secret"}
QUICK: Mapping[str, Any] = {"interval": "1ms", "stall": "50s", "timeout": "1h"}


@dataclass
class Clock:
    """Stands still but for what moves it."""

    at: float = BEGIN

    def __call__(self) -> float:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class ModelBroker:
    """A cluster of three nodes with the policy `ha`: a Looker and a Hand at once.

    sync_looks: how many looks later a requested sync has ended; None: never. reply: what it says to requests. seen: is
    called before each look, and may change anything. nodes: what a node tells otherwise.
    """

    clock: Clock
    rows: dict[str, Queue] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=lambda: [as_broker(DECLARED)])
    sync_looks: int | None = 2
    reply: Reply = Reply(status=204)  # noqa: RUF009 - frozen
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: Callable[[], None] = lambda: None
    sending: Callable[[], None] = lambda: None
    sent: list[tuple[str, str]] = field(default_factory=list)
    looks: list[Target] = field(default_factory=list)
    per_look: float = 1.0
    closed: bool = False
    _syncing: dict[str, int] = field(default_factory=dict)

    def lag(self, *names: str, **more: Any) -> None:
        """These queues have a mirror that lags."""
        for name in names:
            self.rows[name] = lagging(name, **more)

    def look(self, target: Target) -> Look:
        self.looks.append(target)
        self.seen()
        self.clock.pass_(self.per_look)
        for name in list(self._syncing):
            self._syncing[name] -= 1
            if self._syncing[name] <= 0:
                del self._syncing[name]
                self.rows[name] = queue(name, mirrors=[B, C], messages=100, policy="ha")
        seen = look(list(self.rows.values()), self.policies, nodes=self.nodes)
        return otherwise(seen, at=self.clock.at, cluster=target.cluster)

    def close(self) -> None:
        self.closed = True

    def put_policy(self, vhost: str, name: str, body: Mapping[str, Any], *, operator: bool) -> Reply:
        self._sent("policy", name)
        if self.reply.taken:
            self.policies = [as_broker(DECLARED)]
        return self.reply

    def sync_queue(self, vhost: str, name: str) -> Reply:
        self._sent("sync", name)
        if self.sync_looks is not None and self.reply.taken:
            self._syncing[name] = self.sync_looks
        return self.reply

    def _sent(self, what: str, name: str) -> None:
        self.sending()
        self.sent.append((what, name))


@dataclass
class FakeLease:
    """answers: to the next questions, the last one for ever."""

    answers: list[str] = field(default_factory=lambda: [""])
    begun: bool = False
    closed: bool = False
    asked: int = 0

    @property
    def last(self) -> str:
        return self.answers[0]

    def begin(self) -> None:
        self.begun = True

    def held(self) -> str:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self) -> None:
        self.closed = True


def actions(*bindings: Mapping[str, Any], **more: Any) -> ActionsConfig:
    """The section, with somebody to act as and a quick eye."""
    return ActionsConfig.model_validate({**CREDENTIALS, "verify": QUICK, "bindings": list(bindings), **more})


def binding(mode: str = "auto", action: str = "sync_queue", alert: str = LAG, **more: Any) -> dict[str, Any]:
    """One that leads from an alert to an action."""
    return {"matchers": [f'alertname="{alert}"'], "action": action, "mode": mode, **more}


def firing(name: str = LAG, at: float = BEGIN, **labels: str) -> OutAlert:
    """An alert about the cluster of the model."""
    known = {"alertname": name, "cluster": CLUSTER, **labels}
    return OutAlert(
        labels={k: v for k, v in known.items() if v}, annotations={}, starts_at=at, ends_at=None, updated_at=at
    )


def resolved(alert: OutAlert, at: float = BEGIN + 60) -> OutAlert:
    """The same, over."""
    return replace(alert, ends_at=at)


@dataclass
class Stage:
    """One line over a model broker."""

    bench: Bench
    clock: Clock
    broker: ModelBroker
    lease: FakeLease
    remarks: list[tuple[str, Remark]]
    approvals: Approvals
    scene: Scene
    stopping: threading.Event
    line: Line

    @property
    def events(self) -> list[str]:
        return [entry.event for entry in self.bench.store.entries()]

    @property
    def loud(self) -> list[str]:
        return [remark.text for _, remark in self.remarks if remark.loud]

    def use(self, **more: Any) -> None:
        self.scene = self.line.scene = replace(self.scene, **more)

    def again(self) -> None:
        """After a kill: another line on the same stores."""
        self.stopping = threading.Event()
        self.line = Line(self.scene, self.stopping)


def stage(bench: Bench, config: ActionsConfig, clock: Clock, **more: Any) -> Stage:
    """bench: its audit must have the same clock."""
    broker, lease, remarks, stopping = ModelBroker(clock), FakeLease(), [], threading.Event()
    approvals = Approvals(SqliteApprovals(bench.database), bench.audit, clock)
    scene = Scene(
        **{
            "cluster": CLUSTER,
            "config": config,
            "looker": broker,
            "lease": lease.held,
            "make_hand": lambda _: broker,
            "actions": ACTIONS,
            "ask": ask,
            "audit": bench.audit,
            "history": bench.store,
            "elsewhere": lambda since: (),
            "approvals": approvals,
            "counts": ActionCounts(),
            "remark": lambda fingerprint, remark: remarks.append((fingerprint, remark)),
            "paused": lambda: "",
            "silenced": lambda cause, at: False,
            "blind": lambda cause: False,
            "window": lambda names, at: False,
            "now": clock,
            **more,
        }
    )
    return Stage(bench, clock, broker, lease, remarks, approvals, scene, stopping, Line(scene, stopping))


def makers(broker: ModelBroker, leases: list[FakeLease], answers: Sequence[str] = ("",)) -> Makers:
    """For a whole Remediation over the model; each lease that is made is noted."""

    def lease(cluster: ClusterConfig, config: ActionsConfig, storage: Path, agent: str) -> FakeLease:
        leases.append(FakeLease(list(answers)))
        return leases[-1]

    def looker(cluster: ClusterConfig, poll: PollConfig) -> ModelBroker:
        return broker

    def hand(cluster: ClusterConfig, config: ActionsConfig) -> Callable[[Look], Hand] | None:
        return None if config.username is None else lambda _: broker

    return Makers(looker=looker, lease=lease, hand=hand)


def person(by: str = "ann", source: str = "command") -> Cause:
    return Cause(source=source, by=by)
