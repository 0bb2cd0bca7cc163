"""What fires now, who hears of it, and what keeps it quiet, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.dispatch import Dispatcher
from rabbitwatch.notify.inhibition import Inhibition
from rabbitwatch.notify.ports import AlertGroup, AlertStatus, Silencing
from rabbitwatch.notify.routing import Route
from rabbitwatch.notify.times import TimeIntervals

ACTIVE, SUPPRESSED = "active", "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quiet:
    """What decides at one moment whether an alert is kept quiet."""

    inhibition: Inhibition
    silencing: Silencing
    intervals: TimeIntervals
    now: float

    def status(self, alert: OutAlert, routes: Sequence[Route]) -> AlertStatus:
        silenced, inhibited = self.silencing(alert.labels, self.now), self.inhibition.inhibited_by(alert.labels)
        muted = [self.muted(route) for route in routes]
        quiet = silenced or inhibited or (muted and all(muted))
        return AlertStatus(
            alert=alert,
            receivers=sorted({route.receiver for route in routes}),
            silenced_by=list(silenced),
            inhibited_by=list(inhibited),
            muted_by=sorted({name for names in muted for name in names}),
            state=SUPPRESSED if quiet else ACTIVE,
        )

    def muted(self, route: Route) -> Sequence[str]:
        """The names of the time intervals that keep a route quiet: those it is in and should not be, or those that it
        should be in and is in none of."""
        names = list(self.intervals.containing(route.mute_time_intervals, self.now))
        active = route.active_time_intervals
        if active and not self.intervals.containing(active, self.now):
            names += active
        return names


class LiveBook:
    """Implements notify.ports.Book. intervals: those of the configuration in use; now: seconds since the epoch."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        silencing: Silencing,
        intervals: Callable[[], TimeIntervals],
        now: Callable[[], float],
    ) -> None:
        self._dispatcher = dispatcher
        self._silencing = silencing
        self._intervals = intervals
        self._now = now

    def alerts(self) -> Sequence[AlertStatus]:
        """See Book."""
        quiet = self._quiet()
        with self._dispatcher.reading:
            groups = self._dispatcher.groups
            found = [(alert, groups.ends(alert)) for alert in groups.known.values() if not alert.resolved]
        return sorted((quiet.status(alert, routes) for alert, routes in found), key=_by_labels)

    def groups(self) -> Sequence[AlertGroup]:
        """See Book."""
        quiet = self._quiet()
        with self._dispatcher.reading:
            found = [(group, list(group.alerts.values()), group.flushed_at, group.next_at) for group in
                     self._dispatcher.groups]  # fmt: skip
        made = [
            AlertGroup(
                receiver=group.route.receiver,
                route=group.route.path,
                group_key=group.key,
                labels=group.labels,
                alerts=_firing(alerts, group.route, quiet),
                flushed_at=flushed_at,
                next_at=next_at,
            )
            for group, alerts, flushed_at, next_at in found
        ]
        return sorted(
            (group for group in made if group.alerts), key=lambda group: (group.receiver, list(group.labels.items()))
        )

    def _quiet(self) -> _Quiet:
        return _Quiet(
            inhibition=self._dispatcher.inhibition,
            silencing=self._silencing,
            intervals=self._intervals(),
            now=self._now(),
        )


def _firing(alerts: Iterable[OutAlert], route: Route, quiet: _Quiet) -> Sequence[AlertStatus]:
    return sorted((quiet.status(alert, [route]) for alert in alerts if not alert.resolved), key=_by_labels)


def _by_labels(status: AlertStatus) -> list[tuple[str, str]]:
    return list(status.alert.labels.items())
