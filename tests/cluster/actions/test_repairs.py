"""Repairs that alerts lead to, on a real cluster, to their verified end."""

from __future__ import annotations

import threading

import pytest
from tests.cluster.actions.common import (
    DECLARED,
    DRIFT,
    LAGS,
    MIRRORED,
    ONE,
    THREE,
    TWO,
    Repairer,
    binding,
    half_lagging,
    in_step,
    slow_syncs,
)
from tests.cluster.actions.conftest import MakeRepairer
from tests.cluster.api import Api
from tests.cluster.conftest import Lab

from rabbitwatch.actions.guards.table import GUARDS
from rabbitwatch.assets import shipped
from rabbitwatch.model.action import Outcome

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

FIGHT = "RabbitwatchActionFight"
POLICY = DECLARED["name"]


def test_lagging_mirrors_are_synchronised_once_all_guards_have_passed(
    lab: Lab, api: Api, repairer: MakeRepairer
) -> None:
    half_lagging(lab, api, "q", messages=5)
    agent = repairer(binding(LAGS, "sync_queue"))
    agent.until(lambda: agent.entries("ended"), "a repair has ended")
    (asked,), (ended,) = agent.entries("requested"), agent.entries("ended")
    assert (asked.step and asked.step.action, asked.step and asked.step.object) == ("sync_queue", "q")
    assert [answer.guard for answer in asked.answers] == [guard.__name__ for guard in GUARDS]
    assert [answer for answer in asked.answers if answer.refused] == []
    assert asked.before is not None
    assert asked.before["synchronised"] == [TWO]
    (replied,) = agent.entries("replied")
    assert replied.reply is not None
    assert replied.reply.status == 204
    assert ended.outcome is Outcome.DONE
    assert ended.after is not None
    assert sorted(ended.after["synchronised"]) == [TWO, THREE]
    assert in_step(api, "q") == [TWO, THREE]
    assert api.counts("q")["messages"] == 5


