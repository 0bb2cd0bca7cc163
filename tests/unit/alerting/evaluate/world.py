"""A small world for evaluation tests: rules from text, samples by hand, and a store that outlives its evaluator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rabbitwatch.alerting.alert import Alert
from rabbitwatch.alerting.coverage import COMPLETE, Coverage
from rabbitwatch.alerting.evaluate.context import Context, Settings
from rabbitwatch.alerting.evaluate.evaluator import Evaluator
from rabbitwatch.alerting.evaluate.status import Cycle
from rabbitwatch.alerting.ports import StoredGroup
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.alerting.rulefile.model import RuleSet
from rabbitwatch.promql.engine import Engine
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.notation import parse_metric
from rabbitwatch.promql.storage import STALE, MemoryStorage

AS_PROMETHEUS = Settings(blind_hold_s=0.0)


class KilledError(BaseException):
    """The process ends here; a BaseException, as nothing may catch it."""


class RememberingStore:
    """An AlertStore in memory. before_save and after_save may raise KilledError, or a StorageError."""

    def __init__(self) -> None:
        self.groups: dict[str, StoredGroup] = {}
        self.saves = 0
        self.before_save: Callable[[], None] = lambda: None
        self.after_save: Callable[[], None] = lambda: None

    def save(self, group: StoredGroup) -> None:
        self.before_save()
        self.groups[group.name] = replace(group, alerts=tuple(group.alerts))
        self.saves += 1
        self.after_save()

    def load(self) -> Sequence[StoredGroup]:
        return list(self.groups.values())

    def forget(self, groups: Sequence[str]) -> None:
        for name in groups:
            self.groups.pop(name, None)


def rules(text: str, *more: str) -> RuleSet:
    """The rules of one file, or of several: a.yml, b.yml and so on."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{chr(97 + index)}.yml" for index in range(1 + len(more))]
        for file, content in zip(files, (text, *more), strict=True):
            file.write_text(content)
        return load(files)


class World:
    """One agent's evaluation. Samples are polled every 15 s; a series that a poll does not tell ends."""

    def __init__(
        self, loaded: RuleSet, store: RememberingStore | None = None, settings: Settings = AS_PROMETHEUS
    ) -> None:
        self.storage = MemoryStorage()
        self.store = store or RememberingStore()
        self.settings = settings
        self.evaluator = self._start(loaded)
        self._polled: set[LabelSet] = set()

    def _start(self, loaded: RuleSet) -> Evaluator:
        evaluator = Evaluator(
            Context(
                engine=Engine(),
                storage=self.storage,
                appender=self.storage,
                store=self.store,
                settings=self.settings,
            )
        )
        evaluator.load(loaded)
        return evaluator

    def restart(self, loaded: RuleSet) -> None:
        """End the process without a word and start another one; samples in memory are lost."""
        self.storage.clear()
        self._polled = set()
        self.evaluator = self._start(loaded)

    def poll(self, at: float, samples: Mapping[str, float]) -> None:
        """One poll's samples, such as {'up{node="a"}': 0}."""
        found = {parse_metric(series)[0]: value for series, value in samples.items()}
        for labels in self._polled - set(found):
            self.storage.append(labels, round(at * 1000), STALE)
        for labels, value in found.items():
            self.storage.append(labels, round(at * 1000), value)
        self._polled = set(found)

    def cycle(self, at: float, samples: Mapping[str, float], coverage: Coverage = COMPLETE) -> Cycle:
        """A poll and an evaluation."""
        self.poll(at, samples)
        return self.evaluator.evaluate(at, coverage)

    def alerts(self, at: float, samples: Mapping[str, float], coverage: Coverage = COMPLETE) -> list[Alert]:
        """The alerts after a poll and an evaluation, in the order of their labels."""
        cycle = self.cycle(at, samples, coverage)
        return sorted((raised.alert for raised in cycle.alerts), key=lambda alert: alert.labels.pairs())

    def query(self, expression: str, at: float) -> dict[str, float]:
        """What an expression gives now, by the text of the labels."""
        value = Engine().instant(expression, round(at * 1000), self.storage).value
        return {str(labels): v for labels, v in zip(value.labels, value.values, strict=True)}
