from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.web.prometheus.served import NOW, Client, an_api, served
from tests.unit.web.prometheus.test_rules import SomeRules

from rabbitwatch.cli import main

PROMTOOL = shutil.which("promtool")
DEPTH = "rabbitwatch_queue_messages"
ROW = f'{DEPTH}{{cluster="lab", queue="q0", vhost="/"}}'


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    rules: Path = tmp_path_factory.mktemp("rules") / "queues.yml"
    with served(an_api(rules=SomeRules(rules))) as asked:
        yield asked


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1+1", [f"scalar: 2 @[{NOW}]"]),
        ('"x"', [f"x @[{NOW}]"]),
        (f'{DEPTH}{{queue="q0"}}', [f"{ROW} => 190 @[{NOW}]"]),
        (f'{DEPTH}{{queue="q0"}}[20s]', [f"{ROW} =>", f"180 @[{NOW - 15}]", f"190 @[{NOW}]"]),
        ("nothing", []),
    ],
)
def test_query(agent: Client, capsys: pytest.CaptureFixture[str], expression: str, expected: list[str]) -> None:
    assert run("query", expression, "--url", agent.url) == 0
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.prometheus
@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
@pytest.mark.parametrize("expression", ["1.5", DEPTH, f"{DEPTH}[1m]", "sum(rabbitwatch_node_up)"])
def test_it_prints_what_promtool_prints(agent: Client, capsys: pytest.CaptureFixture[str], expression: str) -> None:
    at = str(NOW)
    assert run("query", expression, "--url", agent.url, "--time", at) == 0
    command = [str(PROMTOOL), "query", "instant", f"--time={at}", agent.url, expression]
    theirs = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert capsys.readouterr().out.split() == theirs.split()


def test_json(agent: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("query", "vector(1)", "--url", agent.url, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == [{"metric": {}, "value": [NOW, "1"]}]


def test_alerts(agent: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alerts", "--url", agent.url) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in printed if "QueueDeep" in line]
    assert rows[0][:5] == ["QueueDeep", "firing", "(blind)", "1970-01-01", "00:16:40"]
    assert rows[1][:4] == ["QueueDeep", "pending", "1970-01-01", "00:16:40"]
    assert 'queue="q1"' in rows[0]


def test_no_alerts(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alerts", "--url", client.url) == 0
    assert capsys.readouterr().out == "No alert is pending or firing.\n"


def test_a_wrong_expression_is_one_line_and_2(agent: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("query", "sum(", "--url", agent.url) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith('rabbitwatch: invalid parameter "query": ')
    assert len(printed.err.splitlines()) == 1


def test_nobody_there_is_one_line_and_2_without_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert run("query", "1", "--url", f"http://me:secret@127.0.0.1:{port}") == 2
    printed = capsys.readouterr().err
    assert printed == f"rabbitwatch: http://127.0.0.1:{port}: no connection; name the agent's address with --url\n"


def test_not_an_agent(agent: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alerts", "--url", f"{agent.url}/elsewhere") == 2
    assert "answers 404 and no API" in capsys.readouterr().err


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with served(an_api()) as asked:
        yield asked
