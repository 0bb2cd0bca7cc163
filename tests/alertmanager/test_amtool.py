"""Debian's amtool against the agent's own process: what people do with it every day works here as there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.support.agents import AgentProcess, agents
from tests.support.alertmanager import AMTOOL
from tests.support.waiting import until
from tests.unit.web.alertmanager.book import CONFIG, TableBook
from tests.unit.web.serving import FakeView, hashed, serving, web_file

from rabbitwatch.config.models import Config
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.alertmanager import AlertmanagerApi
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (Debian package prometheus-alertmanager)"),
]


@dataclass(frozen=True)
class Said:
    """What a command has printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def rows(self) -> list[str]:
        """The table's lines without its head."""
        return self.out.splitlines()[1:]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Amtool:
    """amtool, pointed at one server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *arguments: str, stdin: str = "", check: bool = True) -> Said:
        command = [str(AMTOOL), f"--alertmanager.url={self.url}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert not check or done.returncode == 0, done.stderr
        return Said(done.stdout, done.stderr, done.returncode)

    def silence(self, *arguments: str) -> str:
        """Add one; its id."""
        return self("silence", "add", *arguments, "--author", "ann", "--comment", "import").out.strip()

    def ids(self, *arguments: str) -> list[str]:
        return self("silence", "query", "--quiet", *arguments).out.split()

    def alerts(self, *arguments: str) -> list[str]:
        """Names of alerts."""
        return sorted(each["labels"]["alertname"] for each in self("alert", "query", "-o", "json", *arguments).json)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    with agents(tmp_path_factory.mktemp("agents"), 1) as (one,):
        one.configure(
            {
                "route": {
                    "receiver": "team",
                    "group_by": ["alertname"],
                    "group_wait": "1s",
                    "routes": [{"matchers": ['alertname="Down"'], "receiver": "pager", "continue": True}],
                },
                "receivers": [{"name": "team"}, {"name": "pager", "file_configs": [{"path": "told"}]}],
                "inhibit_rules": [
                    {"source_matchers": ['alertname="Down"'], "target_matchers": ['alertname="Slow"'], "equal": ["a"]}
                ],
            }
        )
        one.fire("Down", "Slow", "Deep", a="x y")
        one.start()
        until(lambda: len(requests.get(f"{one.url}/api/v2/alerts", timeout=5).json()) == 3, "three fire", 60, one.log)
        yield one


@pytest.fixture
def amtool(agent: AgentProcess) -> Iterator[Amtool]:
    tool = Amtool(agent.url)
    yield tool
    living = tool.ids()
    if living:
        tool("silence", "expire", *living)


def test_alerts(amtool: Amtool) -> None:
    assert sorted(row.split()[0] for row in amtool("alert").rows) == ["Deep", "Down"]
    assert amtool.alerts("--active") == ["Deep", "Down"]
    assert amtool.alerts("--inhibited") == ["Slow"]
    assert amtool.alerts("--silenced") == []
    assert amtool.alerts("alertname=~D.*", "a=x y") == ["Deep", "Down"]
    assert amtool.alerts("Deep") == ["Deep"]
    assert amtool.alerts("a!=x y") == []
    assert amtool.alerts("alertname!~.*n", 'nothing=""') == ["Deep"]
    assert amtool.alerts("--receiver", "pag.*") == ["Down"]
    extended = amtool("alert", "query", "Deep", "-o", "extended").out
    assert 'alertname="Deep"' in extended
    assert 'a="x y"' in extended


def test_no_version_is_complained_about(amtool: Amtool) -> None:
    assert amtool("alert").err == ""


def test_a_silence_is_added_found_changed_and_ended(amtool: Amtool) -> None:
    silence = amtool.silence("Deep", "a=~x.*", "--duration", "2h")
    assert re.fullmatch(UUID, silence)
    (row,) = amtool("silence", "query").rows
    assert row.split() == [silence, 'alertname="Deep"', 'a=~"x.*"', *row.split()[3:6], "ann", "import"]
    assert amtool.alerts("--silenced") == ["Deep"]
    assert amtool.alerts() == ["Down"]

    before = amtool("silence", "query", "-o", "json").json[0]
    amtool("silence", "update", silence, "--duration", "3h", "--comment", "longer")
    (after,) = amtool("silence", "query", "-o", "json").json
    assert (after["id"], after["startsAt"], after["comment"]) == (silence, before["startsAt"], "longer")
    assert after["endsAt"] > before["endsAt"]

    assert amtool.ids("Deep") == amtool.ids("a=~x.*") == amtool.ids("--created-by", "ann") == [silence]
    assert amtool.ids("Deep", "a=x") == amtool.ids("--created-by", "bob") == amtool.ids("--within", "1h") == []
    assert amtool.ids("--within", "4h") == [silence]

    amtool("silence", "expire", silence)
    assert amtool.ids() == []
    assert silence in amtool.ids("--expired")
    assert amtool.alerts() == ["Deep", "Down"]


def test_a_new_start_of_an_active_one_makes_another(amtool: Amtool) -> None:
    first = amtool.silence("Deep")
    amtool("silence", "update", first, "--start", "2099-01-01T00:00:00Z", "--duration", "1h")
    (second,) = amtool.ids()
    assert second != first
    assert first in amtool.ids("--expired")


def test_what_was_exported_is_imported(amtool: Amtool, tmp_path: Path) -> None:
    wanted = ["one", "two", "three"]
    first = [amtool.silence(name, "--duration", "2h") for name in wanted]
    exported = amtool("silence", "query", "-o", "json").out
    amtool("silence", "expire", *first)
    stored = tmp_path / "silences.json"
    stored.write_text(exported)
    amtool("silence", "import", "--force", str(stored))
    amtool("silence", "import", "--force", stdin=exported)
    found = amtool("silence", "query", "-o", "json").json
    assert sorted(each["matchers"][0]["value"] for each in found) == sorted(wanted * 2)
    assert not {each["id"] for each in found} & set(first)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["silence", "add", "a=~.*", "-c", "x"], "at least one matcher must not match the empty string"),
        (["silence", "expire", "11111111-1111-1111-1111-111111111111"], "silence not found"),
        (["alert", "add", "foo=bar"], "takes no alerts from outside"),
    ],
)
def test_what_is_refused_is_said(amtool: Amtool, arguments: list[str], why: str) -> None:
    said = amtool(*arguments, check=False)
    assert said.code == 1
    assert why in said.err


def test_ending_twice_does_no_harm(amtool: Amtool) -> None:
    silence = amtool.silence("Deep")
    amtool("silence", "expire", silence)
    ended = amtool("silence", "query", "--expired", "-o", "json").json
    amtool("silence", "expire", silence)
    assert amtool("silence", "query", "--expired", "-o", "json").json == ended


def test_configuration_and_cluster_are_shown(amtool: Amtool) -> None:
    assert "disabled" in amtool("cluster", "show").out
    assert "told" not in amtool("config", "show").out, "what is behind a receiver's name is nobody's business"
    tree = amtool("config", "routes", "show").out
    assert '{alertname="Down"}  continue: true  receiver: pager' in tree
    assert amtool("config", "routes", "test", "alertname=Down").out.strip() == "pager"


def test_silences_survive_a_kill(agent: AgentProcess, amtool: Amtool) -> None:
    silence = amtool.silence("Deep", "--duration", "2h")
    kept = amtool("silence", "query", "-o", "json").json
    agent.kill()
    agent.start()
    assert amtool("silence", "query", "-o", "json").json == kept
    assert amtool.ids() == [silence]


def test_a_user_of_the_web_configuration_is_named_in_the_address(tmp_path: Path) -> None:
    silences, view, config = Silences(ForgetfulSilenceStore()), FakeView(), Config.model_validate(CONFIG)
    api = AlertmanagerApi(TableBook(silences), silences, lambda: config, Guard())
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('word')}'}}")
    with serving(application(view, view.reload, api.routes()), web) as server:
        known = Amtool(f"http://ann:word@127.0.0.1:{server.port}")
        made = known.silence("Deep")
        assert known.ids() == [made]
        for stranger in ("", "ann:wrong@"):
            tool = Amtool(f"http://{stranger}127.0.0.1:{server.port}")
            assert tool("silence", "query", check=False).code == 1
            assert tool("silence", "expire", made, check=False).code == 1
        assert known.ids() == [made]
