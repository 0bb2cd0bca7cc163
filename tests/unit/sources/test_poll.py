"""One observation of a cluster of fake brokers, in every state that a real one is hard to bring into."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.support.clusters import QUICK, NoRunner, cluster, configured, declared, name_of, serve_node, view
from tests.support.fakebroker import Answer, Drip, FakeBroker, Flood, Hang, Reaction, as_json, html

from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import ClusterObservation, Heard, Missed, NodeObservation, NotAsked, told
from rabbitwatch.sources.calls import QUEUES_PATH
from rabbitwatch.sources.poll import ClusterPoller


@contextmanager
def poller(config: ClusterConfig, poll: PollConfig = QUICK, **options: Any) -> Iterator[ClusterPoller]:
    running = ClusterPoller(config, poll, NoRunner(), **options)
    yield running
    running.close()


def by_name(observation: ClusterObservation) -> dict[str, NodeObservation]:
    return {node.name: node for node in observation.nodes}


def missed(part: object) -> Missed:
    assert isinstance(part, Missed), part
    return part


def test_a_healthy_cluster_tells_everything_once() -> None:
    with cluster(3) as brokers, poller(configured(*map(declared, brokers))) as asking:
        observation = asking.poll()
    names = [name_of(broker) for broker in brokers]
    assert observation.cluster == "fake"
    assert [node.name for node in observation.nodes] == names
    for node in observation.nodes:
        assert isinstance(node.overview, Heard)
        assert {n.name for n in told(node.nodes) or ()} == set(names)
        plugin = told(node.plugin)
        assert plugin is not None
        assert set(plugin.links) == set(names) - {node.name}
        assert told(node.consumers) == {("/", "q"): 2}
        assert isinstance(node.cookie_file_hash, NotAsked)
        assert node.declared
    (objects,) = observation.objects
    assert objects.component == frozenset(names)
    assert objects.asked == names[0]
    assert [queue.name for queue in told(objects.queues) or ()] == ["q"]
    assert [vhost.name for vhost in told(objects.vhosts) or ()] == ["/"]
    assert sum(broker.asked("/api/queues") for broker in brokers) == 1
    assert all(broker.asked("/api/nodes") == 1 for broker in brokers)


def test_a_hanging_node_delays_no_other() -> None:
    with cluster(3) as brokers, poller(configured(*map(declared, brokers))) as asking:
        for path in ("/api/overview", "/api/nodes"):
            brokers[2].serve(path, Hang())
        began = time.monotonic()
        observation = asking.poll()
        assert time.monotonic() - began < QUICK.interval
        nodes = by_name(observation)
        hanging = nodes[name_of(brokers[2])]  # the metrics plugin has told its name
        assert missed(hanging.nodes).failure is CallFailure.TIMEOUT
        for broker in brokers[:2]:
            node = nodes[name_of(broker)]
            assert isinstance(node.nodes, Heard)
            assert node.nodes.took < QUICK.timeout
        (objects,) = observation.objects
        assert objects.component == {name_of(brokers[0]), name_of(brokers[1])}
        assert isinstance(objects.queues, Heard)


@pytest.mark.parametrize(
    ("reaction", "failure", "words"),
    [
        (html(), CallFailure.ERROR, "text/html"),
        (Answer(b"{}", 401), CallFailure.UNAUTHORISED, "monitoring"),
        (Answer(b"[{}]" * 100, truncate=9), CallFailure.ERROR, "truncated"),
        (Flood(100 * 1024 * 1024), CallFailure.ERROR, "more than 64 MiB"),
        (Drip(b"[" * 1000, pause=0.05), CallFailure.TIMEOUT, "4 s"),
        (b"null", CallFailure.ERROR, "not a list: null"),
        (b'{"error": 1}', CallFailure.ERROR, "not a list"),
    ],
    ids=["html", "401", "truncated", "100MB", "drip", "null", "object"],
)
def test_a_bad_answer_loses_only_itself(reaction: Reaction, failure: CallFailure, words: str) -> None:
    with cluster(2) as brokers, poller(configured(*map(declared, brokers)), PollConfig(interval=6.0, timeout=4.0)) as a:
        brokers[1].serve("/api/nodes", reaction)
        observation = a.poll()
    nodes = by_name(observation)
    bad = nodes[name_of(brokers[1])]
    assert missed(bad.nodes).failure is failure
    assert words in missed(bad.nodes).reason
    assert isinstance(bad.overview, Heard)
    assert isinstance(bad.plugin, Heard)
    assert isinstance(nodes[name_of(brokers[0])].nodes, Heard)
    assert [objects.asked for objects in observation.objects] == [name_of(brokers[0])]


def test_both_sides_of_a_split_are_asked_for_their_queues() -> None:
    with cluster(3) as brokers, poller(configured(*map(declared, brokers))) as asking:
        left, right = [name_of(b) for b in brokers[:2]], name_of(brokers[2])
        for broker in brokers[:2]:
            serve_node(broker, dict.fromkeys(left, True) | {right: False}, queues=["left"])
        serve_node(brokers[2], dict.fromkeys(left, False) | {right: True}, queues=["right"])
        observation = asking.poll()
    sides = {objects.component: [q.name for q in told(objects.queues) or ()] for objects in observation.objects}
    assert sides == {frozenset(left): ["left"], frozenset([right]): ["right"]}


@pytest.mark.parametrize("reason", ["a node is down", "fewer than there are"])
def test_queues_that_the_cheap_list_leaves_out_are_added_without_counts(reason: str) -> None:
    with cluster(2) as brokers, poller(configured(*map(declared, brokers))) as asking:
        first, second = brokers
        overview = {"node": name_of(first), "object_totals": {"queues": 1}}
        if reason == "a node is down":
            first.serve("/api/nodes", view({name_of(first): True, name_of(second): False}))
            second.serve("/api/nodes", html(500))
        else:
            overview["object_totals"] = {"queues": 2}
        first.serve("/api/overview", as_json(overview))
        first.serve("/api/queues", as_json([{"name": "told", "vhost": "/", "messages": 3}]))
        everyone = [{"name": "told", "vhost": "/"}, {"name": "lost", "vhost": "/", "state": "down"}]
        first.serve("/api/queues?disable_stats=true", as_json(everyone))
        (objects,) = asking.poll().objects
    found = [(queue.name, queue.messages, queue.state) for queue in told(objects.queues) or ()]
    assert found == [("told", 3, None), ("lost", None, "down")]


def test_mirrors_are_those_of_the_metadata_store_because_an_idle_queue_tells_old_ones() -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker))) as asking:
        broker.serve("/api/overview", as_json({"node": name_of(broker), "object_totals": {"queues": 1}}))
        queue = {"name": "q", "vhost": "/", "state": "running", "messages": 7, "slave_nodes": ["b", "c"]}
        broker.serve("/api/queues", as_json([queue | {"synchronised_slave_nodes": ["c"]}]))
        record = {"name": "q", "vhost": "/", "state": "live", "slave_nodes": ["b", "c"]}
        broker.serve("/api/queues?disable_stats=true", as_json([record | {"synchronised_slave_nodes": ["b", "c"]}]))
        (objects,) = asking.poll().objects
    (found,) = told(objects.queues) or ()
    assert (found.synchronised_slave_nodes, found.messages, found.state) == (["b", "c"], 7, "running")


def test_one_list_is_enough_while_all_is_well() -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker))) as asking:
        broker.serve("/api/overview", as_json({"node": name_of(broker), "object_totals": {"queues": 1}}))
        asking.poll()
        assert broker.asked("/api/queues") == 1


@pytest.mark.parametrize("reaction", [Hang(), Answer(b"", 500)], ids=["late", "failing"])
def test_a_queue_that_is_synchronised_does_not_hide_the_others(reaction: Reaction) -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker))) as asking:
        syncing = {"name": "q", "vhost": "/", "state": "syncing", "sync_messages": 40, "messages": 100}
        broker.serve("/api/queues", as_json([syncing]))
        broker.serve(QUEUES_PATH, reaction)
        observation = asking.poll()
    assert observation.took < QUICK.interval
    (found,) = told(observation.objects[0].queues) or ()
    assert (found.state, found.sync_messages, found.messages) == ("syncing", 40, 100)
    assert isinstance(observation.objects[0].queues, Heard)
    assert observation.objects[0].queues.flaws == ()


def test_where_the_statistics_do_not_tell_yet_what_is_synchronised_that_is_said() -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker))) as asking:
        broker.serve("/api/queues", as_json([{"name": "q", "vhost": "/", "state": "running", "messages": 100}]))
        broker.serve(QUEUES_PATH, Answer(b"", 500))
        (objects,) = asking.poll().objects
    assert isinstance(objects.queues, Heard)
    assert [queue.name for queue in objects.queues.value] == ["q"]
    (flaw,) = objects.queues.flaws
    assert "perhaps a queue is being synchronised" in flaw
    assert "500" in flaw


def test_when_all_hang_those_that_answered_last_are_asked_side_by_side() -> None:
    with cluster(2) as brokers, poller(configured(*map(declared, brokers))) as asking:
        asking.poll()
        for broker in brokers:
            for path in ("/api/overview", "/api/nodes"):
                broker.serve(path, Hang())
        observation = asking.poll()
        assert observation.took < QUICK.interval
        (objects,) = observation.objects
        assert objects.asked == name_of(brokers[0])
        assert isinstance(objects.queues, Heard)
        assert all(isinstance(node.plugin, Heard) for node in observation.nodes)
        assert [node.name for node in observation.nodes] == [name_of(broker) for broker in brokers]


def test_the_same_node_is_asked_while_it_answers_and_another_after_it_failed() -> None:
    with cluster(2) as brokers, poller(configured(*map(declared, brokers))) as asking:
        assert [asking.poll().objects[0].asked for _ in range(3)] == [name_of(brokers[0])] * 3
        brokers[0].serve("/api/queues", html(500))
        assert isinstance(asking.poll().objects[0].queues, Missed)
        brokers[0].serve("/api/queues", b"[]")
        assert [asking.poll().objects[0].asked for _ in range(2)] == [name_of(brokers[1])] * 2


def test_from_one_address_the_others_are_found_in_the_same_cycle() -> None:
    with cluster(3) as brokers, poller(configured(declared(brokers[0]))) as asking:
        observation = asking.poll()
        assert asking.known_nodes == tuple(name_of(broker) for broker in brokers)
        assert [node.declared for node in observation.nodes] == [True, False, False]
        assert all(isinstance(node.nodes, Heard) for node in observation.nodes)
        assert observation.objects[0].component == {name_of(broker) for broker in brokers}


def test_discovery_can_be_switched_off() -> None:
    with cluster(2) as brokers, poller(configured(declared(brokers[0]), discover=False)) as asking:
        assert [node.name for node in asking.poll().nodes] == [name_of(brokers[0])]
        assert brokers[1].calls == []


def test_a_vanished_node_stays_missing_until_it_is_forgotten() -> None:
    now = [1000.0]
    with (
        cluster(2) as brokers,
        poller(configured(declared(brokers[0]), forget_after=100.0), clock=lambda: now[0]) as asking,
    ):
        gone = name_of(brokers[1])
        asking.poll()
        brokers[0].serve("/api/nodes", view({name_of(brokers[0]): True}))
        brokers[1].serve("/api/nodes", html(500))
        for now[0] in (1010.0, 1099.0):
            observation = asking.poll()
            assert observation.missing == {gone}
            assert gone in by_name(observation)
        now[0] = 1101.0
        observation = asking.poll()
        assert observation.missing == frozenset()
        assert gone not in by_name(observation)


def test_forgetting_by_name_and_returning() -> None:
    with cluster(2) as brokers, poller(configured(declared(brokers[0]))) as asking:
        asking.poll()
        asking.forget(name_of(brokers[1]))
        assert asking.known_nodes == (name_of(brokers[0]),)
        asking.poll()
        assert asking.known_nodes == tuple(map(name_of, brokers))


def test_an_address_that_answers_as_another_node_is_named_and_believed_in_nothing() -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker, name="rabbit@expected"))) as asking:
        observation = asking.poll()
    node = by_name(observation)["rabbit@expected"]
    for part in (node.overview, node.nodes):
        assert f"answers as {name_of(broker)}, not as rabbit@expected" in missed(part).reason
    assert f"answers as {name_of(broker)}, not as rabbit@expected" in missed(node.plugin).reason


def test_two_addresses_of_one_node_are_one_node_and_said() -> None:
    with cluster(1) as (broker,), FakeBroker() as proxy:
        serve_node(proxy, {name_of(broker): True})
        proxy.serve("/api/overview", as_json({"node": name_of(broker)}))
        with poller(configured(declared(broker), declared(proxy))) as asking:
            observation = asking.poll()
    (node,) = observation.nodes
    assert node.url == broker.url
    assert isinstance(node.overview, Heard)
    assert any(proxy.url in flaw and "same node" in flaw for flaw in node.overview.flaws)


def test_a_load_balancer_is_told_by_its_changing_names_and_serves_discovery_only() -> None:
    with cluster(2) as brokers, FakeBroker(port=brokers[0].port) as balancer:
        serve_node(balancer, dict.fromkeys(map(name_of, brokers), True))
        with poller(configured(declared(balancer))) as asking:
            for turn in range(4):
                balancer.serve("/api/overview", as_json({"node": name_of(brokers[turn % 2])}))
                observation = asking.poll()
    nodes = by_name(observation)
    assert set(nodes) == set(map(name_of, brokers))
    assert {node.url for node in observation.nodes} == {broker.url for broker in brokers}
    assert all(isinstance(node.nodes, Heard) for node in observation.nodes)


def test_a_discovered_node_whose_address_is_another_s_is_not_asked_there() -> None:
    with FakeBroker() as broker:
        names = {"rabbit1@127.0.0.1": True, "rabbit2@127.0.0.1": True}
        serve_node(broker, names)
        broker.serve("/api/overview", as_json({"node": "rabbit1@127.0.0.1"}))
        with poller(configured(declared(broker))) as asking:
            observation = asking.poll()
    other = by_name(observation)["rabbit2@127.0.0.1"]
    assert "which is that of rabbit1@127.0.0.1" in missed(other.nodes).reason
    assert broker.asked("/api/nodes") == 1


@pytest.mark.parametrize("status", [401, 404], ids=["3.10", "4.3"])
def test_a_user_without_permission_is_not_told_that_there_are_no_queues(status: int) -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker))) as asking:
        broker.serve("/api/queues", b"[]")
        broker.serve("/api/policies/%2F", Answer(as_json({"reason": "User not authorised"}), status))
        (hidden,) = asking.poll().objects
        assert missed(hidden.queues).failure is CallFailure.UNAUTHORISED
        assert "set_permissions" in missed(hidden.queues).reason
        assert hidden.unseen_vhosts == {"/"}
        asking.poll()
        assert broker.asked("/api/policies/%2F") == 1


def test_a_vhost_that_is_really_empty_is_empty_and_asked_about_seldom() -> None:
    with cluster(1) as (broker,), poller(configured(declared(broker))) as asking:
        broker.serve("/api/queues", b"[]")
        broker.serve("/api/policies/%2F", b"[]")
        for _ in range(3):
            (empty,) = asking.poll().objects
            assert told(empty.queues) == ()
            assert empty.unseen_vhosts == frozenset()
        assert broker.asked("/api/policies/%2F") == 1


def test_a_plugin_that_is_not_there_is_said_once_and_not_asked_again() -> None:
    with cluster(1) as (broker,):
        dead = "http://127.0.0.1:1"
        with capture_logs() as logs, poller(configured(declared(broker, plugin_url=dead))) as asking:
            parts = [asking.poll().nodes[0].plugin for _ in range(3)]
    assert missed(parts[0]).failure is CallFailure.REFUSED
    assert parts == [parts[0]] * 3
    assert [log["sources"] for log in logs] == ["plugin plugin_consumers"]


def test_a_failure_is_logged_once_until_it_changes_and_when_it_is_over() -> None:
    with cluster(1) as (broker,), capture_logs() as logs, poller(configured(declared(broker))) as asking:
        for body in (html(), html(), Answer(b"x", 500), b"[7]", b"[7]", view({name_of(broker): True})):
            broker.serve("/api/nodes", body)
            asking.poll()
    about = [(log["event"], log["sources"]) for log in logs if "nodes" in log["sources"]]
    assert about == [
        ("no answer", "nodes"),
        ("no answer", "nodes"),
        ("answers again", "nodes"),
        ("broken parts left out", "nodes"),
    ]
    assert "s3cret" not in str(logs)


def test_a_poll_never_raises() -> None:
    def broken() -> float:
        clock.append(0.0)
        if len(clock) > 1:
            raise RuntimeError("no clock")
        return 1000.0

    clock: list[float] = []
    with cluster(1) as (broker,), poller(configured(declared(broker)), clock=broken) as asking:
        observation = asking.poll()
    assert "no clock" in missed(observation.nodes[0].overview).reason


def test_close_ends_a_poll_that_waits_and_the_process_with_it() -> None:
    """Calls hang, one thread polls, and the process is gone within a moment of close."""
    with FakeBroker() as broker:
        for path in ("/api/overview", "/api/nodes", "/metrics", "/metrics/detailed"):
            broker.serve(path, Hang())
        program = f"""
            import threading, time
            from rabbitwatch.config.models import ClusterConfig, NodeConfig, PollConfig
            from rabbitwatch.clients.command import CommandRunner
            from rabbitwatch.sources.poll import ClusterPoller

            nodes = (NodeConfig(url="{broker.url}", plugin_url="{broker.url}", diagnostics=("sleep", "300")),)
            runner = CommandRunner()
            asking = ClusterPoller(ClusterConfig(nodes=nodes), PollConfig(interval=60.0, timeout=50.0), runner)
            thread = threading.Thread(target=asking.poll)
            thread.start()
            time.sleep(1.0)
            print(time.time(), flush=True)
            asking.close()
            runner.close()
            thread.join()
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=True
        )
        assert time.time() - float(done.stdout) < 2.0
