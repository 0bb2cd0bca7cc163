from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console
from tests.support.audits import RULE, STEP, Bench, bench

from rabbitwatch.actions.record import document
from rabbitwatch.cli import main
from rabbitwatch.cli.audit import Served, Wanted
from rabbitwatch.cli.audit_story import story
from rabbitwatch.model.action import Cause, Outcome, Reply, Target


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 60
        return self.now


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, Clock()) as found:
        for number in range(4):
            found.deed(f"d{number}")
        found.audit.record("paused", Cause(source="page", by="anna"), target=Target("mail"))
        yield found


@pytest.fixture
def agent(made: Bench) -> Iterator[str]:
    """GET /api/v1/actions/audit over what `made` holds, as web/actions serves it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
            wanted: dict[str, Any] = {key: int(query.pop(key)) for key in ("after", "limit") if key in query}
            last = made.store.last()
            entries = [document(each) for each in made.store.entries(**wanted, **query)]
            data = {"last": last.number if last else 0, "entries": entries}
            content = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name for it
            """Nothing: pytest shows enough."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["audit", *arguments])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def numbers(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[int]:
    assert run(*arguments, "-o", "json") == 0
    return [each["number"] for each in json.loads(capsys.readouterr().out)]


@pytest.fixture(params=["agent", "file"])
def place(request: pytest.FixtureRequest, made: Bench) -> list[str]:
    if request.param == "file":
        return ["--file", str(made.file)]
    return ["--url", request.getfixturevalue("agent")]


