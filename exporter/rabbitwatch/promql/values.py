"""What a query gives: a scalar, a string, a vector or a matrix, with the notes that Prometheus would add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.storage import SampleSeries

Drop = bool | list[bool]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number."""

    value: float


@dataclass(frozen=True, slots=True)
class String:
    """One string."""

    value: str


@dataclass(frozen=True, slots=True)
class Vector:
    """One value for each of a column of label sets; never changed once made.

    drop: whether `__name__` is to go once the whole expression is evaluated, for all rows or for each (only under
    delayed name removal, and never in a result that the engine hands out).
    """

    labels: LabelColumn
    values: Sequence[float]
    drop: Drop = False

    def __len__(self) -> int:
        return len(self.values)

    def pick(self, rows: Sequence[int]) -> Vector:
        """The rows with these indexes, in their order."""
        drop = self.drop if isinstance(self.drop, bool) else [self.drop[i] for i in rows]
        return Vector(self.labels.pick(rows), list(map(self.values.__getitem__, rows)), drop)

    def drops(self) -> list[bool]:
        """`drop`, for each row."""
        return [self.drop] * len(self.values) if isinstance(self.drop, bool) else self.drop


@dataclass(frozen=True, slots=True)
class Matrix:
    """Series over a range."""

    series: Sequence[SampleSeries]


Value = Scalar | String | Vector | Matrix
NO_ROWS = Vector(LabelColumn([]), [])


@dataclass(frozen=True, slots=True)
class Result:
    """A query's value and what Prometheus would note beside it: warnings, and infos about likely mistakes."""

    value: Value
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """The warnings and infos of a query while it runs; each text once."""

    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str) -> None:
        """Something that is probably not what the author wants, though there is a result."""
        self.warnings[f"PromQL warning: {text}"] = None

    def info(self, text: str) -> None:
        """Something that may be wrong and often is not."""
        self.infos[f"PromQL info: {text}"] = None
