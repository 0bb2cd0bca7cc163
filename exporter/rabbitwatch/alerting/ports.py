"""What evaluation needs from below: a place for the samples it makes, and a memory that survives `kill -9`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rabbitwatch.alerting.alert import Alert
from rabbitwatch.promql.labels import LabelSet


class Appender(Protocol):
    """Where the results of rules go, so that later rules and queries see them: the window."""

    def append(self, labels: LabelSet, timestamp_ms: int, value: float) -> None:
        """Add a sample; `value` may be the staleness marker. One at or before the series' newest is dropped."""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert and the rule that it belongs to; `rule` is opaque to the store, and stable while the rule is."""

    rule: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """The last saved evaluation of a group. evaluated_at: seconds since the epoch."""

    name: str
    evaluated_at: float
    alerts: Sequence[StoredAlert]


class AlertStore(Protocol):
    """The alerts' memory. Each method is one transaction, durable when it returns; StorageError when it is not."""

    def save(self, group: StoredGroup) -> None:
        """Replace all that is kept of this group."""

    def load(self) -> Sequence[StoredGroup]:
        """Everything kept; an entry that cannot be read any more is left out and logged, never a reason to fail."""

    def forget(self, groups: Sequence[str]) -> None:
        """Drop groups that no rule file has any more."""


class ForgetfulStore:
    """Keeps nothing: for rule unit tests and one-off evaluations."""

    def save(self, group: StoredGroup) -> None:
        """See AlertStore."""

    def load(self) -> Sequence[StoredGroup]:
        """See AlertStore."""
        return ()

    def forget(self, groups: Sequence[str]) -> None:
        """See AlertStore."""
