from __future__ import annotations

import pytest
from rabbitlab.errors import LabError
from rabbitlab.order import FIVE_HOSTS_POLICY, Order, check, mirror_policy, policy_from_json, ram_names


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order(version="5.0"), "--version 5.0: have 3.10, 4.0, 4.3"),
        (Order(nodes=0), "--nodes 0: from 1 to 9"),
        (Order(nodes=10), "--nodes 10: from 1 to 9"),
        (Order(ram=("rabbit4",)), "--ram rabbit4: the nodes are rabbit1, rabbit2, rabbit3"),
        (Order(nodes=1, ram=("rabbit1",)), "at least one node must be a disc node"),
        (Order(version="4.3", ram=("rabbit2",)), "RabbitMQ 4.3 has no ram nodes"),
        (Order(version="4.0", policies=(mirror_policy("all"),)), "policy ha-all: RabbitMQ 4.0 has no mirrored queues"),
        (Order(version="4.0", five_hosts=True), "--five-hosts needs mirrors"),
        (Order(net_ticktime=1), "--net-ticktime 1: 4 or more seconds"),
    ],
)
def test_wishes_that_cannot_be_met(order: Order, words: str) -> None:
    with pytest.raises(LabError) as refused:
        check(order)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(LabError, match=r"--version 5.*; --nodes 0"):
        check(Order(version="5", nodes=0))


def test_five_hosts_are_four_disc_nodes_and_a_ram_node() -> None:
    order = check(Order(five_hosts=True, partition_handling="autoheal"))
    assert (order.names, order.ram) == (("rabbit1", "rabbit2", "rabbit3", "rabbit4", "rabbit5"), ("rabbit5",))
    assert order.policies == (FIVE_HOSTS_POLICY,)
    assert order.partition_handling == "autoheal"


@pytest.mark.parametrize(("text", "names"), [("", ()), ("3", ("rabbit3",)), ("rabbit2, 3", ("rabbit2", "rabbit3"))])
def test_ram_names(text: str, names: tuple[str, ...]) -> None:
    assert ram_names(text) == names


@pytest.mark.parametrize(
    ("mode", "definition"),
    [
        ("all", {"ha-mode": "all"}),
        ("exactly:2", {"ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic"}),
        ("nodes:rabbit@a,rabbit@b", {"ha-mode": "nodes", "ha-params": ["rabbit@a", "rabbit@b"]}),
    ],
)
def test_mirror_policy(mode: str, definition: dict[str, object]) -> None:
    assert mirror_policy(mode)["definition"] == definition


@pytest.mark.parametrize("mode", ["some", "exactly:0", "exactly:", "nodes:", "nodes:a,"])
def test_unknown_mirror_modes(mode: str) -> None:
    with pytest.raises(LabError, match="--mirror"):
        mirror_policy(mode)


def test_a_policy_is_completed_with_the_brokers_defaults() -> None:
    policy = policy_from_json('{"name": "ttl", "pattern": ".*", "definition": {"message-ttl": 1000}}')
    assert (policy["vhost"], policy["apply-to"], policy["priority"]) == ("/", "queues", 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON at column 2"),
        ("[]", "an object with name, pattern and definition"),
        ('{"name": "a", "pattern": "b", "definition": 1}', "definition must be an object"),
        ('{"name": "a", "pattern": "b", "definition": {}, "vhosts": "/"}', "unknown key vhosts"),
    ],
)
def test_wrong_policies(text: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        policy_from_json(text)
