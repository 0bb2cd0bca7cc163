"""One alert of one rule: a label set that the rule's expression returns, or returned until lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rabbitwatch.promql.labels import LabelSet


class AlertState(StrEnum):
    """As Prometheus names them. A resolved alert is INACTIVE with `resolved_at`, kept a while so that it is told."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The state of one alert after an evaluation. Times are seconds since the epoch; None is "not so".

    labels: with `alertname`, without external labels. value: of the expression, when it last returned the alert.
    active_at: since when the expression returns it. fired_at: when `for` had passed. keep_firing_since: since when
    only `keep_firing_for` holds it. resolved_at: when it ended. blind_since: since when it is held only because the
    data that would decide about it could not be had.
    """

    labels: LabelSet
    annotations: Mapping[str, str]
    state: AlertState
    value: float
    active_at: float
    fired_at: float | None = None
    keep_firing_since: float | None = None
    resolved_at: float | None = None
    blind_since: float | None = None

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels.get("alertname")

    @property
    def active(self) -> bool:
        """Whether it is pending or firing."""
        return self.state is not AlertState.INACTIVE
