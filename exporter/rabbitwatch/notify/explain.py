"""Which route, group, inhibition, time interval and silence apply to a label set, and why: what `rabbitwatch explain`
prints. Asks the same objects that decide, so that it cannot say otherwise than what happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.config.matchers import Matcher, match_all, quoted, spelled
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.silence import Silence, SilenceState
from rabbitwatch.notify.inhibition import Inhibited, Inhibitor, InhibitRule
from rabbitwatch.notify.routing import Route, Routing
from rabbitwatch.notify.times import TimeIntervals

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an alert at one route. matched: None where it was not asked. ends: the alert stays at this one.
    why: in a few words."""

    route: Route
    depth: int
    matched: bool | None
    ends: bool
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """One group that the alert goes into. muted_by: time intervals that keep it quiet. inactive: it is told only within
    its active intervals, and this moment is in none. deaf: its receiver tells nobody."""

    route: Route
    group_labels: Labels
    group_key: str
    muted_by: Sequence[str]
    inactive: bool
    deaf: bool


@dataclass(frozen=True, slots=True)
class Present:
    """What an agent that runs knows: the alerts that fire, and all silences."""

    firing: Sequence[OutAlert]
    silences: Sequence[Silence]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it. could_inhibit: the rules whose targets match. inhibited, silenced: None where nobody was asked."""

    labels: Labels
    steps: Sequence[Step]
    told: Sequence[Told]
    could_inhibit: Sequence[InhibitRule]
    inhibited: Sequence[Inhibited] | None
    silenced: Sequence[Silence] | None

    @property
    def quiet(self) -> bool | None:
        """Whether nobody hears of it now; None where that depends on what is not known."""
        if all(each.muted_by or each.inactive or each.deaf for each in self.told):
            return True
        if self.inhibited is None or self.silenced is None:
            return None
        return bool(self.inhibited or self.silenced)


def explain(
    labels: Labels,
    routing: Routing,
    inhibitor: Inhibitor,
    intervals: TimeIntervals,
    at: float,
    present: Present | None = None,
) -> Explanation:
    """What happens to an alert with these labels at that moment, in seconds since the epoch."""
    return Explanation(
        labels=labels,
        steps=list(steps(routing, labels)),
        told=[
            _told(route, labels, intervals, at, deaf=not routing.tells(route.receiver))
            for route in routing.routes_for(labels)
        ],
        could_inhibit=[rule for rule in inhibitor.rules if match_all(rule.targets, labels)],
        inhibited=None if present is None else inhibitor.over(present.firing).reasons(labels),
        silenced=None if present is None else _silencing(present.silences, labels, at),
    )


def steps(routing: Routing, labels: Labels) -> Iterator[Step]:
    """The way through the tree, the root first; then the routes that the agent adds to it."""
    ends = routing.routes_for(labels)
    if routing.root is not None:
        yield from _walk(routing.root, labels, 0, {route.path for route in ends})
    in_tree = {route.path for route in routing.all()}
    for route in ends:
        if route.path not in in_tree:
            why = f"receiver {route.matchers[-1].value} would not hear that it fails itself"
            yield Step(route, 0, matched=True, ends=True, why=why)


def failing_matcher(route: Route, labels: Labels) -> Matcher | None:
    """The first of a route's matchers that these labels do not satisfy."""
    return next((each for each in route.matchers if not each.matches(labels)), None)


def _walk(route: Route, labels: Labels, depth: int, ends: set[str]) -> Iterator[Step]:
    here = route.path in ends
    yield Step(route, depth, matched=True, ends=here, why=_why(route, here=here))
    taken: Route | None = None
    for child in route.routes:
        if taken is not None:
            why = f"not asked: {taken.path} has taken it"
            yield Step(child, depth + 1, matched=None, ends=False, why=why)
            continue
        failing = failing_matcher(child, labels)
        if failing is not None:
            yield Step(child, depth + 1, matched=False, ends=False, why=_why_not(failing, labels))
            continue
        yield from _walk(child, labels, depth + 1, ends)
        if not child.continues:
            taken = child


def _why(route: Route, *, here: bool) -> str:
    matched = "matches" if route.matchers else "matches every alert"
    below = f", and no route below does: receiver {route.receiver}" if route.routes else f": receiver {route.receiver}"
    further = "; continue: the next ones are asked too" if route.continues else ""
    return matched + (below if here else ", and so does a route below") + further


def _why_not(failing: Matcher, labels: Labels) -> str:
    value = labels.get(failing.name)
    found = f"the alert has no label {failing.name}" if value is None else f"{failing.name} is {quoted(value)}"
    return f"{failing} does not match: {found}"


def _told(route: Route, labels: Labels, intervals: TimeIntervals, at: float, *, deaf: bool) -> Told:
    group = route.group_labels(labels)
    active = route.active_time_intervals
    return Told(
        route=route,
        group_labels=group,
        group_key=route.group_key(group),
        muted_by=intervals.containing(route.mute_time_intervals, at),
        inactive=bool(active) and not intervals.containing(active, at),
        deaf=deaf,
    )


def _silencing(silences: Iterable[Silence], labels: Labels, at: float) -> list[Silence]:
    return [each for each in silences if each.state(at) is SilenceState.ACTIVE and each.matches(labels)]


def rule_spelled(rule: InhibitRule, labels: Labels) -> str:
    """What has to fire so that this rule keeps an alert with these labels quiet."""
    equal = [f"{name}={quoted(labels.get(name, ''))}" for name in rule.equal]
    return spelled(rule.sources) + (f" with {', '.join(equal)}" if equal else "")
