"""`rabbitwatch silence` against a served API: flags as amtool's, exit codes, errors in one line."""

from __future__ import annotations

import getpass
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.web.alertmanager.book import CONFIG, TableBook
from tests.unit.web.serving import FakeView, hashed, serving, web_file

from rabbitwatch.cli import main
from rabbitwatch.config.matchers import parse_matchers
from rabbitwatch.config.models import Config
from rabbitwatch.config.webfile import WebFile
from rabbitwatch.model.silence import SilenceState
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.alertmanager import AlertmanagerApi
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard

Capture = pytest.CaptureFixture[str]


class Agent:
    """A served API and the silences behind it."""

    def __init__(self, web: WebFile | None = None) -> None:
        self.silences = Silences(ForgetfulSilenceStore())
        config, view = Config.model_validate(CONFIG), FakeView()
        api = AlertmanagerApi(TableBook(self.silences), self.silences, lambda: config, Guard())
        self.serving = serving(application(view, view.reload, api.routes()), web)
        self.url = ""

    def run(self, *arguments: str, url: str = "") -> int:
        with pytest.raises(SystemExit) as ended:
            main(["silence", *arguments, "--url", url or self.url])
        code = ended.value.code
        assert isinstance(code, int)
        return code


@pytest.fixture
def agent() -> Iterator[Agent]:
    made = Agent()
    with made.serving as server:
        made.url = f"http://127.0.0.1:{server.port}"
        yield made


def test_add_prints_the_id(agent: Agent, capsys: Capture) -> None:
    before = time.time()
    flags = ["-c", "import", "-a", "ann", "-d", "2h"]
    assert agent.run("add", "QueueDeep", "queue=~orders.{2}", 'vhost!="a b"', "{x!~y,z=w}", *flags) == 0
    (made,) = agent.silences.all()
    assert capsys.readouterr().out == f"{made.id}\n"
    assert made.matchers == parse_matchers('alertname=QueueDeep,queue=~"orders.{2}",vhost!="a b",x!~y,z=w')
    assert (made.created_by, made.comment) == ("ann", "import")
    assert made.ends_at - made.starts_at == pytest.approx(7200, abs=20)
    assert made.starts_at == pytest.approx(before, abs=20)


def test_start_and_end(agent: Agent) -> None:
    start, end = "2098-01-01T00:00:00Z", "2098-01-01T12:00:00+02:00"
    assert agent.run("add", "a=b", "--comment", "x", "--start", start, "--end", end, "--duration", "1m") == 0
    (made,) = agent.silences.all()
    assert (made.starts_at, made.ends_at - made.starts_at) == (4_039_372_800.0, 36_000.0)
    assert made.created_by == getpass.getuser()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["add", "-c", "x"], "name at least one matcher"),
        (["add", "a=b"], "--comment is missing"),
        (["add", "a=b", "-c", " "], "--comment is missing"),
        (["add", "a=b", "word", "-c", "x"], "'word' is no matcher"),
        (["add", "a=~(", "-c", "x"], "is no RE2 regex"),
        (["add", "a=b", "-c", "x", "-d", "5"], "--duration: '5' is no duration"),
        (["add", "a=b", "-c", "x", "-s", "noon"], "--start: 'noon' is no time"),
        (["add", "a=b", "-c", "x", "-e", "2030-01-01T00:00:00"], "lacks its time zone"),
        (["list", "a=~("], "is no RE2 regex"),
        (["list", "-o", "xml"], "xml"),
        (["expire"], "ID"),
    ],
)
def test_what_cannot_be_understood_is_one_line_and_2(
    agent: Agent, capsys: Capture, arguments: list[str], why: str
) -> None:
    assert agent.run(*arguments) == 2
    printed = capsys.readouterr()
    assert why in printed.err
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert agent.silences.all() == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["add", "a=~.*", "-c", "x"], "at least one matcher must not match the empty string"),
        (["add", "a=b", "-c", "x", "-e", "2020-01-01T00:00:00Z"], "start time must be before end time"),
        (["add", "a=b", "-c", "x" * 20_000], "silence exceeded maximum size"),
        (["expire", "nonsense"], "must be of type uuid"),
        (["expire", "../alerts"], ""),
    ],
)
def test_what_is_refused_is_one_line_and_1(agent: Agent, capsys: Capture, arguments: list[str], why: str) -> None:
    assert agent.run(*arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("rabbitwatch: ")
    assert why in printed.err
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)


def test_list(agent: Agent, capsys: Capture) -> None:
    for number, author in enumerate(("ann", "bob", "ann")):
        agent.run("add", f"A{number}", "queue=~q.*", "-c", "wh\x1by", "-a", author)
    first, second, third = capsys.readouterr().out.split()
    agent.run("expire", third)

    def ids(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert agent.run("list", *arguments) == 0
        return capsys.readouterr().out.split()

    assert ids("-q") == ids("-o", "id") == ids("-q", "-o", "json") == [first, second]
    assert ids("-q", "--expired") == [third]
    assert ids("-q", "--created-by", "bob") == [second]
    assert ids("-q", "A0") == ids("-q", "alertname=A0", "queue=~q.*") == [first]
    assert ids("-q", "queue=q") == []
    assert ids("A7") == ["Nothing", "is", "silenced."]

    assert agent.run("query", "A0", "-o", "json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["id"], found["status"], found["comment"]) == (first, {"state": "active"}, "wh\x1by")
    assert agent.run("list", "A0") == 0
    table = capsys.readouterr().out
    (row,) = [line for line in table.splitlines() if first in line]
    assert re.search(rf'{first} +alertname="A0" queue=~"q\.\*" +active +2.* UTC +2.* UTC +ann +wh', row)
    assert "\x1b" not in table


def test_expire_goes_on_with_the_others(agent: Agent, capsys: Capture) -> None:
    agent.run("add", "A", "-c", "x")
    agent.run("add", "B", "-c", "x")
    first, second = capsys.readouterr().out.split()
    unknown = "11111111-1111-1111-1111-111111111111"
    assert agent.run("expire", first, unknown, second) == 1
    assert capsys.readouterr().err == "rabbitwatch: silence not found\n"
    assert agent.silences.counts()[SilenceState.ACTIVE] == 0
    assert agent.run("expire", first) == 0, "it has ended, which is what was asked for"


def test_nobody_there_is_one_line_and_2_without_the_password(agent: Agent, capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert agent.run("list", url=f"http://me:secret@127.0.0.1:{port}") == 2
    assert capsys.readouterr().err == (
        f"rabbitwatch: http://127.0.0.1:{port}: no connection; name the agent's address with --url\n"
    )
    assert agent.run("list", url=f"{agent.url}/elsewhere") == 2
    assert "answers 404 and no API" in capsys.readouterr().err


def test_a_password_is_asked_for_and_taken_from_the_address(tmp_path: Path, capsys: Capture) -> None:
    guarded = Agent(web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('word')}'}}"))
    with guarded.serving as server:
        assert guarded.run("add", "A", "-c", "x", url=f"http://127.0.0.1:{server.port}") == 1
        assert "asks for a password: set the environment variable RABBITWATCH_URL=" in capsys.readouterr().err
        assert guarded.run("list", url=f"http://ann:wrong@127.0.0.1:{server.port}") == 1
        assert capsys.readouterr().err.endswith(f"{server.port} refuses this user and password\n")
        assert guarded.run("add", "A", "-c", "x", url=f"http://ann:word@127.0.0.1:{server.port}") == 0
    assert len(guarded.silences.all()) == 1
