from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console
from tests.unit.cluster.build import (
    ABC,
    HA_ALL,
    A,
    B,
    C,
    cluster,
    healthy,
    heard,
    missed,
    node,
    objects,
    queue,
    sees,
    split,
)

from rabbitwatch.agent import Cycle
from rabbitwatch.cli.once import Format, Verdict, observe, show, verdict
from rabbitwatch.cli.table import overview
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import ClusterConfig, Config, PollConfig
from rabbitwatch.model.observation import ClusterObservation


class SlowDiagnostics:
    """A poller that knows the cookies only after its diagnostics were waited for."""

    def __init__(self, first: ClusterObservation, then: ClusterObservation) -> None:
        self.first, self.then = first, then
        self.waited = self.closed = False

    def poll(self) -> ClusterObservation:
        return self.then if self.waited else self.first

    def await_diagnostics(self, within: float) -> bool:
        self.waited = within > 0
        return True

    def close(self) -> None:
        self.closed = True


def with_cookies(*hashes: str) -> ClusterObservation:
    nodes = [node(name, sees(ABC), cookie_hash=heard(digest)) for name, digest in zip(ABC, hashes, strict=True)]
    return cluster(nodes, objects())


def looked(observation: ClusterObservation, first: ClusterObservation | None = None) -> list[Cycle]:
    poller = SlowDiagnostics(first or observation, observation)
    config = Config(clusters=(ClusterConfig(name="orders"),))
    loaded = Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())

    def make(_: ClusterConfig, __: PollConfig) -> SlowDiagnostics:
        return poller

    cycles = observe(loaded, make, diagnostics=first is not None)
    assert poller.closed
    return cycles


def text(observation: ClusterObservation, width: int = 160) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, no_color=True)
    for cycle in looked(observation):
        console.print(overview(cycle))
    return out.getvalue()


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (healthy(objects(queues=(queue(mirrors=(B, C)),), policies=(HA_ALL,))), Verdict.HEALTHY),
        (split(objects()), Verdict.PROBLEMS),
        (cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed())], objects()), Verdict.PROBLEMS),
        (cluster([node(name, missed()) for name in ABC]), Verdict.COULD_NOT_LOOK),
    ],
)
def test_the_exit_code_says_healthy_problems_or_could_not_look(
    observation: ClusterObservation, expected: Verdict
) -> None:
    assert verdict(looked(observation)) is expected


def test_notes_alone_are_healthy() -> None:
    cycles = looked(healthy(objects(queues=(queue(),))))
    assert [finding.kind for finding in cycles[0].findings] == ["unmirrored"]
    assert verdict(cycles) is Verdict.HEALTHY


def test_the_first_look_waits_for_the_diagnostics() -> None:
    cycles = looked(with_cookies("x", "x", "y"), first=healthy(objects()))
    assert [node.cookie_mismatch for node in cycles[0].state.nodes] == [False, False, True]


def test_without_diagnostics_nobody_waits() -> None:
    cycles = looked(healthy(objects()))
    assert [node.cookie_mismatch for node in cycles[0].state.nodes] == [None, None, None]


def test_a_node_is_one_line_with_what_it_sees() -> None:
    printed = text(split(objects()))
    lines = {line.split()[0]: line for line in printed.splitlines() if line.startswith("  rabbit@")}
    assert lines[A].split()[:6] == [A, "yes", "disc", "3.10.8", "2/3", "2/3"]
    assert lines[C].split()[:6] == [C, "yes", "disc", "3.10.8", "1/3", "1/3"]
    assert "the cluster has fallen into 2 groups that cannot see each other" in printed


def test_what_is_unknown_reads_as_a_question_mark_and_never_as_zero() -> None:
    printed = text(cluster([node(name, missed()) for name in ABC]))
    line = next(line for line in printed.splitlines() if line.startswith(f"  {A}"))
    assert line.split() == [A, "?,", "timeout", *["?"] * 8]