def test_a_sync_without_any_copy_waits_for_a_person(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    lab.run("unsync", "--queues", "1", "--messages", "20", "--prefix", "q.", "--node", "rabbit1")
    agent = repairer(binding(LAGS, "sync_queue"), policies=[])
    agent.until(lambda: agent.entries("awaiting"), "somebody is asked")
    (question,) = agent.waiting()
    assert agent.entries("requested") == []
    assert agent.approve(question["id"]).ok
    assert agent.approve(question["id"]).status_code == 409, "once"
    agent.until(lambda: agent.entries("ended"), "the repair has ended")
    (asked,), (approved,) = agent.entries("requested"), agent.entries("approved")
    assert approved.deed == asked.deed
    assert asked.cause.by == "a test (claimed)"
    assert agent.entries("ended")[0].outcome is Outcome.DONE
    assert in_step(api, "q.1") == [TWO, THREE]


def test_a_policy_that_is_deleted_or_changed_is_restored(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    api.policy(POLICY, DECLARED["pattern"], MIRRORED, priority=1)
    agent = repairer(binding(DRIFT, "apply_policy"))
    agent.until(lambda: agent.leases() == {"lab": ""}, "it may act")
    api.delete("policies", "/", POLICY)
    agent.until(lambda: len(agent.entries("ended")) == 1, "the deleted one is restored")
    assert _policy(api) == MIRRORED
    api.policy(POLICY, DECLARED["pattern"], {"ha-mode": "exactly", "ha-params": 2}, priority=3)
    agent.until(lambda: len(agent.entries("ended")) == 2, "the changed one is restored")
    assert _policy(api) == MIRRORED
    assert api.call("GET", "policies", "/", POLICY)["priority"] == 1
    assert {entry.outcome for entry in agent.entries("ended")} == {Outcome.DONE}


def test_a_fight_with_somebody_else_who_writes_is_given_up_and_paged(
    lab: Lab, api: Api, repairer: MakeRepairer
) -> None:
    api.policy(POLICY, DECLARED["pattern"], MIRRORED, priority=1)
    agent = repairer(binding(DRIFT, "apply_policy"), rules=[str(shipped("rules") / "actions.yml")])
    ending = threading.Event()

    def other() -> None:
        # not before the agent has seen that it is restored: else its alert goes on, and is looked at once a minute
        while not ending.wait(0.5):
            if DRIFT not in agent.firing() and _has_policy(api):
                api.delete("policies", "/", POLICY)

    second = threading.Thread(target=other)
    second.start()
    try:
        agent.until(lambda: FIGHT in agent.firing(), "somebody is paged")
    finally:
        ending.set()
        second.join()
    assert len(agent.entries("requested")) == 3
    refused = agent.entries("refused")[-1]
    assert "fight" in {answer.guard for answer in refused.answers if answer.refused}
    assert not _has_policy(api), "what the other one did stays"


def test_an_agent_that_is_killed_finds_its_open_step_and_follows_it(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    half_lagging(lab, api, "q", messages=3000, size=1000)
    with slow_syncs(lab, 200_000):
        agent = repairer(binding(LAGS, "sync_queue"))
        agent.until(lambda: agent.entries("replied"), "the broker has been asked")
        agent.kill()
        assert agent.entries("ended") == []
        agent.start()
        agent.until(lambda: agent.entries("ended"), "the open step has its end")
    assert len(agent.entries("requested")) == 1, "nothing is asked for twice"
    (asked,), (ended,) = agent.entries("requested"), agent.entries("ended")
    assert ended.deed == asked.deed
    assert ended.outcome is Outcome.DONE
    assert in_step(api, "q") == [TWO, THREE]


def test_of_two_agents_one_acts_and_the_other_takes_over(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    half_lagging(lab, api, "q1")
    pair = [repairer(binding(LAGS, "sync_queue")) for _ in range(2)]
    pair[0].until(lambda: any(agent.entries("ended") for agent in pair), "one of them has repaired it")
    holder, other = sorted(pair, key=lambda agent: len(agent.entries("requested")), reverse=True)
    assert [len(agent.entries("requested")) for agent in (holder, other)] == [1, 0]
    assert holder.leases() == {"lab": ""}
    assert other.leases()["lab"]
    holder.kill()
    half_lagging(lab, api, "q2")
    other.until(lambda: _done(other, "q2"), "the other one has repaired what came later")
    assert in_step(api, "q2") == [TWO, THREE]


def test_the_budget_and_the_pause_of_a_pair_are_one(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    half_lagging(lab, api, "q1")
    leads = binding(LAGS, "sync_queue", max_per_hour=1)
    first = repairer(leads)
    first.until(lambda: first.entries("ended"), "it has spent the budget")
    second = repairer(leads, notify={"peer": {"url": first.url, "position": 1}})
    first.pause()
    second.until(lambda: "resume it there" in second.paused(), "it has heard of the pause")
    first.kill()
    half_lagging(lab, api, "q2")
    second.until(lambda: second.leases() == {"lab": ""}, "it could act now")
    second.until(lambda: {"budget", "not_paused"} <= _refusing(second, "q2"), "and is kept from it")
    assert second.entries("requested") == []
    assert in_step(api, "q2") == [TWO]


def test_a_wrong_password_of_the_one_who_acts_leaves_polling_alone(lab: Lab, api: Api, repairer: MakeRepairer) -> None:
    half_lagging(lab, api, "q")
    agent = repairer(
        binding(LAGS, "sync_queue", cooldown="30m"),
        actions={"password": "guessed-9d41", "lease": {"kind": "file"}},
    )
    agent.until(lambda: agent.entries("ended"), "it was tried")
    (ended,) = agent.entries("ended")
    assert ended.outcome is Outcome.FAILED
    assert "401" in ended.text
    assert "guessed-9d41" not in agent.log()
    page = agent.page()
    assert f'rabbitwatch_node_up{{cluster="lab",node="{ONE}"}} 1' in page
    assert 'state="unauthorised"} 1' not in page
    assert in_step(api, "q") == [TWO]


def _policy(api: Api) -> object:
    return api.call("GET", "policies", "/", POLICY)["definition"]


def _has_policy(api: Api) -> bool:
    return any(policy["name"] == POLICY for policy in api.call("GET", "policies"))


def _refusing(agent: Repairer, queue: str) -> set[str]:
    refused = [entry for entry in agent.entries("refused") if entry.step and entry.step.object == queue]
    return {answer.guard for entry in refused for answer in entry.answers if answer.refused}


def _done(agent: Repairer, queue: str) -> bool:
    ended = [entry for entry in agent.entries("ended") if entry.step and entry.step.object == queue]
    return [entry.outcome for entry in ended] == [Outcome.DONE]
