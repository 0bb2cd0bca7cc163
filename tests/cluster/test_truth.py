"""What the program says of a real 3.10 cluster, in every state that the lab can put it into.

One cluster serves all tests of this file, two disc nodes and a ram node; each test leaves it as it found it. The split
comes last, because a divided cluster is mended only by restarting a side.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, LabFactory
from tests.cluster.observer import Observer, Seen, observing
from tests.support.waiting import NOTICED, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

NAMES = ("rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3")
ONE, TWO, THREE = NAMES
AGREED = 180.0
POLL_TIMEOUT = 5.0
SLACK = 3.0
"""Of a poll in which nodes hang; were they asked one after the other, it would take three time-outs."""


@pytest.fixture(scope="module")
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory("--nodes", "3", "--ram", "rabbit3", "--net-ticktime", "10")


@pytest.fixture(scope="module")
def api(lab: Lab) -> Api:
    return Api(lab.url("rabbit1"), "admin", lab.admin_password)


@pytest.fixture
def observer(lab: Lab, tmp_path: Path) -> Iterator[Observer]:
    with observing(lab.config_text(), tmp_path) as one:
        yield one


@pytest.fixture
def queues(api: Api) -> Iterator[Api]:
    """The API; queues, policies and vhosts made through it are gone after the test."""
    yield api
    for policy in api.call("GET", "policies"):
        api.delete("policies", policy["vhost"], policy["name"])
    for queue in api.call("GET", "queues"):
        api.delete("queues", queue["vhost"], queue["name"])
    for vhost in api.call("GET", "vhosts"):
        if vhost["name"] != "/":
            api.delete("vhosts", vhost["name"])


def whole(seen: Seen) -> bool:
    """Every node answers and all see each other."""
    return (
        seen.value("cluster_nodes_up") == 3
        and seen.value("cluster_components") == 1
        and set(seen.rows("view_running").values()) == {1}
        and len(seen.rows("view_running")) == 9
    )


def test_healthy(lab: Lab, tmp_path: Path) -> None:
    with observing(lab.config_text(), tmp_path, diagnostics=True) as observer:
        observer.until(whole, AGREED, "a cluster that is whole")
        seen = observer.look(diagnostics=True)
    assert whole(seen)
    assert set(seen.rows("view_partitioned").values()) == {0}
    assert set(seen.rows("view_connected").values()) == {1}, "the plugin's evidence"
    assert seen.rows("node_type") == {(ONE, "disc"): 1, (TWO, "disc"): 1, (THREE, "ram"): 1}
    assert seen.rows("node_type_mismatch") == dict.fromkeys([(n,) for n in NAMES], 0)
    assert seen.value("cluster_cookie_groups") == 1
    assert seen.rows("node_cookie_mismatch") == dict.fromkeys([(n,) for n in NAMES], 0)
    assert seen.value("cluster_disc_nodes_running") == 2
    assert seen.value("cluster_partitions_reportable") == 1
    assert seen.rows("node_poll_state")[ONE, "ok"] == 1
    assert seen.kinds == set(), seen.cycle.findings
    passed = seen.rows("node_check_passed")
    assert {check for _, check in passed} >= {"running", "local_alarms", "virtual_hosts"}
    assert set(passed.values()) == {1}


@pytest.mark.parametrize("node", ["rabbit1", "rabbit2", "rabbit3"])
def test_nothing_is_left_open_that_a_node_would_wait_for_when_it_stops(lab: Lab, observer: Observer, node: str) -> None:
    """Measured: each idle connection to one of these two ports makes a stop a second longer."""
    seen = observer.look()
    assert whole(seen)
    ports = "( sport = :15672 or sport = :15692 )"

    def open_() -> str:
        return lab.run("exec", node, "--", "ss", "-Htn", "state", "established", ports).stdout

    until(lambda: open_() == "", "no connection is open", 5.0, open_)


def test_a_node_of_another_type_than_declared(lab: Lab, tmp_path: Path) -> None:
    with observing(lab.config_text().replace("type: ram", "type: disc"), tmp_path) as observer:
        seen = observer.look()
    assert seen.rows("node_type_mismatch") == {(ONE,): 0, (TWO,): 0, (THREE,): 1}


def test_lagging_mirrors_and_the_same_after_a_sync(lab: Lab, queues: Api, observer: Observer) -> None:
    queues.queue("orders", messages=7, node=ONE)
    queues.policy("ha", "^orders$", {"ha-mode": "all", "ha-sync-mode": "manual"})
    seen = observer.until(lambda s: s.value("queue_mirrors", "/", "orders") == 2, NOTICED, "both mirrors exist")
    assert seen.value("queue_mirrors_expected", "/", "orders") == 2
    assert seen.value("queue_mirrors_synchronised", "/", "orders") == 0
    assert seen.value("cluster_unsynchronised_mirrors") == 2
    assert seen.value("queue_messages_at_risk", "/", "orders") == 7

    def synchronised(seen: Seen) -> bool:
        if seen.value("queue_mirrors_synchronised", "/", "orders") == 2:
            return True
        # a mirror that was still joining when the last order came is left out of it
        queues.call("POST", "queues", "/", "orders", "actions", body={"action": "sync"})
        return False

    seen = observer.until(synchronised, NOTICED, "both mirrors are synchronised")
    assert seen.value("cluster_unsynchronised_mirrors") == 0
    assert seen.value("queue_messages_at_risk", "/", "orders") == 0


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({"ha-mode": "all"}, 2),
        ({"ha-mode": "exactly", "ha-params": 2}, 1),
        ({"ha-mode": "exactly", "ha-params": 9}, 2),
        ({"ha-mode": "nodes", "ha-params": [ONE, TWO]}, 1),
    ],
    ids=["all", "exactly 2", "exactly 9 of 3", "nodes"],
)
def test_expected_mirrors(queues: Api, observer: Observer, definition: dict[str, object], expected: int) -> None:
    queues.queue("q", node=ONE)
    queues.policy("ha", "^q$", definition)
    seen = observer.until(lambda s: s.value("queue_mirrors", "/", "q") == expected, NOTICED, "the mirrors exist")
    assert seen.value("queue_mirrors_expected", "/", "q") == expected


def test_a_policy_in_another_vhost_mirrors_only_there(queues: Api, observer: Observer) -> None:
    queues.call("PUT", "vhosts", "shop")
    assert "shop" in repr(observer.look().cycle.findings), "a vhost that the user may not look into is named"
    for user in ("admin", "monitor"):
        queues.call("PUT", "permissions", "shop", user, body={"configure": ".*", "write": ".*", "read": ".*"})
    queues.queue("q", vhost="shop")
    queues.queue("q")
    queues.policy("ha", ".*", {"ha-mode": "all"}, vhost="shop")
    seen = observer.until(lambda s: s.value("queue_mirrors", "shop", "q") == 2, NOTICED, "the mirrors exist")
    assert seen.value("queue_mirrors_expected", "shop", "q") == 2
    assert seen.value("queue_mirrors_expected", "/", "q") is None


def test_an_exclusive_queue_expects_no_mirrors(lab: Lab, queues: Api, observer: Observer) -> None:
    queues.policy("ha", ".*", {"ha-mode": "all"})
    node = lab.node("rabbit1")
    login = pika.PlainCredentials("admin", lab.admin_password)
    with pika.BlockingConnection(pika.ConnectionParameters(node["address"], node["amqp_port"], credentials=login)) as c:
        c.channel().queue_declare("mine", exclusive=True)
        seen = observer.until(lambda s: s.value("queue_messages", "/", "mine") is not None, NOTICED, "the queue shows")
        assert seen.value("queue_mirrors_expected", "/", "mine") is None
        assert seen.value("queue_messages_at_risk", "/", "mine") is None
        assert seen.value("cluster_unsynchronised_mirrors") == 0


def test_hostile_queue_names_come_through(queues: Api, observer: Observer) -> None:
    # no newline: brokers take line breaks out of names that they declare
    names = ['say "hi"', "back\\slash", "tab\there", "🐇" * 60, "x" * 255, "<script>alert(1)</script>", "a{b}[[c]]"]
    for name in names:
        queues.queue(name, messages=1)
    seen = observer.until(lambda s: len(s.rows("queue_messages")) == len(names), NOTICED, "all queues show")
    assert {queue for _, queue in seen.rows("queue_messages")} == set(names)


def test_one_hanging_api_delays_nobody(lab: Lab, observer: Observer) -> None:
    lab.run("hang", "rabbit2")
    try:
        seen = observer.look()
        assert seen.cycle.observation.took < POLL_TIMEOUT + SLACK
        assert seen.rows("node_poll_state")[TWO, "timeout"] == 1
        assert seen.rows("node_up") == {(ONE,): 1, (TWO,): 0, (THREE,): 1}
        assert seen.value("view_running", ONE, TWO) == 1, "its peers know that it runs"
        assert seen.value("view_running", TWO, ONE) is None, "what it did not say is unknown"
        assert seen.value("cluster_components") == 1, "a node that did not answer is in no group"
    finally:
        lab.run("unhang", "rabbit2")
    observer.until(whole, AGREED, "all is well again")


def test_a_killed_node(lab: Lab, observer: Observer) -> None:
    lab.run("kill", "rabbit2")
    try:
        seen = observer.until(
            lambda s: s.value("view_running", ONE, TWO) == 0 and s.value("view_running", THREE, TWO) == 0,
            NOTICED,
            "both others say that it is down",
        )
        assert seen.value("node_up", TWO) == 0
        assert seen.value("cluster_nodes") == 3, "a dead node does not drop out of the sum"
        assert seen.value("cluster_components") == 1
        assert "not_running" in seen.kinds, seen.kinds
    finally:
        lab.run("start", "rabbit2")
    observer.until(whole, AGREED, "all is well again")


def test_a_cookie_that_differs(lab: Lab, tmp_path: Path) -> None:
    with observing(lab.config_text(), tmp_path, diagnostics=True) as observer:
        assert observer.look(diagnostics=True).value("cluster_cookie_groups") == 1
        lab.run("cookie", "rabbit2", "ANOTHERCOOKIE")
        try:
            seen = observer.until(
                lambda s: s.value("cluster_cookie_groups") == 2,
                120,
                "the differing cookie shows although it hangs in boot",
            )
            assert seen.rows("node_cookie_mismatch") == {(ONE,): 0, (TWO,): 1, (THREE,): 0}
            assert seen.value("node_up", TWO) == 0, "it opens no management port"
            secret = "ANOTHERCOOKIE"
            assert secret not in repr(seen.cycle.state)
        finally:
            lab.run("cookie", "rabbit2", "--restore")
        observer.until(whole, AGREED * 2, "all is well again")
        seen = observer.until(lambda s: s.value("cluster_cookie_groups") == 1, 120, "one cookie again")
        assert seen.rows("node_cookie_mismatch") == dict.fromkeys([(n,) for n in NAMES], 0)


def test_no_disc_node_left_among_the_living(lab: Lab, observer: Observer) -> None:
    observer.until(whole, AGREED, "a cluster that is whole")
    lab.run("kill", "rabbit1", "rabbit2")
    try:
        seen = observer.until(lambda s: s.value("cluster_disc_nodes_running") == 0, NOTICED, "no disc node runs")
        assert seen.value("view_running", THREE, THREE) == 1
        assert "no_disc_node" in seen.kinds, seen.kinds
    finally:
        lab.run("start", "rabbit1", "rabbit2")
    observer.until(whole, AGREED * 2, "all is well again")


@pytest.fixture
def mended(lab: Lab, observer: Observer) -> Iterator[Observer]:
    """An observer of a cluster that is whole, and is made so again: links healed, the lost side restarted."""
    observer.until(whole, AGREED, "a cluster that is whole")
    yield observer
    lab.run("heal")
    lab.run("stop", "rabbit3")
    lab.run("start", "rabbit3")
    observer.until(lambda s: whole(s) and s.value("cluster_partitioned_nodes") == 0, AGREED * 2, "all is well again")


def cut_off(seen: Seen) -> bool:
    """rabbit3 and the others say of each other that they are down."""
    pairs = [(ONE, THREE), (TWO, THREE), (THREE, ONE), (THREE, TWO)]
    return seen.value("cluster_components") == 2 and all(seen.value("view_running", *pair) == 0 for pair in pairs)


def test_a_split_before_the_tick_while_cut_and_after_healing(lab: Lab, mended: Observer) -> None:
    lab.run("partition", "rabbit3")
    before = mended.until(
        lambda s: s.rows("node_poll_state").get((ONE, "timeout")) == 1, NOTICED, "the API hangs before the tick"
    )
    assert before.cycle.observation.took < POLL_TIMEOUT + SLACK, "the cycle ends in time although every node hangs"
    assert before.value("cluster_components") in {None, 1}
    cut = mended.until(cut_off, NOTICED, "two groups while the link is cut, by the word of both")
    # the heart of it: no broker reports a thing, and yet it is seen
    assert set(cut.rows("view_partitioned").values()) == {0}
    assert set(cut.rows("node_partitions").values()) == {0}
    assert cut.value("cluster_partitioned_nodes") == 0
    assert cut.value("view_connected", ONE, TWO) == 1
    assert "split" in cut.kinds, cut.kinds
    lab.run("heal")
    healed = mended.until(
        lambda s: s.value("node_partitions", ONE) == 1 and s.value("node_partitions", THREE) == 2,
        NOTICED,
        "every side reports the partition",
    )
    assert healed.value("view_partitioned", ONE, THREE) == 1
    assert healed.value("view_partitioned", THREE, TWO) == 1
    assert healed.value("cluster_partitioned_nodes") == 3


def test_a_one_way_cut(lab: Lab, mended: Observer) -> None:
    lab.run("partition", "rabbit3", "--one-way")
    seen = mended.until(
        lambda s: (s.value("cluster_components") or 0) > 1 or bool(s.value("cluster_asymmetric_views")),
        NOTICED,
        "the cut shows in the views",
    )
    assert set(seen.rows("view_running").values()) == {0, 1}
    assert set(seen.rows("node_partitions").values()) <= {0}
