"""The route tree: which receivers hear of an alert, in which group, and when.

The semantics are Alertmanager's (dispatch/route.go): an alert enters at the root, which matches everything, and goes
down into the first child that matches, and past it only where that child says `continue`. It stays at the deepest
routes that it reaches. A route inherits what it does not set, except its time intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rabbitwatch.alerting.templates.formatting import quote
from rabbitwatch.config.matchers import Matcher, Matchers, Operator, match_all, ordered, spelled
from rabbitwatch.config.models import Config
from rabbitwatch.config.notices import RouteConfig
from rabbitwatch.config.receivers import ReceiverConfig

GROUP_WAIT = 30.0
GROUP_INTERVAL = 300.0
REPEAT_INTERVAL = 4 * 3600.0
ALL_LABELS = "..."
"""In group_by: every label, so each alert is a group of its own."""

FAILING_ALERT = "RabbitwatchNotificationFailing"
FAILING_LABEL = "receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route with all that it inherits. Times are seconds.

    group_by: sorted; None groups by every label. matchers: its own, in Alertmanager's order. key: Alertmanager's, from
    the root on: `{}/{severity="critical"}`. path: where it stands in the configuration: `route.routes[0]`.
    """

    receiver: str
    group_by: tuple[str, ...] | None = ()
    group_wait: float = GROUP_WAIT
    group_interval: float = GROUP_INTERVAL
    repeat_interval: float = REPEAT_INTERVAL
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    matchers: Matchers = ()
    continues: bool = False
    key: str = "{}"
    path: str = "route"
    routes: tuple[Route, ...] = field(default=(), repr=False)

    def group_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels of the group that an alert with these labels belongs to; a label that it lacks is left out."""
        names = labels if self.group_by is None else self.group_by
        return {name: labels[name] for name in sorted(names) if name in labels}

    def group_key(self, group_labels: Mapping[str, str]) -> str:
        """Alertmanager's key of the group: `{}/{severity="critical"}:{alertname="A", cluster="orders"}`."""
        inner = ", ".join(sorted(f"{name}={quote(value)}" for name, value in group_labels.items()))
        return f"{self.key}:{{{inner}}}"


class Routing:
    """The routes of one configuration; without a route, nobody is told. Never changes; safe from any thread."""

    def __init__(self, root: Route | None, receivers: Sequence[ReceiverConfig] = ()) -> None:
        self.root = root
        self._telling = [receiver.name for receiver in receivers if receiver.tells]

    @classmethod
    def of(cls, config: Config) -> Routing:
        """From a configuration that loading has checked."""
        return cls(None if config.route is None else build(config.route), config.receivers)

    def routes_for(self, labels: Mapping[str, str]) -> list[Route]:
        """The routes that an alert with these labels ends at, in the tree's order; at least one where there is any."""
        if self.root is None:
            return []
        found = _matching(self.root, labels) or [self.root]
        return found + self._beside(found, labels)

    def all(self) -> Iterator[Route]:
        """Every route, the root first, each before those below it."""
        return iter(()) if self.root is None else _walk(self.root)

    def tells(self, receiver: str) -> bool:
        """Whether this receiver has anything to tell by."""
        return receiver in self._telling

    def _beside(self, found: Sequence[Route], labels: Mapping[str, str]) -> list[Route]:
        """That a receiver fails must be heard through another one. Where only the failing one would hear of it, the
        first other that tells anybody hears of it too, by a route that is made here."""
        failing = labels.get(FAILING_LABEL, "")
        if labels.get("alertname") != FAILING_ALERT or failing not in {route.receiver for route in found}:
            return []
        others = [name for name in self._telling if name != failing]
        if not others or any(route.receiver in others for route in found):
            return []
        return [_fallback(next(route for route in found if route.receiver == failing), others[0])]


def build(config: RouteConfig) -> Route:
    """The tree of routes that this root begins."""
    return _built(config, Route(receiver=config.receiver or ""), "{}", "route")


def _built(config: RouteConfig, above: Route, key: str, path: str) -> Route:
    """`above` with what this section sets. An empty group_by inherits, as Alertmanager reads it."""
    route = replace(
        above,
        receiver=config.receiver or above.receiver,
        group_by=_group_by(config.group_by) if config.group_by else above.group_by,
        group_wait=above.group_wait if config.group_wait is None else config.group_wait,
        group_interval=above.group_interval if config.group_interval is None else config.group_interval,
        repeat_interval=above.repeat_interval if config.repeat_interval is None else config.repeat_interval,
        mute_time_intervals=config.mute_time_intervals,
        active_time_intervals=config.active_time_intervals,
        matchers=config.all_matchers,
        continues=config.continue_,
        key=key,
        path=path,
        routes=(),
    )
    below = tuple(
        _built(child, route, f"{key}/{spelled(child.all_matchers)}", f"{path}.routes[{index}]")
        for index, child in enumerate(config.routes)
    )
    return replace(route, routes=below)


def _group_by(names: tuple[str, ...]) -> tuple[str, ...] | None:
    return None if ALL_LABELS in names else tuple(sorted(names))


def _matching(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """The deepest routes that match from this one on; empty where it does not match itself."""
    if not match_all(route.matchers, labels):
        return []
    found: list[Route] = []
    for child in route.routes:
        below = _matching(child, labels)
        found += below
        if below and not child.continues:
            break
    return found or [route]


def _walk(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _walk(child)


def _fallback(route: Route, receiver: str) -> Route:
    """As if a child of `route` asked for just this alert."""
    matchers = ordered(
        Matcher(name, Operator.EQUAL, value)
        for name, value in (("alertname", FAILING_ALERT), (FAILING_LABEL, route.receiver))
    )
    return replace(
        route,
        receiver=receiver,
        matchers=matchers,
        key=f"{route.key}/{spelled(matchers)}",
        path=f"{route.path} (fallback)",
        mute_time_intervals=(),
        active_time_intervals=(),
        routes=(),
    )
