"""`rabbitwatch resync` against a served API: what is shown, what is asked for, exit codes."""

from __future__ import annotations

import getpass
import io
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.unit.cli.repairdesk import Agent
from tests.unit.cli.repairdesk import agent as served
from tests.unit.web.actions.repairs import APPROVAL, GUARDS, answers, entry, plan, step

from rabbitwatch.actions.facade import Considered
from rabbitwatch.cli import plans
from rabbitwatch.cli.ask import AskError, Form
from rabbitwatch.cli.calls import RefusedError
from rabbitwatch.cli.following import PATIENCE_SECONDS, Follower
from rabbitwatch.cli.resync import INTERRUPTED, run
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.model.action import Cause, Outcome, Skipped, Target
from rabbitwatch.web.actions import documents

Capture = pytest.CaptureFixture[str]
DIGEST = step().digest
ALL = ["resync", "--cluster", "orders"]


@pytest.fixture
def agent() -> Iterator[Agent]:
    with served() as made:
        yield made


def test_the_plan_is_shown_with_what_speaks_against_it(agent: Agent, capsys: Capture) -> None:
    assert agent.run(*ALL, "--vhost", "/", "--queue", "master.a", "--by", "ann") == 1
    cause = Cause(source="command", by="ann (claimed)")
    assert agent.repairs.done == [("plan", Target("orders", "/", "master.a"), "resync", cause)]
    out = capsys.readouterr().out
    for each in (
        "cluster orders: 1 step, touching 1 queue and 1,200 messages; guards refuse 1",
        "synchronise 1 mirror of the queue master.a in vhost /",
        "only_mirror: it is the only one",
        f"\n{' ' * 78}{len(GUARDS) - 1} of {len(GUARDS)} pass",
        f"a person may lift this: --approve {DIGEST}",
        "Nothing was done: --apply does what no guard refuses.",
    ):
        assert each in out


def test_where_no_guard_refuses_the_plan_is_good(agent: Agent, capsys: Capture) -> None:
    agent.repairs.considered = Considered(plan=plan(step()), answers={DIGEST: answers()})
    assert agent.run(*ALL) == 0
    assert "5 of 5 pass" in capsys.readouterr().out
    assert agent.repairs.done[0][3].by == f"{getpass.getuser()} (claimed)"


def test_nothing_to_do_is_good(agent: Agent, capsys: Capture) -> None:
    skipped = tuple(Skipped(f"queue q{number}", "it is exclusive") for number in range(25))
    agent.repairs.considered = Considered(plan=plan(nothing="no mirror lags", skipped=skipped))
    assert agent.run(*ALL) == 0
    out = capsys.readouterr().out
    assert "cluster orders: nothing to do: no mirror lags" in out
    assert "queue q19  it is exclusive" in out
    assert "queue q20" not in out
    assert "and 5 more" in out


def test_json_is_the_apis(agent: Agent, capsys: Capture) -> None:
    assert agent.run(*ALL, "-o", "json") == 1
    assert json.loads(capsys.readouterr().out) == documents.considered(agent.repairs.considered)


def test_apply_waits_for_the_end(agent: Agent, capsys: Capture) -> None:
    agent.repairs.considered = Considered(plan=plan(step()), answers={DIGEST: answers()})
    agent.repairs.begun, agent.repairs.said = {DIGEST: "deed-1"}, "1 step begun"
    agent.repairs.open = []
    assert agent.run(*ALL, "--apply") == 0
    out = capsys.readouterr().out
    assert "1 step begun" in out
    assert "deed-1  requested: synchronise 1 mirror of the queue master.a in vhost /" in out
    assert "deed-1  done: both mirrors are synchronised" in out
    assert "Nothing was done" not in out


def test_apply_as_json_keeps_stdout_clean(agent: Agent, capsys: Capture) -> None:
    agent.repairs.considered = Considered(plan=plan(step()), answers={DIGEST: answers()})
    agent.repairs.begun, agent.repairs.open = {DIGEST: "deed-1"}, []
    assert agent.run(*ALL, "--apply", "-o", "json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["begun"], document["outcomes"]) == ({DIGEST: "deed-1"}, {"deed-1": "done"})
    assert "requested" in printed.err


@pytest.mark.parametrize("outcome", [Outcome.STALLED, Outcome.TIMED_OUT, Outcome.FAILED])
def test_what_does_not_end_well_is_1(agent: Agent, capsys: Capture, outcome: Outcome) -> None:
    agent.repairs.begun, agent.repairs.open = {DIGEST: "deed-1"}, []
    agent.repairs.lines[-1] = replace(agent.repairs.lines[-1], outcome=outcome, text="it stands still")
    assert agent.run(*ALL, "--apply", "--approve", DIGEST) == 1
    printed = capsys.readouterr().out
    assert f"{outcome.value}: it stands still" in printed
    assert "a person may lift this" not in printed
    assert agent.repairs.done[0][4] == (DIGEST,)


def test_where_one_of_two_is_refused_it_is_1(agent: Agent, capsys: Capture) -> None:
    other = step("master.b")
    said = {DIGEST: answers(), other.digest: answers(size="800 MiB is above the limit of 512 MiB")}
    agent.repairs.considered = Considered(plan=plan(step(), other), answers=said)
    agent.repairs.begun, agent.repairs.open = {DIGEST: "deed-1"}, []
    assert agent.run(*ALL, "--apply") == 1
    out = capsys.readouterr().out
    assert "size: 800 MiB is above the limit of 512 MiB" in out
    assert "deed-1  done" in out


def test_a_step_that_guards_refuse_at_the_moment_of_acting(agent: Agent, capsys: Capture) -> None:
    agent.repairs.begun, agent.repairs.open = {DIGEST: "deed-1"}, []
    agent.repairs.lines = [entry(1, "refused", outcome=Outcome.REFUSED, answers=answers(lease="agent-2 holds it"))]
    assert agent.run(*ALL, "--apply") == 1
    assert "refused: lease: agent-2 holds it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["resync"], "--cluster"),
        ([*ALL, "--queue", "q"], "--queue needs --vhost"),
        ([*ALL, "--approve", "x"], "add --apply"),
        ([*ALL, "-o", "xml"], "xml"),
    ],
)
def test_what_cannot_be_understood_is_one_line_and_2(
    agent: Agent, capsys: Capture, arguments: list[str], why: str
) -> None:
    assert agent.run(*arguments) == 2
    printed = capsys.readouterr()
    assert why in printed.err
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert agent.repairs.done == []


