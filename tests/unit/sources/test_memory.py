"""What the poller remembers from cycle to cycle: whom it asked, what it pauses, into which vhosts it may look."""

from __future__ import annotations

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.broker import Policy, Queue, Vhost
from rabbitwatch.model.observation import Heard, Missed, Source
from rabbitwatch.sources.choice import Choice
from rabbitwatch.sources.pauses import Pauses
from rabbitwatch.sources.visibility import Visibility, seemingly_empty

OK = Heard((), 0.0, 0.0)
ORDER = ("a", "b", "c")


def failed(kind: CallFailure = CallFailure.ERROR) -> Missed:
    return Missed(kind, "why", 0.0, 0.0)


def test_the_first_in_order_is_asked_and_kept() -> None:
    choice = Choice()
    assert choice.of({"b", "c"}, ORDER) == "b"
    choice.note({"c": OK}, views=True)
    assert choice.of({"a", "b", "c"}, ORDER) == "c"
    assert choice.kept == ("c",)


def test_who_failed_longest_ago_is_asked_when_all_failed() -> None:
    choice = Choice()
    for name in ("a", "b", "c"):
        assert choice.of(ORDER, ORDER) == name
        choice.note({name: failed()}, views=True)
    assert choice.of(ORDER, ORDER) == "a"


def test_a_refusal_of_the_user_and_a_cluster_that_hangs_change_nothing() -> None:
    choice = Choice()
    choice.note({"b": OK}, views=True)
    choice.note({"b": failed(CallFailure.UNAUTHORISED)}, views=True)
    choice.note({"b": failed(CallFailure.TIMEOUT)}, views=False)
    choice.note({}, views=True)
    assert choice.of(ORDER, ORDER) == "b"


def test_a_refused_plugin_rests_and_other_sources_do_not() -> None:
    now = [0.0]
    pauses = Pauses(60.0, lambda: now[0])
    refused = failed(CallFailure.REFUSED)
    for source in (Source.PLUGIN, Source.NODES):
        pauses.note("u", source, refused, api_answers=False)
    assert pauses.held("u", Source.NODES) is None
    assert pauses.held("u", Source.PLUGIN) is refused
    now[0] = 59.0
    assert pauses.held("u", Source.PLUGIN) is refused
    now[0] = 60.0
    assert pauses.held("u", Source.PLUGIN) is None


def test_a_plugin_that_hangs_with_its_node_is_asked_every_time() -> None:
    pauses = Pauses(60.0, lambda: 0.0)
    pauses.note("u", Source.PLUGIN, failed(CallFailure.TIMEOUT), api_answers=False)
    assert pauses.held("u", Source.PLUGIN) is None
    pauses.note("u", Source.PLUGIN, failed(CallFailure.TIMEOUT), api_answers=True)
    assert pauses.held("u", Source.PLUGIN) is not None


def test_a_vhost_is_unseen_until_it_is_known_to_be_seen() -> None:
    now = [0.0]
    sight = Visibility(60.0, lambda: now[0])
    assert sight.unseen(["a", "b"]) == {"a", "b"}
    sight.note({"a": True, "b": False})
    assert sight.unseen(["a", "b"]) == {"b"}
    assert sight.due(["a", "b", "c"]) == {"c"}
    now[0] = 61.0
    assert sight.due(["a", "b"]) == {"a", "b"}
    assert sight.unseen(["a"]) == frozenset()


def test_a_vhost_with_a_queue_or_a_policy_is_not_empty() -> None:
    vhosts = [Vhost(name=name) for name in "abc"]
    empty = seemingly_empty(vhosts, [Queue(name="q", vhost="a")], [Policy(name="p", vhost="b")])
    assert empty == {"c"}
