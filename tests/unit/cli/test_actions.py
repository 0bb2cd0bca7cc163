"""`rabbitwatch approve` and `rabbitwatch actions` against a served API."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cli.repairdesk import Agent
from tests.unit.cli.repairdesk import agent as served
from tests.unit.web.actions.repairs import APPROVAL, BROKEN, NOW, FakeRepairs, approval, binding, entry, step
from tests.unit.web.serving import FakeView, hashed, serving, web_file

from rabbitwatch.actions.approvals import deed_of
from rabbitwatch.actions.facade import BindingStatus, OpenStep
from rabbitwatch.model.action import Outcome, Target
from rabbitwatch.web.actions.api import ActionsApi
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard

Capture = pytest.CaptureFixture[str]
ME = f"{getpass.getuser()} (claimed)"
DEED = deed_of(APPROVAL)


@pytest.fixture
def agent() -> Iterator[Agent]:
    with served() as made:
        yield made


def test_an_approval_is_given_and_says_where_its_end_is_found(agent: Agent, capsys: Capture) -> None:
    assert agent.run("approve", APPROVAL) == 0
    assert agent.repairs.done == [("decide", APPROVAL, True, ME, "command")]
    assert capsys.readouterr().out == f"approved\nWhat comes of it: rabbitwatch audit --deed {DEED}\n"


def test_an_approval_is_declined(agent: Agent, capsys: Capture) -> None:
    assert agent.run("approve", APPROVAL, "--decline", "--by", "ann") == 0
    assert agent.repairs.done == [("decide", APPROVAL, False, "ann (claimed)", "command")]
    assert capsys.readouterr().out == "declined\n"


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.DONE, 0), (Outcome.FAILED, 1), (Outcome.STALLED, 1)])
def test_the_end_can_be_waited_for(agent: Agent, capsys: Capture, outcome: Outcome, code: int) -> None:
    agent.repairs.lines += [entry(4, deed=DEED), entry(5, "ended", deed=DEED, outcome=outcome, text="as it is")]
    assert agent.run("approve", APPROVAL, "--wait") == code
    assert f"{outcome.value}: as it is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("approval_id", "why"),
    [
        ("forged", "nobody was asked under this id"),
        ("old", "it has expired"),
        ("../pause", "is no id of an approval"),
        ("a/b?c#d", "is no id of an approval"),
    ],
)
def test_what_is_no_question_any_more_is_1(agent: Agent, capsys: Capture, approval_id: str, why: str) -> None:
    agent.repairs.approvals["old"] = approval("old", expires_at=NOW - 1)
    assert agent.run("approve", approval_id) == 1
    printed = capsys.readouterr()
    assert why in printed.err
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert agent.repairs.paused == ""


def test_the_second_answer_is_1(agent: Agent, capsys: Capture) -> None:
    assert agent.run("approve", APPROVAL) == 0
    capsys.readouterr()
    assert agent.run("approve", APPROVAL) == 1
    assert "it was answered before" in capsys.readouterr().err


def test_all_that_stands_is_listed(agent: Agent, capsys: Capture) -> None:
    agent.repairs.held["billing"] = "rabbit@b says that agent-2 holds it"
    assert agent.run("actions", "list") == 0
    out = capsys.readouterr().out
    for each in (
        "Not paused: what the bindings allow may act.",
        "Cluster orders: this agent holds the lease",
        "Cluster billing: this agent may not act: rabbit@b says that agent-2 holds it",
        'alertname="RabbitMQMirrorsLag"',
        "RabbitMQMirrorsLag (cluster orders, vhost /, queue master.a)",
        APPROVAL,
        "600 of 1200 messages copied",
        "2027-01-15 08:29:00 UTC",
        "alert RabbitMQMirrorsLag (rule)",
    ):
        assert each in out


def test_that_the_other_agents_repairs_are_not_known_is_listed(agent: Agent, capsys: Capture) -> None:
    agent.repairs.peer_unknown = "http://b:9419 refuses the connection"
    assert agent.run("actions", "list") == 0
    out = capsys.readouterr().out
    assert "What the other agent of the pair has done lately is not known: http://b:9419 refuses the connection" in out


def test_nothing_is_listed_as_none(agent: Agent, capsys: Capture) -> None:
    vars(agent.repairs).update(vars(FakeRepairs(held={}, paused="paused by ann")))
    assert agent.run("actions", "list") == 0
    out = capsys.readouterr().out
    assert out.startswith("Nothing may act: paused by ann")
    assert out.count("  none") == 3


def test_the_list_is_the_apis_as_json(agent: Agent, capsys: Capture) -> None:
    assert agent.run("actions", "list", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["approvals"][0]["id"] == APPROVAL


def test_the_list_holds_whatever_the_names_are(agent: Agent, capsys: Capture) -> None:
    hostile = "\x1b[31m[bold]\u202e " + "x" * 300
    bad = step(hostile, summary=hostile, cluster=hostile)
    agent.repairs.open = [OpenStep(entry=entry(step=bad)), OpenStep(entry=replace(entry(), step=None))]
    firing = [("f", hostile, Target(hostile, hostile, hostile))]
    agent.repairs.status = [BindingStatus(binding=binding(), firing=firing)]
    assert agent.run("actions", "list") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert max(map(len, out.splitlines())) <= 160


def test_pause_and_resume(agent: Agent, capsys: Capture) -> None:
    assert agent.run("actions", "pause", "--by", "ann") == 0
    assert capsys.readouterr().out == "Nothing may act: paused by ann (claimed)\n"
    assert agent.run("actions", "resume") == 0
    assert capsys.readouterr().out == "Not paused: what the bindings allow may act.\n"
    assert agent.repairs.done == [("pause", "ann (claimed)", "command"), ("resume", ME, "command")]


def test_resume_says_when_the_configuration_keeps_it_paused(agent: Agent, capsys: Capture) -> None:
    agent.repairs.resume = lambda by, source: None  # type: ignore[method-assign]
    agent.repairs.paused = "paused by the configuration: actions.paused"
    assert agent.run("actions", "resume") == 1
    assert "actions.paused" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["actions", "pause"], ["approve", APPROVAL]])
def test_what_fails_in_the_agent_is_one_line_and_1(agent: Agent, capsys: Capture, arguments: list[str]) -> None:
    agent.repairs.fails = BROKEN
    assert agent.run(*arguments) == 1
    assert capsys.readouterr().err == f"rabbitwatch: {BROKEN}\n"


def test_an_agent_without_repairs_is_2(capsys: Capture) -> None:
    view = FakeView()
    with serving(application(view, view.reload)) as server:
        agent = Agent(FakeRepairs(), f"http://127.0.0.1:{server.port}")
        assert agent.run("actions", "list") == 2
        assert "is that the address of a rabbitwatch?" in capsys.readouterr().err


def test_a_password_is_asked_for(tmp_path: Path, capsys: Capture) -> None:
    repairs = FakeRepairs()
    view = FakeView()
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('x')}'}}\n")
    with serving(application(view, view.reload, ActionsApi(repairs, Guard()).routes()), web) as server:
        agent = Agent(repairs, f"http://127.0.0.1:{server.port}")
        assert agent.run("actions", "pause") == 1
        assert "RABBITWATCH_URL=http://USER:PASSWORD@HOST:PORT" in capsys.readouterr().err
        assert agent.run("actions", "pause", url=f"http://ann:x@127.0.0.1:{server.port}") == 0
    assert repairs.done == [("pause", "ann", "command")]
