"""The shipped rules over a lab's cluster, by the program's own line: poll, samples, window, rules, alerts.

Time is told, not waited for: every look counts as one minute, or as many seconds as the pager is told. So a `for: 15m`
is fifteen looks, and rules, ranges and `for` are the shipped ones, unchanged. Each pager begins with an empty window
and no alerts.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from tests.cluster.observer import Observer, Seen

from rabbitwatch.alerting.evaluate.context import Context
from rabbitwatch.alerting.evaluate.evaluator import Evaluator
from rabbitwatch.alerting.gaps import coverage
from rabbitwatch.alerting.rulefile.history import history
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.assets import shipped
from rabbitwatch.cli.rules import known_families
from rabbitwatch.metrics.samples import COLLECTORS
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.window import Window

MINUTE = 60.0
START = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Told:
    """What stood after one look. firing: by alert name, the labels that tell its alerts apart; texts: summaries and
    descriptions by alert name."""

    seen: Seen
    firing: dict[str, list[dict[str, str]]]
    texts: dict[str, str]

    @property
    def names(self) -> set[str]:
        """What fires, the heartbeat and what is only for information left out."""
        return {name for name, alerts in self.firing.items() if alerts[0]["severity"] in ("critical", "warning")}


class Pager:
    """Looks through an observer, and evaluates every rule after each look. fired: the names of all that has fired.

    step: the seconds that a look counts as; under 300, since a sample is forgotten after five minutes.
    """

    def __init__(self, observer: Observer, step: float = MINUTE) -> None:
        rules = load([shipped("rules") / "*.yml"], known_families(), step)
        self.fired: set[str] = set()
        self._observer = observer
        self._step = step
        self._window = Window(interval_ms=round(step * 1000))
        self._window.retain(history(rules))
        self._evaluator = Evaluator(Context(engine=Engine(), storage=self._window, appender=self._window))
        self._evaluator.load(rules)
        self._now = START

    def look(self, *, diagnostics: bool = False) -> Told:
        """One poll, which is one minute, or the step."""
        self._now += self._step
        seen = self._observer.look(diagnostics=diagnostics, at=self._now)
        self._window.ingest(round(self._now * 1000), seen.cycle.blocks, seen.cycle.state.cluster)
        return self._evaluated(seen)

    def minutes(self, count: int, *, diagnostics: bool = False) -> Told:
        """So many looks, whatever each counts as; the last one is told. diagnostics: first wait for a round of them."""
        told = self.look(diagnostics=diagnostics)
        for _ in range(count - 1):
            told = self.look()
        return told

    def pass_over(self, count: int) -> Told:
        """So many minutes in which nobody polls; rules go on."""
        self._now += MINUTE * count
        return self._evaluated(self._observer.last)

    def until(self, wanted: Collection[str], within: float) -> Told:
        """Look until all of these fire; fails after `within` real seconds with what fired instead."""
        end = time.monotonic() + within
        while True:
            told = self.look()
            if set(wanted) <= told.firing.keys():
                return told
            if time.monotonic() > end:
                missing = ", ".join(sorted(set(wanted) - told.firing.keys()))
                raise AssertionError(
                    f"did not fire within {within:.0f} s: {missing}; fires: {sorted(told.firing)}; "
                    f"last: {told.seen.cycle.sentence}"
                )

    def _evaluated(self, seen: Seen) -> Told:
        missed = coverage([seen.cycle.state], [collector.family for collector in COLLECTORS])
        cycle = self._evaluator.evaluate(self._now, missed)
        assert not cycle.failures, cycle.failures
        firing: dict[str, list[dict[str, str]]] = {}
        texts: dict[str, str] = {}
        for raised in cycle.alerts:
            if raised.alert.state.value == "firing":
                firing.setdefault(raised.alert.name, []).append(raised.alert.labels.as_dict())
                texts[raised.alert.name] = "\n".join(
                    raised.alert.annotations[name] for name in ("summary", "description")
                )
        self.fired |= firing.keys()
        return Told(seen, firing, texts)