def test_filters(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert numbers(capsys, *place) == list(range(1, 10))
    assert numbers(capsys, *place, "--limit", "3") == [7, 8, 9]
    assert numbers(capsys, *place, "--cluster", "mail") == [9]
    assert numbers(capsys, *place, "--cluster", "orders", "--limit", "2") == [7, 8]
    assert numbers(capsys, *place, "--deed", "d1") == [3, 4]
    assert numbers(capsys, *place, "--since", "2027-01-15T08:07:00Z") == [7, 8, 9]
    assert numbers(capsys, *place, "--cluster", "nobody") == []


def test_nothing_found_is_said(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*place, "--deed", "none") == 0
    assert capsys.readouterr().out == "Nothing of that is on record.\n"


def test_the_newest_are_found_page_by_page() -> None:
    asked: list[str] = []
    plain = document_of(0)

    def ask(_: str, path: str) -> Any:
        query = {key: value[0] for key, value in parse_qs(urlsplit(path).query).items()}
        after, limit = int(query["after"]), int(query["limit"])
        asked.append(path)
        found = [plain | {"number": number, "at": 1000.0 + number} for number in range(after + 1, 5001)][:limit]
        return {
            "last": 5000,
            "entries": [each for each in found if each["number"] % 1500 == 0 or "cluster" not in query],
        }

    served = Served("http://x", ask)
    assert [each.number for each in served.newest(Wanted("", "", 0, 3))] == [4998, 4999, 5000]
    assert len(asked) == 2
    assert [each.number for each in served.newest(Wanted("orders", "", 0, 2))] == [3000, 4500]
    assert [each.number for each in served.newest(Wanted("orders", "", 1000 + 4400, 9))] == [4500]


def document_of(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "at": 0.0,
        "agent": "monitor",
        "deed": "",
        "event": "planned",
        "cause": {"source": "rule", "labels": {"cluster": "orders"}},
        "hash": "0" * 64,
    }


def test_a_sound_chain(place: list[str], capsys: pytest.CaptureFixture[str], made: Bench) -> None:
    assert run(*place, "--verify") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(f": sound, 9 entries; the head is {made.audit.head}")
    assert "head is entry 9, hash " in line


def test_a_broken_file(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    made.write([*made.lines[:3], *made.lines[4:]])
    assert run("--file", str(made.file), "--verify") == 1
    assert capsys.readouterr().out == f"BROKEN {made.file}, line 4: entry 4 is missing before entry 5\n"
    assert run("--file", str(made.file), "--verify", "-o", "json") == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["sound"], told["entries"], told["head"]["number"]) == (False, 8, 9)
    assert told["problems"] == [f"{made.file}, line 4: entry 4 is missing before entry 5"]


@pytest.mark.parametrize("gone", [(4, 5), (0, 1)])
def test_a_broken_database(made: Bench, agent: str, capsys: pytest.CaptureFixture[str], gone: tuple[int, int]) -> None:
    made.sql("DELETE FROM action_audit WHERE number BETWEEN ? AND ?", *gone)
    assert run("--url", agent, "--verify") == 1
    assert capsys.readouterr().out.startswith(f"BROKEN {agent}, entry ")


def test_what_cannot_be_read_is_a_gap_of_what_is_served(made: Bench, agent: str) -> None:
    made.sql("UPDATE action_audit SET line = 'x' WHERE number = 4")
    assert run("--url", agent, "--verify") == 1


def test_both_beside_each_other(made: Bench, agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    both = ("--file", str(made.file), "--url", agent, "--verify")
    assert run(*both) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "both say the same"
    whole = made.lines
    made.write(whole[:7])
    assert run(*both) == 1
    assert (
        capsys.readouterr().out.splitlines()[-1] == f"BROKEN {made.file}: lacks entry 8 and 1 more, which {agent} has"
    )
    made.write(whole)
    made.sql("DELETE FROM action_audit WHERE number = 9")
    assert run(*both) == 1
    assert capsys.readouterr().out.splitlines()[-1] == f"BROKEN {agent}: lacks entry 9, which {made.file} has"


def test_the_file_alone_needs_no_agent(
    made: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RABBITWATCH_URL", "http://127.0.0.1:1")
    assert run("--file", str(made.file), "--verify") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "http://127.0.0.1:1"], "http://127.0.0.1:1: no connection; name the agent's address with --url"),
        (["--file", "none.jsonl"], "none.jsonl: the audit cannot be read (No such file or directory)"),
        (["--file", "."], "the audit cannot be read (Is a directory)"),
        (["--verify", "--cluster", "x"], "leave out --cluster, --deed and --since"),
        (["--since", "yesterday"], "'yesterday' is neither like 2h nor like 2026-05-01T12:00:00Z"),
        (["--since", "2026-05-01T12:00:00"], "lacks its time zone"),
        (["--limit", "0"], "Invalid value for '--limit'"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_lines_that_cannot_be_read_are_named(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    made.write([*made.lines[:2], "\x1b[2J", *made.lines[2:]])
    assert run("--file", str(made.file), "-o", "json") == 0
    told = capsys.readouterr()
    assert len(json.loads(told.out)) == 9
    assert told.err == f"{made.file}, line 3: cannot be read as an entry; see --verify\n"


def test_the_story_has_everything(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    made.audit.record("answered", RULE, deed="d0", reply=Reply(status=500, reason="no"), after={"messages": 13})
    assert run("--file", str(made.file), "--limit", "100") == 0
    text = capsys.readouterr().out
    for piece in (
        "#1  2027-01-15 08:01:00 UTC  requested\n",
        "alert RabbitMQMirrorsLag (rule), agent monitor",
        "sync_queue in cluster orders: synchronise queue jobs of vhost /",
        "1 queue, 12 messages",
        'POST /api/queues/%2F/jobs/actions {"action": "sync"}',
        "size: holds 2 GB (an approval lifts this)",
        "1 allow   no_alarm",
        "messages 12, publish_rate 0.5, ready ?, synchronised []",
        "ended: done\n",
        "500 no",
        "messages 13",
        "anna (page), agent monitor",
        "cluster mail",
    ):
        assert piece in text, piece


@pytest.mark.parametrize("width", [80, 160])
def test_hostile_names_do_nothing_to_the_terminal(made: Bench, width: int) -> None:
    name = "[red]x[/red]\x1b[2J\n#99 forged \u202e"
    entry = made.audit.record(
        name, Cause(source="alertmanager", alert=name, by=name), deed=name, text=name * 9, outcome=Outcome.FAILED
    )
    console = Console(width=width, force_terminal=False, no_color=True)
    with console.capture() as got:
        console.print(story(entry))
    text = got.get()
    assert not set(text) & {"\x1b", "\u202e"}
    assert not any(line.startswith("#99") for line in text.splitlines())
    assert "[red]x[/red]\\x1b[2J\\n#99" in text.replace("\n", "")
    assert max(map(len, text.splitlines()[1:])) <= width


def test_what_is_unknown_is_no_zero(made: Bench) -> None:
    from_afar = {"queues": None, "messages": None}
    entry = made.audit.record("planned", RULE, step=type(STEP)(**{**_fields(), **from_afar}))
    console = Console(width=160)
    with console.capture() as got:
        console.print(story(entry))
    assert "? queues, ? messages" in got.get()


def _fields() -> dict[str, Any]:
    return {name: getattr(STEP, name) for name in STEP.__slots__}
