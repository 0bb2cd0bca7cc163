"""The line of notices with a clock in the test's hand, and receivers that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rabbitwatch.config.intervals import TimeIntervalConfig
from rabbitwatch.config.notices import InhibitRuleConfig, RouteConfig
from rabbitwatch.model.notice import Notice, OutAlert
from rabbitwatch.notify.book import LiveBook
from rabbitwatch.notify.dispatch import Dispatcher
from rabbitwatch.notify.inhibition import Inhibitor
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.ports import DeliveryStore, Memory
from rabbitwatch.notify.receivers.waiting import Done, Ending, Outcome
from rabbitwatch.notify.recovery import Recovery
from rabbitwatch.notify.remarks import RemarkBoard
from rabbitwatch.notify.routing import Routing, build
from rabbitwatch.notify.stages.active_time import ActiveTime
from rabbitwatch.notify.stages.deliver import Deliver
from rabbitwatch.notify.stages.inhibit import Inhibit
from rabbitwatch.notify.stages.mute_time import MuteTime
from rabbitwatch.notify.stages.record import Record
from rabbitwatch.notify.stages.silence import Silence
from rabbitwatch.notify.stages.stage import Stage
from rabbitwatch.notify.times import TimeIntervals
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.deliveries import SqliteDeliveries
from rabbitwatch.storage.remarks import SqliteRemarks

START = 1_790_000_000.0
SENT = Outcome(ending=Ending.SENT, tries=1)


def alert(name: str = "A", /, *, starts_at: float = START, **labels: str) -> OutAlert:
    """A firing alert."""
    return OutAlert(
        labels=dict(sorted({"alertname": name, **labels}.items())),
        annotations={"summary": f"{name} it is"},
        starts_at=starts_at,
        ends_at=None,
        updated_at=starts_at,
    )


@dataclass(frozen=True)
class Handed:
    """A notice that an integration was given."""

    at: float
    notice: Notice
    memory: Memory
    attempt: str
    done: Done

    @property
    def firing(self) -> list[str]:
        return [each.name for each in self.notice.firing]

    @property
    def resolved(self) -> list[str]:
        return [each.name for each in self.notice.resolved]

    @property
    def said(self) -> tuple[float, str, list[str], list[str]]:
        """When after START, why, and what of which alerts."""
        return self.at - START, self.notice.reason.value, self.firing, self.resolved


@dataclass(eq=False)
class Hands:
    """An integration that has sent what it is given at once, or where `slow`, when the test says so."""

    world: World
    key: str = "team/webhook[0]"
    send_resolved: bool = True
    slow: bool = False
    given: list[Handed] = field(default_factory=list)
    waiting: dict[str, Handed] = field(default_factory=dict)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    comments: list[tuple[float, str, str]] = field(default_factory=list)

    def submit(self, notice: Notice, *, memory: Memory, attempt: str, done: Done) -> None:
        handed = Handed(self.world.now, notice, memory, attempt, done)
        self.given.append(handed)
        before = self.waiting.pop(notice.group_key, None)
        self.waiting[notice.group_key] = handed
        if before is not None:
            before.done(Outcome(ending=Ending.REPLACED, tries=0))
        if not self.slow:
            self.end(SENT)

    def withdraw(self, group_key: str) -> None:
        if (handed := self.waiting.pop(group_key, None)) is not None:
            handed.done(Outcome(ending=Ending.WITHDRAWN, tries=1, why="not reached"))

    def doubt(self, group_key: str, attempt: str, since: float) -> None:
        self.doubts.append((group_key, attempt))

    def comment(self, group_key: str, text: str, memory: Callable[[], Memory]) -> None:
        self.comments.append((self.world.now - START, group_key, text))

    def end(self, outcome: Outcome) -> None:
        """What waits ends so."""
        waiting, self.waiting = self.waiting, {}
        for handed in waiting.values():
            handed.done(outcome)

    @property
    def said(self) -> list[tuple[float, str, list[str], list[str]]]:
        return [handed.said for handed in self.given]


class World:
    """A dispatcher over a store, without threads: time passes when the test says so.

    route: as in the file; its receiver is `team`, which has `hands`, unless others are given. A second World over the
    same folder is the agent after a restart.
    """

    def __init__(
        self,
        folder: Path,
        route: dict[str, Any] | None = None,
        *,
        at: float = START,
        inhibit: Sequence[dict[str, Any]] = (),
        intervals: Sequence[dict[str, Any]] = (),
        stages: Sequence[Stage] = (),
        store: DeliveryStore | None = None,
    ) -> None:
        self.now = at
        self.alerts: dict[str, OutAlert] = {}
        self.silenced: dict[str, str] = {}
        self.lost: list[str] = []
        self.idle: list[str] = []
        self.database = Database.open(folder)
        self.ledger = Ledger(store or SqliteDeliveries(self.database))
        self._ids = iter(range(10**6))
        record = Record(self.ledger, self.lost.append, self.clock, lambda: f"{at:.0f}-{next(self._ids)}")
        self.deliver = Deliver(self.ledger, record, self.idle.append)
        self.recovery = Recovery(self.ledger, self.deliver)
        self.dispatcher = Dispatcher(self.deliver, self.clock)
        self.remarks = RemarkBoard(SqliteRemarks(self.database))
        self.hands = Hands(self)
        self.inhibitor = Inhibitor([InhibitRuleConfig.model_validate(each) for each in inhibit])
        self.intervals = TimeIntervals([TimeIntervalConfig.model_validate(each) for each in intervals])
        self.more = list(stages)
        self.book = LiveBook(self.dispatcher, self.silencing, lambda: self.intervals, self.clock)
        self.use(route or {}, {"team": [self.hands]})

    def use(self, route: dict[str, Any], receivers: dict[str, list[Hands]] | None = None) -> None:
        """A reload."""
        if receivers is not None:
            self.deliver.use(receivers, "http://agent")
        config = RouteConfig.model_validate({"receiver": "team", "group_by": ["cluster"], **route})
        line: list[Stage] = [
            Inhibit(lambda: self.dispatcher.inhibition),
            ActiveTime(self.intervals),
            MuteTime(self.intervals),
            Silence(self.silencing),
        ]
        self.dispatcher.use(Routing(build(config)), self.inhibitor, [*line, *self.more])

    def clock(self) -> float:
        return self.now

    def silencing(self, labels: Any, _now: float) -> list[str]:
        name = labels["alertname"]
        return [self.silenced[name]] if name in self.silenced else []

    def fire(self, *names: str, **labels: str) -> None:
        """These fire from now on; told with the next `tell`."""
        for name in names:
            made = alert(name, starts_at=self.now, **labels)
            self.alerts[made.fingerprint] = made

    def resolve(self, *names: str) -> None:
        """All alerts of these names are over."""
        for fingerprint, each in list(self.alerts.items()):
            if each.name in names:
                self.alerts[fingerprint] = replace(each, ends_at=self.now)

    def forget(self, *names: str) -> None:
        """The evaluator does not know alerts of these names any more."""
        self.alerts = {f: each for f, each in self.alerts.items() if each.name not in names}

    def tell(self) -> None:
        """An evaluation has ended."""
        self._evaluated()
        self.dispatcher.step()

    def pass_to(self, seconds: float, step: float = 5.0) -> None:
        """Let time pass until so long after START, with an evaluation every `step` seconds, and a look at the groups
        whenever one is due, as the dispatcher's thread does it."""
        end = START + seconds
        while self.now < end:
            evaluation = START + ((self.now - START) // step + 1) * step
            due = self.dispatcher.groups.next_at
            self.now = min(evaluation, end, max(due, self.now) if due is not None else end)
            if self.now == evaluation:
                self._evaluated()
            self.dispatcher.step()

    def _evaluated(self) -> None:
        complete = self.recovery.complete(list(self.alerts.values()), self.now)
        self.dispatcher.take([self.remarks.on(each) for each in complete])

    def close(self) -> None:
        """As kill -9: nothing is said to anybody."""
        self.database.close()


Make = Callable[..., World]
"""The fixture `make`: a world with this route; see its arguments."""
