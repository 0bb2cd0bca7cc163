"""The alerts that fire now: the agent's own, told anew by each evaluation, and those that an Alertmanager sent, which
outlive a restart because it repeats them after hours only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from rabbitwatch.actions.binding import ALERTMANAGER, RULE
from rabbitwatch.actions.ports import ForeignAlertStore
from rabbitwatch.model.action import Cause
from rabbitwatch.model.notice import OutAlert

FORGOTTEN_S = 12 * 3600.0
"""An Alertmanager's alert that nobody has repeated for so long is over; by default it repeats them every 4 hours."""

AT_MOST = 5_000
"""Of alerts from outside; the oldest go."""


class Firing:
    """Safe to use from any thread."""

    def __init__(self, store: ForeignAlertStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._own: dict[str, OutAlert] = {}
        self._sent: dict[str, OutAlert] = {}
        self._evaluated = False

    def evaluated(self, alerts: Iterable[OutAlert]) -> None:
        """All alerts after an evaluation."""
        firing = {alert.fingerprint: alert for alert in alerts if not alert.resolved}
        with self._lock:
            self._own, self._evaluated = firing, True

    def recall(self, now: float) -> None:
        """Take up what an Alertmanager sent to a former life. StorageError."""
        with self._lock:
            self._sent = {alert.fingerprint: alert for alert in self._store.load(now - FORGOTTEN_S)} | self._sent

    def sent(self, alerts: Sequence[OutAlert]) -> None:
        """What an Alertmanager tells; what it does not tell stays as it was. StorageError, and then nothing changes: an
        Alertmanager that is told so tells it again."""
        with self._lock:
            told = {alert.fingerprint: alert for alert in alerts}
            firing = {each: alert for each, alert in told.items() if not alert.resolved}
            known = {each: alert for each, alert in self._sent.items() if each not in told} | firing
            too_many = set(list(known)[: max(len(known) - AT_MOST, 0)])
            self._store.change(list(firing.values()), {*(told.keys() - firing.keys()), *too_many})
            self._sent = {each: alert for each, alert in known.items() if each not in too_many}

    def own(self) -> Sequence[OutAlert]:
        """The agent's own."""
        with self._lock:
            return list(self._own.values())

    def foreign(self, now: float) -> Sequence[OutAlert]:
        """An Alertmanager's, without those that are the agent's own too, which it may have pushed there itself."""
        with self._lock:
            old = [each for each, alert in self._sent.items() if now - alert.updated_at >= FORGOTTEN_S]
            for fingerprint in old:
                del self._sent[fingerprint]
            return [alert for fingerprint, alert in self._sent.items() if fingerprint not in self._own]

    def blind(self, cause: Cause) -> bool:
        """The alert stands only because nobody could look."""
        with self._lock:
            alert = self._own.get(cause.fingerprint)
        return alert is not None and alert.blind_since is not None

    def over(self, cause: Cause) -> bool:
        """The alert is known to have ended. Nothing is known of the agent's own before the first evaluation, and of an
        Alertmanager's after a restart until it tells of it again."""
        if cause.source == RULE:
            with self._lock:
                return self._evaluated and cause.fingerprint not in self._own
        return False

    def ended(self, alerts: Iterable[OutAlert], causes: Iterable[Cause]) -> set[str]:
        """Of these causes, the fingerprints of those that an Alertmanager's alerts end just now."""
        resolved = {alert.fingerprint for alert in alerts if alert.resolved}
        return {each.fingerprint for each in causes if each.source == ALERTMANAGER and each.fingerprint in resolved}
