"""The lease on a real broker: one hand, whoever dies, stops or is cut off; times are what was measured here, idle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, LabFactory
from tests.support.leaseholder import Holder, keeper
from tests.support.waiting import until

from rabbitwatch.actions.guards.membership import nodes_running
from rabbitwatch.actions.guards.unity import one_component
from rabbitwatch.actions.lease.amqp import HEARTBEAT_SECONDS
from rabbitwatch.actions.lease.keeper import Keeper
from rabbitwatch.actions.look import ClusterLooker
from rabbitwatch.actions.ports import Case
from rabbitwatch.cli.pollers import Pollers
from rabbitwatch.config.actions import GuardsConfig
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.model.action import Step, Target

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

QUEUE = "rabbitwatch.actions"
USER, PASSWORD = "repairs", "s3cret-of-the-lease"
STEP = Step(
    action="apply_policy", cluster="lab", vhost="/", object="ha", method="PUT", path="/api/policies/%2F/ha", body={},
    summary="restore it", before={}, queues=1, messages=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def lab(lab_factory: LabFactory) -> Lab:
    """Three nodes, and a user that may make this one queue and nothing else."""
    lab = lab_factory("--nodes", "3", "--net-ticktime", "10")
    api = admin(lab)
    for user, pattern in ((USER, rf"^{QUEUE}$".replace(".", r"\.")), ("stranger", "^$")):
        api.call("PUT", "users", user, body={"password": PASSWORD, "tags": "policymaker"})
        api.call("PUT", "permissions", "/", user, body={"configure": pattern, "write": "^$", "read": "^$"})
    return lab


def admin(lab: Lab, node: str = "rabbit1") -> Api:
    return Api(lab.url(node), "admin", lab.admin_password)


def settings(*, user: str = USER, password: str = PASSWORD, **lease: Any) -> dict[str, Any]:
    return {"username": user, "password": password, "lease": lease}


def only(lab: Lab, node: str) -> dict[str, Any]:
    """AMQP on that node alone."""
    return settings(urls=[f"amqp://{lab.node(node)['address']}:5672"])


Begin = Callable[..., Keeper]


@pytest.fixture
def begin(lab: Lab, tmp_path: Path) -> Iterator[Begin]:
    """Begins a lease in this process, closed with the test."""
    begun: list[Keeper] = []

    def start(agent: str, given: dict[str, Any] | None = None, node: str = "") -> Keeper:
        lease = keeper(given or settings(), [lab.url(node)] if node else lab.urls, tmp_path, agent)
        begun.append(lease)
        lease.begin()
        return lease

    yield start
    for lease in begun:
        lease.close()


@pytest.fixture
def holder(lab: Lab, tmp_path: Path) -> Iterator[Holder]:
    """A process that holds the lease through rabbit1."""
    started = Holder(only(lab, "rabbit1"), lab.urls, tmp_path, "first")
    try:
        until(lambda: started.held() == "", "the first one gets the lease", 20)
        yield started
    finally:
        started.go_on()
        started.kill()


def gets(lease: Keeper, seconds: float = 20.0) -> float:
    """How many seconds that takes."""
    began = time.monotonic()
    until(lambda: lease.held() == "", "it gets the lease", seconds, lambda: f"last: {lease.last}")
    return time.monotonic() - began


def test_of_two_one_holds_it_and_the_other_says_who(lab: Lab, begin: Begin) -> None:
    one = begin("one")
    assert one.held() == ""
    refusals = locked(lab)
    two = begin("two")
    assert "is held by agent one (host " in two.held()
    time.sleep(5.0)
    assert "is held by agent one" in two.last
    assert locked(lab) == refusals + 1, "who stands by fills the broker's log"
    one.close()
    assert one.held() != ""
    assert gets(two) < 10


def test_a_killed_holder_frees_it_at_once(holder: Holder, begin: Begin) -> None:
    second = begin("second")
    assert "agent first" in second.held()
    holder.kill()
    took = gets(second)
    print(f"after kill -9: {took:.1f} s")
    assert took < 10


def test_a_stopped_holder_loses_it_and_knows_when_it_goes_on(holder: Holder, begin: Begin) -> None:
    second = begin("second")
    holder.stop()
    answer = holder.ask()
    took = gets(second, 90.0)
    print(f"after SIGSTOP: {took:.1f} s")
    assert HEARTBEAT_SECONDS < took < 5 * HEARTBEAT_SECONDS
    holder.go_on()
    said = answer()
    print(f"the stopped one says: {said}")
    assert said != ""
    assert second.held() == ""
    until(lambda: "agent second" in holder.held(), "the first one sees who has it", 30)


def test_an_alarm_neither_loses_it_nor_keeps_anybody_from_it(lab: Lab, begin: Begin) -> None:
    one = begin("one")
    assert one.held() == ""
    two = begin("two")
    assert "agent one" in two.held()
    lab.run("alarm", "rabbit1", "memory", "on")
    try:
        until(lambda: bool(admin(lab).call("GET", "nodes", "rabbit@rabbit1")["mem_alarm"]), "the alarm is told", 30)
        assert one.held() == ""
        one.close()
        assert gets(two) < 10
    finally:
        lab.run("alarm", "rabbit1", "memory", "off")


def test_a_node_that_dies_takes_it_along_and_it_is_got_on_another(lab: Lab, holder: Holder, begin: Begin) -> None:
    second = begin("second")
    lab.run("kill", "rabbit1")
    try:
        took = gets(second, 60.0)
        print(f"after the node's death: {took:.1f} s")
        said = holder.held()
        print(f"the first one says: {said}")
        assert "refuses the connection" in said or "is lost" in said
    finally:
        lab.run("start", "rabbit1")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (settings(password="wrong"), f"refuses user '{USER}': check actions.username and its password"),
        (settings(user="stranger"), r"needs the permission to configure ^rabbitwatch\.actions$ in vhost /"),
        (settings(vhost="elsewhere"), "does not let user 'repairs' into vhost elsewhere"),
        (settings(urls=["amqp://{host}:1"]), "refuses the connection: is the node running"),
        (settings(urls=["amqps://{host}:5672"]), "TLS failed: WRONG_VERSION_NUMBER; see lease.tls"),
    ],
)
def test_without_the_right_to_it_nobody_holds_it_and_is_told_why(begin: Begin, given: Any, why: str) -> None:
    said = begin("one", given).held()
    assert why in said
    assert PASSWORD not in said
    assert "\n" not in said


def test_both_sides_of_a_partition_may_hold_it_and_guards_stop_both(lab: Lab, begin: Begin) -> None:
    first = begin("first", node="rabbit1")
    assert first.held() == ""
    second = begin("second", node="rabbit3")
    assert "agent first" in second.held()
    healed = False
    cut = time.monotonic()
    lab.run("partition", "rabbit3")
    try:
        gets(second, 90.0)
        print(f"both hold it {time.monotonic() - cut:.1f} s after the cut")
        assert first.held() == "", "the brokers have changed: a partition does not make two leases any more"
        assert one_component(case(lab, lab.urls)).refused
        assert nodes_running(case(lab, [lab.url("rabbit3")])).refused, "seen by an agent that is cut off too"
        assert nodes_running(case(lab, lab.urls[:2])).refused
        lab.run("heal", "--rejoin")
        healed = True
        until(lambda: second.held() != "", "the side that was restarted has lost it", 60)
        assert first.held() == ""
    finally:
        if not healed:
            lab.run("heal", "--rejoin")


def locked(lab: Lab) -> int:
    """How often the brokers have logged that the queue is another's."""
    names = ("rabbit1", "rabbit2", "rabbit3")
    return sum(Path(lab.node(name)["log"]).read_text(errors="replace").count("resource_locked") for name in names)


def case(lab: Lab, reached: list[str]) -> Case:
    """What an agent that knows of all nodes sees and judges when it reaches only these."""
    nodes = [
        {"url": url if url in reached else "http://127.0.0.1:1", "name": f"rabbit@rabbit{number}"}
        for number, url in enumerate(lab.urls, start=1)
    ]
    given = {"name": "lab", "nodes": nodes, "username": "monitor", "password": lab.monitor_password}
    with Pollers() as make:
        looker = ClusterLooker(ClusterConfig.model_validate(given), PollConfig(interval=6.0, timeout=5.0), make)
        look = looker.look(Target("lab"))
        looker.close()
    return Case(step=STEP, look=look, past=(), guards=GuardsConfig(), binding=None, now=time.time())
