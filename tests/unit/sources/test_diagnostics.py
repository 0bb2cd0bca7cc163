"""Rounds of rabbitmq-diagnostics: what is asked of which node, how seldom, and for how long an answer counts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

import pytest

from rabbitwatch.clients.command import Completed
from rabbitwatch.config.models import ClusterConfig, NodeConfig
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.observation import Heard, Missed, NotAsked, Source, told
from rabbitwatch.sources.access import AccessBook
from rabbitwatch.sources.diagnostics import CHECKS, DiagnosticsRounds, parse_version
from rabbitwatch.sources.lanes import Lanes
from rabbitwatch.sources.roster import Member

STATUS = {"cluster_name": "c", "running_nodes": ["rabbit@a"], "partitions": {}}


class Script:
    """A runner that answers by command and keeps what it was asked."""

    def __init__(self, **answers: object) -> None:
        self.asked: list[list[str]] = []
        self.answers: dict[str, object] = {
            "cluster_status": STATUS,
            "erlang_cookie_hash": {"result": "ok", "value": "hash"},
            "erlang_cookie_sources": {"cookie_file_exists": True},
            **answers,
        }

    def run(self, arguments: Sequence[str], *, within: float) -> Completed:
        self.asked.append(list(arguments))
        answer = self.answers.get(arguments[-1], {"result": "ok"})
        if isinstance(answer, CallError):
            raise answer
        if isinstance(answer, Completed):
            return answer
        return Completed(0, json.dumps(answer).encode(), b"", 0.1)

    @property
    def commands(self) -> list[str]:
        return [arguments[-1] for arguments in self.asked]


class Bench:
    """Rounds with clocks that a test sets."""

    def __init__(self, runner: Script) -> None:
        self.now = 1000.0
        self.lanes = Lanes(lambda: self.now)
        self.rounds = DiagnosticsRounds(
            runner=runner,
            lanes=self.lanes,
            interval=60.0,
            timeout=10.0,
            clock=lambda: self.now,
            monotonic=lambda: self.now,
        )

    def run(self, member: Member) -> None:
        self.rounds.start_due(member)
        deadline = time.monotonic() + 10.0
        while self.rounds.busy(member) and time.monotonic() < deadline:
            self.lanes.wait(self.lanes.finished, time.monotonic() + 0.05)
        assert not self.rounds.busy(member)


def member(
    name: str | None = "rabbit@a", *, command: tuple[str, ...] | None = ("docker", "exec", "a", "rabbitmq-diagnostics")
) -> Member:
    node = NodeConfig(url="http://remote:15672", name=name, diagnostics=command)
    made = Member(AccessBook(ClusterConfig(nodes=(node,))).configured(node), node, name)
    made.version = "3.10.8"
    return made


def test_a_round_asks_everything_of_the_node_by_its_name() -> None:
    script = Script()
    bench, one = Bench(script), member()
    assert isinstance(bench.rounds.part(one, Source.CLUSTER_STATUS), NotAsked)
    bench.run(one)
    assert script.asked[0] == [
        *("docker", "exec", "a", "rabbitmq-diagnostics", "--node", "rabbit@a", "--formatter", "json", "cluster_status")
    ]
    assert set(script.commands) == {
        *("cluster_status", "erlang_cookie_sources", "erlang_cookie_hash"),
        *(f"check_{check.name}" for check in CHECKS),
    }
    status = told(bench.rounds.part(one, Source.CLUSTER_STATUS))
    assert status is not None
    assert status.running_nodes == ["rabbit@a"]
    assert told(bench.rounds.part(one, Source.COOKIE_HASH)) == "hash"
    assert all(isinstance(part, Heard) and part.value.passed for part in bench.rounds.checks(one).values())


def test_a_round_comes_once_an_interval_and_its_answers_grow_old() -> None:
    script = Script()
    bench, one = Bench(script), member()
    bench.run(one)
    calls = len(script.asked)
    bench.now = 1059.0
    bench.run(one)
    assert len(script.asked) == calls
    bench.now = 1060.0
    script.answers["cluster_status"] = CallError(CallFailure.TIMEOUT, "late")
    bench.run(one)
    assert script.commands[calls:] == ["cluster_status", "erlang_cookie_sources"]
    bench.now = 1000.0 + 60.0 + 151.0
    old = bench.rounds.part(one, Source.COOKIE_SOURCES)
    assert isinstance(old, Missed)
    assert old.failure is CallFailure.TIMEOUT
    assert "151 s old" in old.reason


def test_where_a_round_lasts_longer_than_the_interval_answers_live_longer() -> None:
    class Slow(Script):
        def run(self, arguments: Sequence[str], *, within: float) -> Completed:
            bench.now += 20.0
            return super().run(arguments, within=within)

    bench, one = Bench(Slow()), member()
    bench.run(one)
    lasted = bench.now - 1000.0
    assert lasted > 2 * 60.0
    first = bench.rounds.part(one, Source.CLUSTER_STATUS)
    assert isinstance(first, Heard)
    bench.now = first.at + 2.5 * lasted - 1.0
    assert bench.rounds.part(one, Source.CLUSTER_STATUS) == first
    bench.now += 2.0
    assert isinstance(bench.rounds.part(one, Source.CLUSTER_STATUS), Missed)


def test_a_node_out_of_reach_costs_one_command_and_the_reason_stands_for_all() -> None:
    badrpc = {"result": "ok", "value": ["badrpc", "nodedown"]}
    bench, one = Bench(script := Script(cluster_status=badrpc)), member()
    bench.run(one)
    assert script.commands == ["cluster_status", "erlang_cookie_sources"]
    for part in (bench.rounds.part(one, Source.COOKIE_HASH), *bench.rounds.checks(one).values()):
        assert isinstance(part, Missed)
        assert "cannot be reached" in part.reason
    assert isinstance(bench.rounds.part(one, Source.COOKIE_SOURCES), Heard)


def test_a_failed_check_is_an_answer_although_its_status_is_69_and_it_uses_stderr() -> None:
    failure = Completed(69, b"", b'warning: x\n{"result":"error","message":"Memory alarm on node rabbit@a"}', 0.1)
    bench, one = Bench(Script(check_local_alarms=failure)), member()
    bench.run(one)
    part = bench.rounds.checks(one)["local_alarms"]
    assert isinstance(part, Heard)
    assert (part.value.passed, part.value.detail) == (False, "Memory alarm on node rabbit@a")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.8.9", False), ("3.10.8", True), ("3.13.7", True), ("4.0.5", False), ("4.3.0-rc.1", False), (None, False)],
)
def test_the_mirror_check_is_asked_only_where_it_means_something(version: str | None, expected: bool) -> None:
    bench, one = Bench(script := Script()), member()
    one.version = version
    bench.run(one)
    assert ("check_if_node_is_mirror_sync_critical" in script.commands) is expected
    assert "check_running" in script.commands


def test_the_cluster_s_command_says_nothing_of_a_remote_node_s_cookie_sources() -> None:
    bench, one = Bench(script := Script()), member(command=None)
    bench.run(one)
    assert "erlang_cookie_sources" not in script.commands
    assert script.asked[0][:3] == ["rabbitmq-diagnostics", "--node", "rabbit@a"]
    part = bench.rounds.part(one, Source.COOKIE_SOURCES)
    assert isinstance(part, NotAsked)
    assert "nodes[].diagnostics" in part.reason


def test_a_remote_node_without_a_name_is_not_asked_and_one_with_a_command_of_its_own_is() -> None:
    bench = Bench(script := Script())
    bench.run(member(None, command=None))
    assert script.asked == []
    bench.run(member(None))
    assert "--node" not in script.asked[0]


def test_a_name_with_a_domain_needs_long_names() -> None:
    bench, one = Bench(script := Script()), member("rabbit@a.example.org")
    bench.run(one)
    assert "--longnames" in script.asked[0]


def test_switched_off_is_not_asked() -> None:
    bench, one = Bench(script := Script()), member(command=())
    bench.run(one)
    assert script.asked == []
    assert isinstance(bench.rounds.part(one, Source.CLUSTER_STATUS), NotAsked)


def test_a_round_under_way_holds_up_nobody() -> None:
    release = threading.Event()

    class Slow(Script):
        def run(self, arguments: Sequence[str], *, within: float) -> Completed:
            release.wait(10.0)
            return super().run(arguments, within=within)

    bench, one = Bench(Slow()), member()
    bench.rounds.start_due(one)
    assert bench.rounds.busy(one)
    bench.now += 1000.0
    bench.rounds.start_due(one)
    release.set()
    bench.now -= 1000.0
    bench.run(one)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("3.10.8", (3, 10, 8)), ("4.3.0-rc.1", (4, 3, 0)), ("4.1.0+7.g1", (4, 1, 0)), ("x", None), (None, None)],
)
def test_versions(text: str | None, parsed: tuple[int, ...] | None) -> None:
    assert parse_version(text) == parsed