def test_an_agent_that_cannot_look_is_2(agent: Agent, capsys: Capture) -> None:
    agent.repairs.fails = RabbitwatchError("no cluster is called 'orders'; there is: lab")
    assert agent.run(*ALL) == 2
    assert capsys.readouterr().err == "rabbitwatch: no cluster is called 'orders'; there is: lab\n"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert agent.run(*ALL, url=f"http://127.0.0.1:{nobody.getsockname()[1]}") == 2
    assert "no connection; name the agent's address with --url" in capsys.readouterr().err


class Scripted:
    """A desk that answers in turn, and then the same again."""

    def __init__(self, *looks: Sequence[Mapping[str, Any]] | Exception, how_far: Sequence[str] = ()) -> None:
        self.looks = list(looks)
        self.how_far = list(how_far)

    def resync(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return documents.considered(Considered(plan=plan(step()), answers={DIGEST: answers()})) | {
            "begun": {DIGEST: "d"},
            "said": "",
        }

    def told_of(self, deed: str, after: int) -> Sequence[Mapping[str, Any]]:
        look = self.looks.pop(0) if self.looks else ()
        if isinstance(look, BaseException):
            raise look
        return look

    def progress(self) -> Mapping[str, str]:
        return {"d": self.how_far.pop(0) if self.how_far else "", "another": "not ours"}


def line(number: int, event: str, **more: Any) -> dict[str, Any]:
    return {"number": number, "event": event, "at": 1_800_000_000.0, **more}


END = [line(9, "ended", outcome="done", text="there")]


class Watch:
    """A clock that a wait sets on."""

    def __init__(self) -> None:
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


def follow(desk: Scripted) -> tuple[Mapping[str, Outcome], list[str]]:
    watch, told = Watch(), list[str]()
    follower = Follower(desk, told.append, wait=watch.wait, clock=lambda: watch.now)
    return follower.follow({"d": "sync q"}), [each.split("  ", 2)[2] for each in told]


def test_progress_is_told_once() -> None:
    unheard = line(2, "replied", reply={"status": None}, text="timeout")
    heard = line(2, "replied", reply={"status": 204}, text="")
    first = [line(1, "requested"), unheard]
    found, told = follow(Scripted(first, [], [heard], [], END, how_far=["", "10 of 20", "10 of 20", "15 of 20"]))
    assert found == {"d": Outcome.DONE}
    assert told == [
        "requested: sync q",
        "no answer from the broker: timeout; whether it heard the request is looked at",
        "10 of 20",
        "15 of 20",
        "done: there",
    ]


def test_an_agent_that_restarts_is_waited_for() -> None:
    gone: list[Exception] = [AskError("no connection")] * round(PATIENCE_SECONDS)
    assert follow(Scripted(*gone, END))[0] == {"d": Outcome.DONE}
    with pytest.raises(AskError):
        follow(Scripted(*gone, *gone, END))
    with pytest.raises(RefusedError):
        follow(Scripted(RefusedError("asks for a password"), END))


def test_ctrl_c_stops_nothing_and_says_so(capsys: Capture) -> None:
    desk = Scripted()
    desk.looks = [KeyboardInterrupt()]  # type: ignore[list-item]
    asked = {"cluster": "orders", "apply": True, "approved": []}
    with pytest.raises(Exception) as ended:  # noqa: PT011 - typer's Exit has no public name that says more
        run(desk, asked, Form.TEXT, followed_by="the agent")
    assert getattr(ended.value, "exit_code", None) == INTERRUPTED
    assert "Nothing was stopped: the agent follows on and records the end" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 160])
def test_a_plan_fits_whatever_the_names_are(width: int) -> None:
    hostile = '\x1b[31m[bold]"><b>\u202e ' + "x" * 300
    bad = step(hostile, summary=hostile, queues=None, messages=None)
    considered = Considered(
        plan=plan(bad, skipped=(Skipped(hostile, hostile),)), answers={bad.digest: answers(size=hostile)}
    )
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(plans.shown(documents.considered(considered)))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert "\\x1b[31m[bold]" in text.replace("\n", "")
    assert "\u202e" not in text
    assert "touching ? queues and ? messages" in text


def test_the_id_of_an_approval_is_no_digest(agent: Agent) -> None:
    """What a plan names its steps by answers no approval."""
    assert APPROVAL != DIGEST
    assert agent.run("approve", DIGEST) == 1
