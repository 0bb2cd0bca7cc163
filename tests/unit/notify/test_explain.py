"""The explanation of a label set says what happens to it, and why."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.notify.test_routing import LABELS, ROUTE, TREE, failing, routing

from rabbitwatch.config.intervals import TimeIntervalConfig
from rabbitwatch.config.matchers import parse_matchers
from rabbitwatch.config.notices import InhibitRuleConfig
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.silence import Silence
from rabbitwatch.notify.explain import Explanation, Present, explain, rule_spelled, steps
from rabbitwatch.notify.inhibition import Inhibitor
from rabbitwatch.notify.times import TimeIntervals

NOON = 1_795_176_000.0  # 2026-11-20 12:00 UTC
NIGHTS = TimeIntervalConfig.model_validate(
    {"name": "nights", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "06:00"}]}]}
)
RULE = InhibitRuleConfig.model_validate(
    {"name": "down", "source_matchers": ["alertname=Down"], "target_matchers": ["severity=~.*"], "equal": ["cluster"]}
)


def explained(labels: dict[str, str], *, at: float = NOON, present: Present | None = None, **tree: Any) -> Explanation:
    return explain(labels, routing({**TREE, **tree}), Inhibitor([RULE]), TimeIntervals([NIGHTS]), at, present)


def silence(matchers: str, *, starts: float = NOON - 60, ends: float = NOON + 60) -> Silence:
    return Silence(
        id="s",
        matchers=parse_matchers(matchers),
        starts_at=starts,
        ends_at=ends,
        created_by="me",
        comment="why",
        updated_at=starts,
    )


def test_each_route_says_what_decided() -> None:
    found = explained({"severity": "critical", "vhost": "/", "queue": "ab"})
    assert [(step.route.path, step.matched, step.ends, step.why) for step in found.steps] == [
        ("route", True, False, "matches every alert, and so does a route below"),
        ("route.routes[0]", True, True, "matches: receiver pager; continue: the next ones are asked too"),
        ("route.routes[1]", True, False, "matches, and so does a route below"),
        ("route.routes[1].routes[0]", True, True, "matches: receiver mail"),
        ("route.routes[1].routes[1]", None, False, "not asked: route.routes[1].routes[0] has taken it"),
        ("route.routes[2]", None, False, "not asked: route.routes[1] has taken it"),
    ]


def test_what_does_not_match_is_named_with_what_is_there() -> None:
    found = {step.route.path: step.why for step in explained({"vhost": "/x"}).steps}
    assert found["route"] == "matches every alert, and no route below does: receiver chat"
    assert found["route.routes[0]"] == 'severity="critical" does not match: the alert has no label severity'
    assert explained({"vhost": "/x", "queue": "ab"}).steps[2].why == 'vhost="/" does not match: vhost is "/x"'


@settings(max_examples=200, deadline=None)
@given(st.lists(ROUTE, max_size=3), LABELS)
def test_the_way_ends_where_the_alert_goes_and_passes_every_route_once_or_not(
    routes: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    some = routing({"receiver": "chat", "routes": routes})
    way = list(steps(some, labels))
    assert [step.route.path for step in way if step.ends] == [route.path for route in some.routes_for(labels)]
    assert all(step.matched for step in way if step.ends)
    paths = [step.route.path for step in way]
    assert len(set(paths)) == len(paths)
    for route in some.all():  # what is not shown is below a route that did not match, or was not asked
        if route.path not in paths:
            above = [step for step in way if route.path.startswith(step.route.path + ".")]
            assert above[-1].matched is not True


def test_the_route_that_the_agent_adds_is_shown_with_its_reason() -> None:
    found = explained(failing("chat"))
    assert found.steps[-1].route.path == "route (fallback)"
    assert found.steps[-1].why == "receiver chat would not hear that it fails itself"
    assert [told.route.receiver for told in found.told] == ["chat", "pager"]


def test_a_group_is_what_the_notice_will_be_about() -> None:
    (told,) = explained({"alertname": "A", "cluster": "c", "node": "n"}).told
    assert told.group_labels == {"alertname": "A", "cluster": "c"}
    assert told.group_key == '{}:{alertname="A", cluster="c"}'


def test_time_intervals_are_looked_at_for_the_moment() -> None:
    labels = {"vhost": "/", "queue": "ac", "node": "a"}
    assert [each.muted_by for each in explained(labels).told] == [[]]
    at_night = explained(labels, at=NOON - 9 * 3600)
    assert [each.muted_by for each in at_night.told] == [["nights"]]
    assert at_night.quiet is True
    only = {"routes": [{"active_time_intervals": ["nights"]}]}
    assert [each.inactive for each in explained(labels, **only).told] == [True]
    assert [each.inactive for each in explained(labels, at=NOON - 9 * 3600, **only).told] == [False]


def test_what_may_inhibit_is_told_without_an_agent_and_what_does_with_one() -> None:
    labels = {"alertname": "Slow", "severity": "warning", "cluster": "c"}
    unknown = explained(labels)
    assert (unknown.inhibited, unknown.silenced, unknown.quiet) == (None, None, None)
    assert [rule_spelled(rule, labels) for rule in unknown.could_inhibit] == ['{alertname="Down"} with cluster="c"']
    source = OutAlert(
        labels={"alertname": "Down", "cluster": "c"}, annotations={}, starts_at=0.0, ends_at=None, updated_at=0.0
    )
    known = explained(labels, present=Present([source], []))
    assert known.inhibited is not None
    assert [each.source for each in known.inhibited] == [source]
    assert known.quiet is True
    assert explained(labels, present=Present([], [])).quiet is False


def test_only_silences_that_are_active_and_match_count() -> None:
    labels = {"alertname": "Slow"}
    found = [
        silence("alertname=Slow"),
        silence("alertname=Slow", ends=NOON),
        silence("alertname=Slow", starts=NOON + 1),
        silence("alertname=Fast"),
    ]
    known = explained(labels, present=Present([], found))
    assert known.silenced == found[:1]
    assert known.quiet is True
    assert explained(labels, present=Present([], found[1:])).quiet is False


def test_receivers_that_tell_nobody_are_quiet() -> None:
    deaf = routing({"receiver": "a"}, {"a": False})
    found = explain({}, deaf, Inhibitor([]), TimeIntervals([]), NOON, Present([], []))
    assert ([told.deaf for told in found.told], found.quiet) == ([True], True)


def test_without_a_route_nobody_is_told() -> None:
    found = explain({}, routing(None), Inhibitor([]), TimeIntervals([]), NOON)
    assert (found.steps, found.told, found.quiet) == ([], [], True)
