"""The route tree means what Alertmanager's means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rabbitwatch.config.models import Config
from rabbitwatch.config.notices import RouteConfig
from rabbitwatch.notify.routing import FAILING_ALERT, Routing, build

TREE: dict[str, Any] = {
    "receiver": "chat",
    "group_by": ["cluster", "alertname"],
    "routes": [
        {"matchers": ['severity="critical"'], "receiver": "pager", "continue": True, "group_wait": "0s"},
        {
            "match": {"vhost": "/"},
            "match_re": {"queue": "a.*"},
            "group_by": ["..."],
            "repeat_interval": "1h",
            "mute_time_intervals": ["nights"],
            "routes": [{"matchers": ["queue=ab"], "receiver": "mail"}, {"matchers": ["node!=a"], "group_by": ["node"]}],
        },
        {"matchers": ['severity=~"critical|warning"'], "receiver": "late"},
    ],
}


def routing(tree: dict[str, Any] | None = TREE, receivers: dict[str, bool] | None = None) -> Routing:
    """receivers: whether each has anything to tell by."""
    names = receivers or dict.fromkeys(("chat", "pager", "mail", "late"), True)
    listed = [{"name": name, **({"file_configs": [{}]} if tells else {})} for name, tells in names.items()]
    return Routing.of(Config.model_validate({"receivers": listed, **({"route": tree} if tree else {})}))


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["chat"]),
        ({"severity": "info"}, ["chat"]),
        ({"severity": "warning"}, ["late"]),
        ({"severity": "critical"}, ["pager", "late"]),
        ({"severity": "critical", "vhost": "/", "queue": "ab"}, ["pager", "mail"]),
        ({"vhost": "/", "queue": "ac", "severity": "warning"}, ["chat"]),
        ({"vhost": "/", "queue": "ba", "severity": "warning"}, ["late"]),
        ({"vhost": "/", "severity": "warning"}, ["late"]),
    ],
)
def test_the_first_that_matches_takes_the_alert_unless_it_continues(
    labels: dict[str, str], receivers: list[str]
) -> None:
    assert [route.receiver for route in routing().routes_for(labels)] == receivers


def test_what_a_route_does_not_set_comes_from_above_but_for_its_times() -> None:
    root, pager, second, mail, node, late = routing().all()
    assert (root.group_wait, root.group_interval, root.repeat_interval) == (30.0, 300.0, 14_400.0)
    assert (pager.group_wait, pager.group_interval, pager.group_by) == (0.0, 300.0, ("alertname", "cluster"))
    assert (second.receiver, second.repeat_interval, second.group_by) == ("chat", 3600.0, None)
    assert (mail.group_by, mail.repeat_interval, mail.mute_time_intervals) == (None, 3600.0, ())
    assert second.mute_time_intervals == ("nights",)
    assert (node.group_by, node.receiver) == (("node",), "chat")
    assert late.group_by == ("alertname", "cluster")


def test_an_empty_group_by_inherits_as_in_alertmanager() -> None:
    above = build(RouteConfig.model_validate({"receiver": "a", "group_by": ["b"], "routes": [{"group_by": []}]}))
    assert above.routes[0].group_by == ("b",)


def test_a_route_says_where_it_stands_and_keys_are_alertmanagers() -> None:
    assert {route.path: route.key for route in routing().all()} == {
        "route": "{}",
        "route.routes[0]": '{}/{severity="critical"}',
        "route.routes[1]": '{}/{queue=~"^(?:a.*)$",vhost="/"}',
        "route.routes[1].routes[0]": '{}/{queue=~"^(?:a.*)$",vhost="/"}/{queue="ab"}',
        "route.routes[1].routes[1]": '{}/{queue=~"^(?:a.*)$",vhost="/"}/{node!="a"}',
        "route.routes[2]": '{}/{severity=~"critical|warning"}',
    }


def test_a_group_has_the_labels_that_the_alert_has() -> None:
    (route,) = routing().routes_for({"alertname": "A"})
    assert route.group_labels({"alertname": "A", "node": "n"}) == {"alertname": "A"}
    assert route.group_key({}) == "{}:{}"
    (every,) = routing().routes_for({"vhost": "/", "queue": "ac", "node": "a"})
    labels = {"vhost": "/", "queue": 'a"\\\n\u00a0é', "node": "a"}
    assert every.group_labels(labels) == labels
    assert every.group_key(labels).endswith(r':{node="a", queue="a\"\\\n\u00a0é", vhost="/"}')


def test_labels_of_a_key_are_in_the_order_of_their_spelling() -> None:
    key = build(RouteConfig(receiver="a", group_by=("...",))).group_key({"a_b": "2", "a1": "3", "a": "1"})
    assert key == '{}:{a1="3", a="1", a_b="2"}'  # a digit sorts before "=", as in Alertmanager's keys


def test_without_a_route_nobody_is_told() -> None:
    assert routing(None).routes_for({"alertname": "A"}) == []
    assert list(routing(None).all()) == []


# That a receiver fails is heard through another one.


def failing(receiver: str, **labels: str) -> dict[str, str]:
    return {"alertname": FAILING_ALERT, "receiver": receiver, **labels}


def test_the_first_other_receiver_hears_that_one_fails() -> None:
    first, second = routing().routes_for(failing("chat"))
    assert (first.receiver, second.receiver) == ("chat", "pager")
    assert second.path == "route (fallback)"
    assert second.key == '{}/{alertname="RabbitwatchNotificationFailing",receiver="chat"}'
    assert second.group_key({}) != first.group_key({})


def test_it_takes_no_notice_of_time_intervals() -> None:
    labels = failing("chat", vhost="/", queue="ac", node="a")
    muted, fallback = routing().routes_for(labels)
    assert muted.mute_time_intervals == ("nights",)
    assert fallback.mute_time_intervals == ()


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (failing("pager"), ["chat"]),  # is told elsewhere anyway
        (failing("pager", severity="critical"), ["pager", "late"]),
        (failing("nobody"), ["chat"]),
        ({"alertname": "Other", "receiver": "chat"}, ["chat"]),
    ],
)
def test_who_hears_of_it_anyway_needs_no_other(labels: dict[str, str], told: list[str]) -> None:
    assert [route.receiver for route in routing().routes_for(labels)] == told


def test_a_receiver_that_tells_nobody_is_no_other_one() -> None:
    some = routing({"receiver": "a"}, {"mute": False, "a": True, "b": True})
    assert [route.receiver for route in some.routes_for(failing("a"))] == ["a", "b"]
    assert [r.receiver for r in routing({"receiver": "a"}, {"a": True, "m": False}).routes_for(failing("a"))] == ["a"]
    beside = {"receiver": "a", "routes": [{"receiver": "mute", "continue": True}, {"receiver": "a"}]}
    told = routing(beside, {"mute": False, "a": True, "b": True}).routes_for(failing("a"))
    assert [route.receiver for route in told] == ["mute", "a", "b"]


# Any tree, held against the plainest way to say what a tree means.

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y", "xy"]))
MATCHER = st.builds(
    '{}{}"{}"'.format,
    st.sampled_from("abc"),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["", "x", "y", "x|y", "x.*"]),
)
ROUTE = st.recursive(
    st.fixed_dictionaries({"matchers": st.lists(MATCHER, max_size=2), "continue": st.booleans()}),
    lambda below: st.fixed_dictionaries(
        {
            "matchers": st.lists(MATCHER, max_size=2),
            "continue": st.booleans(),
            "routes": st.lists(below, min_size=1, max_size=3),
        }
    ),
    max_leaves=8,
)


def naive(route: dict[str, Any], labels: dict[str, str], path: str) -> list[str]:
    taken: list[str] = []
    for index, child in enumerate(route.get("routes", [])):
        if all(naive_match(text, labels) for text in child["matchers"]):
            taken += naive(child, labels, f"{path}.routes[{index}]")
            if not child["continue"]:
                break
    return taken or [path]


def naive_match(text: str, labels: dict[str, str]) -> bool:
    name, operator, value = text[0], text[1:].partition('"')[0], text.partition('"')[2][:-1]
    has = labels.get(name, "")
    fits = {"": has == "", "x": has == "x", "y": has == "y", "x|y": has in ["x", "y"], "x.*": has.startswith("x")}
    equal = fits[value] if "~" in operator else has == value
    return equal is not operator.startswith("!")


@settings(max_examples=300, deadline=None)
@given(st.lists(ROUTE, max_size=3), LABELS)
def test_any_tree(routes: list[dict[str, Any]], labels: dict[str, str]) -> None:
    tree = {"receiver": "chat", "routes": routes}
    assert [route.path for route in routing(tree).routes_for(labels)] == naive(tree, labels, "route")