def test_queues_that_lag_are_listed_and_healthy_ones_are_not() -> None:
    all_nodes = {"ha-mode": "all"}
    lagging = queue("lagging", mirrors=(B, C), synchronised=(), messages=7, effective_policy_definition=all_nodes)
    fine = queue("fine", mirrors=(B, C), messages=9, effective_policy_definition=all_nodes)
    printed = text(healthy(objects(queues=(lagging, fine), policies=(HA_ALL,))))
    line = next(line for line in printed.splitlines() if line.startswith("  lagging"))
    assert line.split()[:5] == ["lagging", "/", "running", "7", "7"]
    assert "0 synchronised of 2, 2 expected" in line
    assert "fine" not in printed


def test_names_from_the_broker_are_neither_markup_nor_terminal_commands() -> None:
    hostile = "[bold]x[/bold]\x1b[2J\nnext\u202e"
    printed = text(healthy(objects(queues=(queue(hostile, mirrors=(B, C), synchronised=()),), policies=(HA_ALL,))))
    assert r"[bold]x[/bold]\x1b[2J\nnext\u202e" in printed
    assert not set(printed) & {"\x1b", "\u202e"}


def test_a_narrow_terminal_folds_names_and_loses_none() -> None:
    printed = text(healthy(objects()), width=60)
    assert max(map(len, printed.splitlines())) <= 60
    assert all(part in printed.replace("\n", "") for part in ("rabb", "NODE"))


def test_alarms_types_and_memory_are_shown() -> None:
    more = {A: {"mem_alarm": True, "mem_used": 2_000_000_000, "disk_free_alarm": False, "type": "ram"}}
    nodes = [node(name, sees(ABC, more=more), declared_type="disc") for name in ABC]
    printed = text(cluster(nodes, objects()))
    line = next(line for line in printed.splitlines() if line.startswith(f"  {A}"))
    assert "ram, not disc" in line
    assert "2.0 GB of 10 bytes" in line
    assert " memory " in line


def test_json_is_one_document_with_unknowns_as_null(capfd: pytest.CaptureFixture[str]) -> None:
    silent = cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed())], objects())
    show(looked(silent), Format.JSON)
    (document,) = json.loads(capfd.readouterr().out)["clusters"]
    by_name = {one["name"]: one for one in document["nodes"]}
    assert document["name"] == "orders"
    assert by_name[C]["poll_state"] == "timeout"
    assert by_name[A]["cookie_mismatch"] is None
    assert document["components"] == [[A, B]]
    assert C not in document["views"]["running"]
    assert {finding["severity"] for finding in document["findings"]} <= {"critical", "warning", "note"}


def test_prometheus_is_the_text_format(capfd: pytest.CaptureFixture[str]) -> None:
    show(looked(healthy(objects())), Format.PROMETHEUS)
    assert 'rabbitwatch_cluster_components{cluster="orders"} 1\n' in capfd.readouterr().out


def test_two_clusters_of_one_name_stay_two() -> None:
    def make(config: ClusterConfig, _: PollConfig) -> SlowDiagnostics:
        seen = replace(healthy(objects()), cluster="same")
        return SlowDiagnostics(seen, seen)

    config = Config(clusters=(ClusterConfig(name="a"), ClusterConfig(name="b")))
    loaded = Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())
    cycles = observe(loaded, make, diagnostics=False)
    assert [cycle.state.cluster for cycle in cycles] == ["same", "same (2)"]


def test_no_cookie_or_hash_of_one_is_in_any_output(capfd: pytest.CaptureFixture[str]) -> None:
    cycles = looked(with_cookies("c2VjcmV0LWhhc2g=", "c2VjcmV0LWhhc2g=", "b3RoZXItaGFzaA=="))
    for form in Format:
        show(cycles, form)
    out = capfd.readouterr().out
    assert "differs" in out
    assert "aGFzaA" not in out
    assert "LWhhc2g" not in out
