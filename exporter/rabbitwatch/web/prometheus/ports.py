"""What the API needs of the rest: an engine, and the rules as their last evaluation left them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rabbitwatch.alerting.evaluate.status import GroupStatus
from rabbitwatch.promql.nodes import Parsed
from rabbitwatch.promql.storage import Storage
from rabbitwatch.promql.values import Result


class Querier(Protocol):
    """The PromQL engine; safe to use from several threads."""

    def instant(self, expression: Parsed, at_ms: int, storage: Storage) -> Result:
        """The value at one time; QueryError where it fails."""
        ...

    def range(self, expression: Parsed, start_ms: int, end_ms: int, step_ms: int, storage: Storage) -> Result:
        """The values over a range, as a matrix; QueryError where it fails."""
        ...


class MakeQuerier(Protocol):
    """Makes the engine of one query, which may take so long."""

    def __call__(self, timeout_s: float) -> Querier:
        """An engine that gives up after `timeout_s` seconds."""
        ...


class RulesView(Protocol):
    """The rule evaluator, as far as the API shows it."""

    def status(self) -> Sequence[GroupStatus]:
        """Every group, in the order of the files; must not wait for an evaluation."""
        ...


class NoRules:
    """For an agent without rules."""

    def status(self) -> Sequence[GroupStatus]:
        """See RulesView."""
        return ()
