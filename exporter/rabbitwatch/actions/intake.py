"""Where alerts enter the repairs: what fires now, what it leads to, and to whom each of it is handed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from rabbitwatch.actions.audit import REFUSED, Audit
from rabbitwatch.actions.binding import ALERTMANAGER, RULE, Astray, Bound, bound
from rabbitwatch.actions.crew import Crew
from rabbitwatch.actions.firing import Firing
from rabbitwatch.actions.line import ASTRAY, Memory
from rabbitwatch.config.actions import BindingConfig
from rabbitwatch.model.action import Outcome
from rabbitwatch.model.notice import OutAlert


class Intake:
    """Safe to use from any thread; waits for nothing but the disk, and that in `record_astray` alone.

    firing: what fires now. audit: where is recorded what leads nowhere. crews: by what alerts call the cluster.
    bindings: as they are now. now: seconds since the epoch.
    """

    def __init__(
        self,
        firing: Firing,
        audit: Audit,
        crews: Callable[[], Mapping[str, Crew]],
        bindings: Callable[[], Sequence[BindingConfig]],
        now: Callable[[], float],
    ) -> None:
        self.firing = firing
        self._audit = audit
        self._crews = crews
        self._bindings = bindings
        self._now = now
        self._taking = threading.Lock()
        self._bound: Sequence[Bound] = ()
        self._astray: Sequence[Astray] = ()
        self._told_astray = Memory()

    @property
    def bound(self) -> Sequence[Bound]:
        """The alerts that lead somewhere now."""
        return self._bound

    def evaluated(self, alerts: Iterable[OutAlert]) -> None:
        """All of the agent's own alerts after an evaluation."""
        with self._taking:
            self.firing.evaluated(alerts)
        self.hand_over()

    def hand_over(self) -> None:
        """Find what leads where, and give each crew its own."""
        bindings, crews = self._bindings(), self._crews()
        own, lost = bound(self.firing.own(), bindings, crews, RULE)
        sent, also_lost = bound(self.firing.foreign(self._now()), bindings, crews, ALERTMANAGER)
        self._bound, self._astray = [*own, *sent], [*lost, *also_lost]
        for name, crew in crews.items():
            crew.take([each for each in self._bound if each.target.cluster == name])

    def record_astray(self) -> None:
        """Record each alert that is about no watched cluster, once for as long as it fires. StorageError."""
        astray = self._astray
        self._told_astray.keep([each.key for each in astray])
        for each in astray:
            if self._told_astray.news(each.key, each.why):
                self._audit.record(REFUSED, each.cause, outcome=Outcome.REFUSED, text=f"{ASTRAY}: {each.why}")
                self._told_astray.note(each.key, each.why)
