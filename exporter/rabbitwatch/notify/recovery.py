"""What a restart has to make good, once, when the first evaluation has told what fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.stages.deliver import Deliver


class Recovery:
    """One thread at a time. Made before anything is told."""

    def __init__(self, ledger: Ledger, deliver: Deliver) -> None:
        self._told: Sequence[OutAlert] | None = ledger.told()
        self._deliver = deliver

    def complete(self, alerts: Sequence[OutAlert], at: float) -> Sequence[OutAlert]:
        """`alerts`, and the first time with the end of those that somebody was told of and the evaluator has forgotten:
        they ended before the restart, and longer ago than it keeps what has ended. at: when it was evaluated."""
        if self._told is None:
            return alerts
        known = {alert.fingerprint for alert in alerts}
        gone = [replace(alert, ends_at=at, updated_at=at) for alert in self._told if alert.fingerprint not in known]
        self._told = None
        complete = [*alerts, *gone]
        self._deliver.begin(complete)
        return complete
