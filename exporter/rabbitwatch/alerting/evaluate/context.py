"""What an evaluation works with: the engine, the samples, where results go, and the settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rabbitwatch.alerting.ports import AlertStore, Appender, ForgetfulStore
from rabbitwatch.errors import QueryError
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.nodes import Parsed
from rabbitwatch.promql.storage import Storage
from rabbitwatch.promql.values import Result, Scalar, Vector

Row = tuple[LabelSet, float]


class Querier(Protocol):
    """The PromQL engine, as far as rules use it."""

    def instant(self, expression: Parsed, at_ms: int, storage: Storage, /) -> Result:
        """The expression's value at one time; QueryError where it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """interval_s: of groups that name none. blind_hold_s: see transitions. external_labels, external_url and
    path_prefix reach templates only; external labels are added where alerts leave the agent."""

    interval_s: float = 15.0
    blind_hold_s: float = 900.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    path_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Shared by all rules. storage shows what `appender` has taken. stopwatch: seconds from anywhere, for durations."""

    engine: Querier
    storage: Storage
    appender: Appender
    store: AlertStore = field(default_factory=ForgetfulStore)
    settings: Settings = Settings()
    stopwatch: Callable[[], float] = time.perf_counter

    def rows(self, expr: Parsed, at_ms: int) -> list[Row]:
        """The expression's value as rows; a scalar is one row without labels, as in Prometheus' rules."""
        match self.engine.instant(expr, at_ms, self.storage).value:
            case Vector(labels=labels, values=values):
                return list(zip(labels.sets, values, strict=True))
            case Scalar(value=value):
                return [(LabelSet("", (), ()), value)]
            case _:
                raise QueryError("rule result is not a vector or scalar")
