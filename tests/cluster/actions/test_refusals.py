"""What a guard sees on a real cluster: while it stands nothing is done, and when it is over it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from tests.cluster.actions.common import Repairer, half_lagging, in_step, refusing, slow_syncs, whole
from tests.cluster.actions.conftest import MakeRepairer
from tests.cluster.api import Api
from tests.cluster.conftest import Lab

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Obstacle = Callable[[Lab], AbstractContextManager[None]]


def alarm(resource: str) -> Obstacle:
    @contextmanager
    def obstacle(lab: Lab) -> Iterator[None]:
        lab.run("alarm", "rabbit3", resource, "on")
        try:
            yield
        finally:
            lab.run("alarm", "rabbit3", resource, "off")

    return obstacle


@contextmanager
def missing(lab: Lab) -> Iterator[None]:
    """The node of the mirror that is in step: with the other one's nothing would lag any more."""
    lab.run("kill", "rabbit2")
    try:
        yield
    finally:
        lab.run("start", "rabbit2")
        whole(lab)


@contextmanager
def partition(lab: Lab) -> Iterator[None]:
    """Of the same node, for the same reason."""
    lab.run("partition", "rabbit2")
    try:
        yield
    finally:
        lab.run("heal", "--rejoin")
        whole(lab)


@pytest.mark.parametrize(
    ("obstacle", "guards"),
    [
        (alarm("memory"), {"no_alarm"}),
        (alarm("disk"), {"no_alarm"}),
        (missing, {"nodes_running"}),
        (partition, {"nodes_running", "one_component"}),
    ],
    ids=["memory alarm", "disk alarm", "missing node", "partition"],
)
def test_nothing_is_done_while_it_stands(
    lab: Lab, api: Api, repairer: MakeRepairer, obstacle: Obstacle, guards: set[str]
) -> None:
    half_lagging(lab, api, "q")
    agent = repairer()
    agent.until(lambda: _free(agent), "nothing speaks against it")
    with obstacle(lab):
        agent.until(lambda: guards <= set(refusing(agent.resync("q"))), f"{guards} refuse")
        told = agent.resync("q", apply=True)
        assert told["begun"] == {}, told
        assert agent.entries("requested") == []
    agent.until(lambda: not guards & set(refusing(agent.resync("q"))), "it is over")


def _free(agent: Repairer) -> bool:
    plan = agent.resync("q")
    return bool(plan["steps"]) and not refusing(plan)


def test_a_queue_that_is_too_large(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    half_lagging(lab, api, "q", messages=3, size=1_000_000)
    agent = repairer(actions={"guards": {"uptime": {"at_least": "1s"}, "size": {"limit": "2MiB"}}})
    # until the broker has told its size, that is what refuses
    agent.until(
        lambda: "more than the limit of 2.0 MiB" in refusing(agent.resync("q")).get("size", ""), "its size refuses"
    )
    assert agent.resync("q", apply=True)["begun"] == {}


def test_another_synchronisation(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    half_lagging(lab, api, "q")
    half_lagging(lab, api, "q.long", messages=3000, size=1000)
    agent = repairer()
    agent.until(lambda: _free(agent), "nothing speaks against it")
    with slow_syncs(lab, 200_000):
        api.call("POST", "queues", "/", "q.long", "actions", body={"action": "sync"})
        assert "no_sync" in refusing(agent.resync("q"))
        assert agent.resync("q", apply=True)["begun"] == {}
    agent.until(lambda: _free(agent), "the other one has ended")
    assert agent.resync("q", apply=True)["begun"]
    agent.until(lambda: agent.entries("ended"), "and now it is done")
    assert len(in_step(api, "q")) == 2
