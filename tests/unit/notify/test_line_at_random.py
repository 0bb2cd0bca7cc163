"""Whatever happens, when it is over the receiver knows what fires and what does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.noticeline import SENT, START, Handed, Hands, World

from rabbitwatch.notify.receivers.waiting import Ending, Outcome

NAMES = "ABCD"
CLUSTERS = ("one", "two")
HOUR = 3600.0


@dataclass(eq=False)
class Receiver(Hands):
    """Knows what fires in each group by the last that it was told of the group, as people do who read a message."""

    heard: dict[str, frozenset[str]] = field(default_factory=dict)

    def hear(self, handed: Handed) -> None:
        self.heard[handed.notice.group_key] = frozenset(each.fingerprint for each in handed.notice.firing)

    def end(self, outcome: Outcome) -> None:
        if outcome.ending is Ending.SENT:
            for handed in self.waiting.values():
                self.hear(handed)
        super().end(outcome)


class Life:
    """An agent over its restarts, and the receiver that outlives them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.world = World(folder)
        self.group_by = "cluster"
        self.receiver = Receiver(self.world)
        self.world.use({}, {"team": [self.receiver]})

    def fire(self) -> None:
        self.world.fire(self.random.choice(NAMES), cluster=self.random.choice(CLUSTERS))

    def resolve(self) -> None:
        self.world.resolve(self.random.choice(NAMES))

    def forget(self) -> None:
        """The evaluator forgets what ended; it does not while a notice waits, for that is never 15 minutes."""
        if not self.receiver.waiting:
            self.world.alerts = {f: each for f, each in self.world.alerts.items() if not each.resolved}

    def silence(self) -> None:
        self.world.silenced[self.random.choice(NAMES)] = "s"

    def speak(self) -> None:
        self.world.silenced.clear()

    def slow(self) -> None:
        self.receiver.slow = True

    def arrive(self) -> None:
        self.receiver.end(SENT)

    def fail(self) -> None:
        self.receiver.end(Outcome(ending=Ending.FAILED, tries=1, why="no"))

    def kill(self) -> None:
        """What is under way arrives, or does not; nobody notes it."""
        for handed in self.receiver.waiting.values():
            if self.random.random() < 0.5:
                self.receiver.hear(handed)
        before, receiver = self.world, self.receiver
        before.close()
        self.world = World(self.folder, at=before.now)
        self.world.alerts, self.world.silenced = before.alerts, before.silenced
        self.receiver = Receiver(self.world, slow=receiver.slow, heard=receiver.heard)
        self.world.use({"group_by": [self.group_by]}, {"team": [self.receiver]})
        self.world.tell()

    def reload(self) -> None:
        self.world.use({"group_by": [self.group_by], "group_interval": self.random.choice(["1m", "5m", "10m"])})

    def move(self) -> None:
        """A reload that groups anew: of what the groups before have told, the receiver hears no more."""
        self.group_by = self.random.choice(["alertname", "cluster"])
        self.world.use({"group_by": [self.group_by]})

    def live(self, steps: int, *more: Callable[[], None]) -> None:
        deeds = [self.fire, self.fire, self.resolve, self.forget, self.silence, self.speak, self.slow, self.arrive]
        deeds += [self.fail, self.kill, self.reload, *more]
        for _ in range(steps):
            self.random.choice(deeds)()
            self.wait(self.random.choice([0.0, 10.0, 60.0, 400.0]))

    def wait(self, seconds: float) -> None:
        self.world.pass_to(self.world.now - START + seconds, step=15)

    def calm(self) -> None:
        """All is well from now on."""
        self.receiver.slow = False
        self.arrive()
        self.speak()
        self.wait(HOUR)


@pytest.mark.parametrize("seed", range(40))
def test_at_the_end_the_receiver_knows(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path, seed)
    for _ in range(3):
        life.live(40)
        life.calm()
        firing = {fingerprint for fingerprint, each in life.world.alerts.items() if not each.resolved}
        assert frozenset().union(*life.receiver.heard.values()) == firing
        assert life.world.ledger.unfinished() == []
    life.world.close()


@pytest.mark.parametrize("seed", range(20))
def test_where_groups_change_only_those_that_are_there_are_told(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path, seed)
    for _ in range(3):
        life.live(40, life.move)
        assert all(f":{{{life.group_by}=" in key for key in life.receiver.waiting)
        life.calm()
        firing = {fingerprint for fingerprint, each in life.world.alerts.items() if not each.resolved}
        there = [heard for key, heard in life.receiver.heard.items() if f":{{{life.group_by}=" in key]
        assert firing <= frozenset().union(*there)
        assert life.world.ledger.unfinished() == []
    life.world.close()
