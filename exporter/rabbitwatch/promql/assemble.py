"""From vectors to what is handed out: names dropped, rows told apart, the vectors of many steps made into series."""

from __future__ import annotations

from rabbitwatch.errors import QueryError
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.limits import Budget
from rabbitwatch.promql.storage import SampleSeries
from rabbitwatch.promql.values import Vector

_SAME_LABELS = "vector cannot contain metrics with the same labelset"


class SeriesBuilder:
    """Gathers the vectors of many steps into series, by labels."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._series: dict[LabelSet, SampleSeries] = {}
        self._drop: dict[LabelSet, bool] = {}

    def add(self, vector: Vector, at_ms: int) -> None:
        """The vector of one step; steps come in ascending order."""
        self._budget.take(len(vector))
        for labels, value in zip(vector.labels.sets, vector.values, strict=True):
            series = self._series.get(labels)
            if series is None:
                series = self._series[labels] = SampleSeries(labels)
            if series.timestamps and series.timestamps[-1] == at_ms:
                raise QueryError(_SAME_LABELS)
            series.append(at_ms, value)
        if vector.drop is not False:
            for labels, drop in zip(vector.labels.sets, vector.drops(), strict=True):
                self._drop[labels] = drop or self._drop.get(labels, False)

    def series(self) -> list[SampleSeries]:
        """The series, with their labels as they came."""
        return list(self._series.values())

    def drops(self) -> list[bool]:
        """Whether each series is to lose its name."""
        return [self._drop.get(labels, False) for labels in self._series]


def without_dropped_names(vector: Vector) -> Vector:
    """The vector with the names gone that are to go; QueryError where two rows become equal."""
    if vector.drop is True:
        if not vector.labels.distinct_without_names():
            raise QueryError(_SAME_LABELS)
        return Vector(vector.labels.without_names(), vector.values)
    labels = vector.labels
    if isinstance(vector.drop, list) and any(vector.drop):
        sets = [s.without_name() if drop else s for s, drop in zip(vector.labels, vector.drop, strict=True)]
        labels = LabelColumn(sets)
        if not labels.distinct():
            raise QueryError(_SAME_LABELS)
    return Vector(labels, vector.values)
