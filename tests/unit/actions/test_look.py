"""A look tells what a repair must know, and never takes what was not told for zero, for healthy or for missing."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.clusters import QUICK, NoRunner, cluster, configured, declared, name_of, view
from tests.support.fakebroker import Answer, FakeBroker, Hang, HangUp, Reaction, as_json, html

from rabbitwatch.actions.look import DETAILS_AT_MOST, ClusterLooker
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.model.action import Look, QueueLook, Target
from rabbitwatch.sources.calls import QUEUES_PATH, RECORDS_PATH
from rabbitwatch.sources.poll import ClusterPoller

ALL = Target("lab")
Q = ("/", "q")


@contextmanager
def looker(config: ClusterConfig) -> Iterator[ClusterLooker]:
    made = ClusterLooker(config, QUICK, lambda cluster, poll: ClusterPoller(cluster, poll, NoRunner()))
    yield made
    made.close()


@contextmanager
def three() -> Iterator[tuple[tuple[FakeBroker, ...], ClusterLooker]]:
    """Three healthy nodes that count rates, and whoever looks at them."""
    with cluster(3) as brokers, looker(configured(*map(declared, brokers))) as looks:
        for broker in brokers:
            count_rates(broker, "basic")
        yield brokers, looks


def count_rates(broker: FakeBroker, mode: str | None) -> None:
    told = {"node": name_of(broker), "rabbitmq_version": "3.10.8", "rates_mode": mode}
    broker.serve("/api/overview", as_json(told))


def row(name: str = "q", *, vhost: str = "/", leader: str = "rabbit@127.0.0.2", **told: Any) -> dict[str, Any]:
    """A mirrored queue in a list, one of whose two mirrors lags."""
    mirrors = {"slave_nodes": ["m1", "m2"], "synchronised_slave_nodes": ["m1"]}
    usual = {"type": "classic", "state": "running", "exclusive": False, "policy": "ha", "messages": 10}
    return {"name": name, "vhost": vhost, "node": leader, **usual, **mirrors, **told}


def detail(name: str = "q", *, vhost: str = "/", **told: Any) -> dict[str, Any]:
    """What the question about one queue adds."""
    usual = {"messages": 10, "message_bytes": 1000, "backing_queue_status": {"len": 10}}
    definition = {"ha-mode": "all", "ha-sync-batch-size": 50}
    return {"name": name, "vhost": vhost, **usual, "effective_policy_definition": definition, **told}


def serve(brokers: tuple[FakeBroker, ...], *rows: Mapping[str, Any]) -> None:
    """Every node lists these queues, and tells of each in detail what is usual."""
    for broker in brokers:
        broker.serve("/api/queues", as_json(rows))
        broker.serve("/api/policies/%2F", b"[]")
        for each in rows:
            serve_detail(broker, detail(each["name"], vhost=each["vhost"]))


def serve_detail(broker: FakeBroker, told: Mapping[str, Any], reaction: Reaction | None = None) -> None:
    broker.serve(path_of(told["vhost"], told["name"]), reaction or as_json(told))


def path_of(vhost: str, name: str) -> str:
    return f"/api/queues/{quote(vhost, safe='')}/{quote(name, safe='')}"


def seen(row_told: Mapping[str, Any], detail_told: Mapping[str, Any]) -> QueueLook:
    """One queue by its row and its detail."""
    with three() as (brokers, looks):
        serve(brokers, row_told)
        serve_detail(brokers[0], detail_told)
        look = looks.look(ALL)
    assert look.missed == {}
    return look.queues[Q]


def test_a_lagging_queue_is_seen_in_detail_and_the_cluster_is_called_as_asked() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(), row("whole", synchronised_slave_nodes=["m1", "m2"]), row("other", vhost="v"))
        look = looks.look(Target("lab", vhost="/"))
    assert (look.cluster, look.missed, look.not_asked, look.syncing) == ("lab", {}, 0, frozenset())
    assert {queue.labels[0] for queue in look.state.queues.all} == {"lab"}
    assert look.queues == {
        Q: QueueLook(
            vhost="/",
            name="q",
            type="classic",
            node="rabbit@127.0.0.2",
            state="running",
            policy="ha",
            exclusive=False,
            messages=10,
            message_bytes=1000,
            publish_rate=0.0,
            deliver_rate=0.0,
            mirrors=("m1", "m2"),
            synchronised=("m1",),
            sync_messages=None,
            batch=50,
        )
    }


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (Target("lab"), {"q", "other", "else"}),
        (Target("lab", vhost="/"), {"q", "else"}),
        (Target("lab", queue="q"), {"q"}),
        (Target("lab", vhost="v", queue="other"), {"other"}),
        (Target("lab", vhost="/", policy="ha2"), {"else"}),
    ],
    ids=str,
)
def test_only_queues_of_the_target_are_asked(target: Target, names: set[str]) -> None:
    with three() as (brokers, looks):
        serve(brokers, row(), row("other", vhost="v"), row("else", policy="ha2"))
        look = looks.look(target)
    assert {name for _, name in look.queues} == names


def test_a_queue_that_is_named_is_asked_though_it_does_not_lag() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(synchronised_slave_nodes=["m1", "m2"]))
        look = looks.look(Target("lab", vhost="/", queue="q"))
    assert look.queues[Q].unsynchronised == ()


def test_a_queue_that_is_named_and_nowhere_is_missed() -> None:
    with three() as (brokers, looks):
        serve(brokers)
        look = looks.look(Target("lab", vhost="/", queue="q"))
    assert (look.queues, look.missed) == ({}, {Q: "no such queue is told"})


def test_the_riskiest_are_asked_first_and_the_rest_is_counted() -> None:
    more = 7
    with three() as (brokers, looks):
        safe = [row(f"safe{n:03}", messages=1000 + n) for n in range(DETAILS_AT_MOST)]
        risky = [row(f"risky{n}", messages=1 + n, synchronised_slave_nodes=[]) for n in range(more)]
        serve(brokers, *safe, *risky)
        look = looks.look(ALL)
    assert len(look.queues) == DETAILS_AT_MOST
    assert look.not_asked == more
    left_out = {f"safe{n:03}" for n in range(more)}
    assert {name for _, name in look.queues}.isdisjoint(left_out)


@pytest.mark.parametrize("name", ["a/b", "100%", "naïve ☃", "'\"<&>", "a b?c#d", "%2F"])
def test_a_hostile_name_is_asked_for_as_it_is(name: str) -> None:
    with three() as (brokers, looks):
        serve(brokers, row(name, vhost=name))
        look = looks.look(ALL)
    assert look.missed == {}
    assert (look.queues[name, name].vhost, look.queues[name, name].message_bytes) == (name, 1000)


def test_a_name_that_cannot_be_asked_for_is_missed() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(".."))
        look = looks.look(ALL)
    assert look.queues == {}
    assert "use rabbitmqctl" in look.missed["/", ".."]


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (html(), "really the broker's"),
        (Answer(b"{", 200), "broken JSON"),
        (Answer(as_json({"vhost": "/"}), 200), "no usable name"),
        (Answer(as_json(detail("another")), 200), "about another queue"),
        (Answer(b"", 404), "404"),
        (Answer(as_json({"reason": "Login failed"}), 401), "Login failed"),
        (HangUp(), "closed the connection"),
        (Hang(), "0.4 s"),
    ],
    ids=["proxy", "broken", "nameless", "another", "gone", "refused", "hang up", "hang"],
)
def test_a_detail_that_does_not_come_is_missed_with_its_reason_and_hides_no_other(
    reaction: Reaction, words: str
) -> None:
    with three() as (brokers, looks):
        serve(brokers, row(), row("well"))
        serve_detail(brokers[0], detail(), reaction)
        look = looks.look(ALL)
    assert words in look.missed[Q]
    assert "s3cret" not in look.missed[Q]
    assert set(look.queues) == {("/", "well")}


def test_details_that_all_hang_end_with_the_time_out() -> None:
    names = [f"q{n}" for n in range(20)]
    with three() as (brokers, looks):
        serve(brokers, *map(row, names))
        for name in names:
            serve_detail(brokers[0], detail(name), Hang())
        began = time.monotonic()
        look = looks.look(ALL)
        assert time.monotonic() - began < 3 * QUICK.timeout
        asked = sum(brokers[0].asked(path_of("/", name)) for name in names)
    assert {name for _, name in look.missed} == set(names)
    assert asked < len(names)
    assert any("no time was left" in why for why in look.missed.values())


def test_the_leaders_node_is_asked_as_the_polling_user() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(leader=name_of(brokers[2])))
        looks.look(ALL)
    assert [broker.asked(path_of(*Q)) for broker in brokers] == [0, 0, 1]
    headers = next(headers for path, headers in brokers[2].calls if path.startswith(path_of(*Q)))
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"guest:s3cret"


def test_where_the_leaders_node_is_silent_another_one_is_asked() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(leader=name_of(brokers[2])))
        for path in ("/api/overview", "/api/nodes"):
            brokers[2].serve(path, HangUp())
        look = looks.look(ALL)
    assert brokers[2].asked(path_of(*Q)) == 0
    assert Q in look.queues


def test_for_a_queue_whose_leader_is_gone_the_node_that_told_it_is_asked() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(leader="rabbit@gone"))
        look = looks.look(ALL)
    assert sum(broker.asked(path_of(*Q)) for broker in brokers) == 1
    assert look.queues[Q].node == "rabbit@gone"


def counted(word: str, **rates: Any) -> dict[str, Any]:
    return {"message_stats": {f"{word}_details": rates}}


@pytest.mark.parametrize(
    ("told", "publish", "deliver"),
    [
        ({}, 0.0, 0.0),
        (counted("publish", rate=0.0, avg_rate=33.3), 33.3, 0.0),
        (counted("publish", rate=50.0, avg_rate=1.0), 50.0, 0.0),
        (counted("deliver_get", rate=7), 0.0, 7.0),
        (counted("publish"), None, 0.0),
        (counted("publish", rate="many"), None, 0.0),
        ({"message_stats": {"publish_details": 5}}, None, 0.0),
        ({"messages": None}, None, None),
    ],
    ids=["never", "burst", "now", "delivered", "no rate", "text", "no details", "no statistics yet"],
)
def test_rates_are_the_larger_of_now_and_the_last_minute(
    told: dict[str, Any], publish: float | None, deliver: float | None
) -> None:
    found = seen(row(), detail(**told))
    assert (found.publish_rate, found.deliver_rate) == (publish, deliver)


@pytest.mark.parametrize("mode", ["none", None])
def test_where_any_running_node_does_not_count_no_rate_is_known(mode: str | None) -> None:
    with three() as (brokers, looks):
        serve(brokers, row())
        count_rates(brokers[1], mode)
        look = looks.look(ALL)
    assert (look.queues[Q].publish_rate, look.queues[Q].deliver_rate) == (None, None)


@pytest.mark.parametrize(
    ("messages", "told", "size"),
    [
        (10, {}, 1000),
        (5, {}, 1000),
        (20, {}, 2000),
        (0, {"message_bytes": 0, "messages": 0, "backing_queue_status": {"len": 0}}, 0),
        (20_000, {"message_bytes": 0, "messages": 20_000, "backing_queue_status": {"len": 0}}, None),
        (10, {"backing_queue_status": {"len": 4}, "messages_unacknowledged": 6}, 1000),
        (10, {"backing_queue_status": {"len": 4}}, 2500),
        (20, {"backing_queue_status": None}, 2000),
        (10, {"message_bytes": None}, None),
        (10, {"messages": None, "message_bytes": None, "backing_queue_status": None}, None),
        (10, {"message_bytes": 0}, 0),
    ],
    ids=[
        "same",
        "fewer now",
        "more now",
        "empty",
        "sizes later than counts",
        "unacknowledged",
        "newer count",
        "no length",
        "no size",
        "no statistics yet",
        "empty bodies",
    ],
)
def test_bytes_are_those_of_the_messages_counted_with_them(
    messages: int, told: dict[str, Any], size: int | None
) -> None:
    assert seen(row(messages=messages), detail(**told)).message_bytes == size


def test_the_lists_word_on_state_mirrors_and_depth_outweighs_the_statistics() -> None:
    late = detail(state="syncing", sync_messages=9, synchronised_slave_nodes=["m1", "m2"], slave_nodes=["m1"])
    found = seen(row(), late)
    assert (found.state, found.syncing, found.unsynchronised, found.messages) == ("running", False, ("m2",), 10)


@pytest.mark.parametrize(("size", "batch"), [(50, 50), (None, None), ("50", None), (True, None)])
def test_the_batch_is_the_policys_where_it_sets_one(size: object, batch: int | None) -> None:
    definition = {"ha-mode": "all"} | ({} if size is None else {"ha-sync-batch-size": size})
    assert seen(row(), detail(effective_policy_definition=definition)).batch == batch


def test_a_queue_that_is_synchronised_is_told_by_the_list_and_not_asked() -> None:
    with three() as (brokers, looks):
        serve(brokers, row("far away", vhost="v", state="syncing", sync_messages=4), row())
        for broker in brokers:
            broker.serve(QUEUES_PATH, Answer(b"", 500))
        look = looks.look(ALL)
    far = look.queues["v", "far away"]
    assert (far.syncing, far.sync_messages, far.messages, far.message_bytes) == (True, 4, 10, None)
    assert sum(broker.asked(path_of("v", "far away")) for broker in brokers) == 0
    assert look.syncing == {("v", "far away")}


def test_a_sync_outside_the_target_and_of_a_queue_that_is_left_out_is_told_all_the_same() -> None:
    with cluster(1) as brokers:
        config = configured(declared(brokers[0]), queues={"exclude": ["^far"]})
        with looker(config) as looks:
            serve(brokers, row("far away", vhost="v", state="syncing"), row())
            look = looks.look(Target("lab", vhost="/", queue="q"))
    assert look.syncing == {("v", "far away")}
    assert set(look.queues) == {Q}


def test_silence_about_syncs_is_not_taken_for_peace() -> None:
    with three() as (brokers, looks):
        serve(brokers, row())
        for broker in brokers:
            broker.serve(QUEUES_PATH, Answer(b"", 500))
        assert looks.look(ALL).syncing is None
        serve(brokers, row())
        for broker in brokers:
            broker.serve("/api/queues", html(502))
            broker.serve(QUEUES_PATH, html(502))
        assert looks.look(ALL).syncing is None


def test_a_sync_in_a_vhost_that_nobody_may_look_into_is_unknown() -> None:
    with three() as (brokers, looks):
        serve(brokers, row())
        for broker in brokers:
            broker.serve("/api/vhosts", as_json([{"name": "/"}, {"name": "hidden"}]))
            broker.serve("/api/policies/hidden", Answer(as_json({"reason": "no"}), 401))
        look = looks.look(Target("lab", vhost="hidden", queue="q"))
    assert look.unseen_vhosts == {"hidden"}
    assert look.syncing is None
    assert "may not look into vhost 'hidden'" in look.missed["hidden", "q"]
    assert look.policies == {}


def test_policies_are_those_of_the_only_component() -> None:
    with three() as (brokers, looks):
        for broker in brokers:
            broker.serve("/api/policies", as_json([{"vhost": "/", "name": "p", "pattern": "x", "definition": {}}]))
            broker.serve("/api/operator-policies", as_json([{"vhost": "v", "name": "p"}]))
        look = looks.look(ALL)
    assert look.policies is not None
    assert set(look.policies) == {(False, "/", "p"), (True, "v", "p")}
    assert look.policies[False, "/", "p"].pattern == "x"


@pytest.mark.parametrize(
    "reaction",
    [html(500), Answer(b"[", 200), Answer(as_json([{"vhost": "/", "name": 7}, {"vhost": "/", "name": "p"}]))],
    ids=["failed", "broken", "a row left out"],
)
@pytest.mark.parametrize("path", ["/api/policies", "/api/operator-policies"])
def test_policies_of_which_a_part_is_not_heard_are_unknown(path: str, reaction: Reaction) -> None:
    with three() as (brokers, looks):
        for broker in brokers:
            broker.serve(path, reaction)
        assert looks.look(ALL).policies is None


@pytest.mark.parametrize("same", [True, False])
def test_policies_on_which_two_sides_differ_are_unknown(same: bool) -> None:
    with three() as (brokers, looks):
        names = [name_of(broker) for broker in brokers]
        for broker in brokers:
            alone = broker is brokers[2]
            broker.serve("/api/nodes", view({name: (name == names[2]) is alone for name in names}))
            found = [{"vhost": "/", "name": "p", "priority": 0 if same or not alone else 1}]
            broker.serve("/api/policies", as_json(found))
        look = looks.look(ALL)
    assert len(look.state.components) == 2
    assert (look.policies is not None) is same


def test_a_cluster_that_does_not_answer_is_unknown_and_raises_nothing() -> None:
    with three() as (brokers, looks):
        for broker in brokers:
            for path in ("/api/overview", "/api/nodes", "/api/queues", "/api/policies", "/api/operator-policies"):
                broker.serve(path, HangUp())
        look = looks.look(Target("lab", vhost="/", queue="q"))
    assert (look.state.components, look.policies, look.syncing, look.queues) == ((), None, None, {})
    assert look.missed == {Q: "no node told its queues"}


def test_a_list_that_fails_is_the_reason_for_a_queue_that_is_missed() -> None:
    with three() as (brokers, looks):
        for broker in brokers:
            broker.serve("/api/queues", html(502))
        look = looks.look(Target("lab", vhost="/", queue="q"))
    assert "status 502" in look.missed[Q]


def test_mirrors_are_those_of_the_store() -> None:
    with three() as (brokers, looks):
        serve(brokers, row(synchronised_slave_nodes=[]))
        for broker in brokers:
            broker.serve(RECORDS_PATH, as_json([row(synchronised_slave_nodes=["m1"])]))
        assert looks.look(ALL).queues[Q].unsynchronised == ("m2",)


class _Recording:
    """Makes pollers and remembers for what; their polls take a moment and notice each other."""

    def __init__(self) -> None:
        self.made: list[ClusterConfig] = []
        self.at_once = 0
        self.most = 0
        self._real: list[ClusterPoller] = []

    def __call__(self, config: ClusterConfig, poll: PollConfig) -> _Recording:
        self.made.append(config)
        self._real.append(ClusterPoller(config, poll, NoRunner()))
        return self

    def poll(self) -> Any:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(0.02)
        try:
            return self._real[-1].poll()
        finally:
            self.at_once -= 1

    def close(self) -> None:
        self._real[-1].close()


def test_there_is_one_poller_from_the_first_look_on_without_diagnostics_and_looks_take_turns() -> None:
    with cluster(1) as brokers:
        node = declared(brokers[0]).model_copy(update={"diagnostics": ("rabbitmq-diagnostics",)})
        pollers = _Recording()
        looks = ClusterLooker(configured(node, diagnostics=["rabbitmq-diagnostics"]), QUICK, pollers)
        assert pollers.made == []
        found: list[Look] = []
        threads = [threading.Thread(target=lambda: found.append(looks.look(ALL))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        looks.close()
    (config,) = pollers.made
    assert (config.diagnostics, config.nodes[0].diagnostics) == ((), ())
    assert (len(found), pollers.most) == (4, 1)


def test_after_the_end_a_look_asks_nobody_and_knows_nothing() -> None:
    with three() as (brokers, looks):
        serve(brokers, row())
        looks.close()
        look = looks.look(ALL)
    assert (look.state.components, look.policies, look.syncing) == ((), None, None)
    assert all(broker.calls == [] for broker in brokers)


def test_a_look_under_way_ends_with_the_looker() -> None:
    with three() as (brokers, looks):
        serve(brokers, row())
        serve_detail(brokers[0], detail(), Hang())
        timer = threading.Timer(0.2, looks.close)
        timer.start()
        look = looks.look(ALL)
        timer.join()
    assert Q in look.missed
