"""`rabbitwatch resync --config F`: repairs without a running agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.web.actions.repairs import FakeRepairs, answers, busy, plan, step

from rabbitwatch.actions.facade import Considered
from rabbitwatch.actions.guards.history import fight, one_step
from rabbitwatch.actions.guards.permission import not_paused
from rabbitwatch.cli import main
from rabbitwatch.cli.ownlook import LEASE_SECONDS, OwnDesk
from rabbitwatch.model.action import Answer
from rabbitwatch.storage.database import Database

Capture = pytest.CaptureFixture[str]
ASKED = {"cluster": "orders", "vhost": "", "queue": "", "apply": False, "approved": [], "by": "ann"}


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["resync", *arguments])
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A cluster that nobody answers for."""
    node = {"url": "http://127.0.0.1:9"}
    settings: dict[str, Any] = {
        "clusters": [{"name": "nowhere", "nodes": [node], "discover": False, "diagnostics": []}],
        "poll": {"interval": "1s", "timeout": "500ms"},
        "storage": {"path": "data"},
    }
    path = tmp_path / "rabbitwatch.yml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def test_what_only_the_history_knows_is_unknown_and_no_pass() -> None:
    names = [guard.__name__ for guard in (fight, one_step, not_paused)]
    refused = Answer(names[2], "paused by the configuration: actions.paused")
    said = [Answer(names[0]), Answer(names[1]), refused, *answers()]
    found = OwnDesk(
        FakeRepairs(considered=Considered(plan=plan(step()), answers={step().digest: said})), whole=False
    ).resync(ASKED)
    assert [each["guard"] for each in found["steps"][0]["guards"] if each["unknown"]] == names[:2]


def test_an_agent_that_owns_the_storage_knows_the_history() -> None:
    repairs = busy()
    found = OwnDesk(repairs, whole=True).resync(ASKED)
    assert not [each for each in found["steps"][0]["guards"] if "unknown" in each]
    assert repairs.done[0][3].by == "ann (claimed)"


def test_the_end_and_the_way_there_are_told_from_the_record() -> None:
    desk = OwnDesk(busy(), whole=True)
    assert [each["event"] for each in desk.told_of("deed-1", 2)] == ["ended"]
    assert desk.progress() == {"deed-1": "600 of 1200 messages copied"}


def test_a_lease_is_waited_for_only_so_long() -> None:
    repairs = busy()
    repairs.held["orders"] = "agent-2 holds it"
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 5:
            repairs.held["orders"] = ""

    desk = OwnDesk(repairs, whole=True, wait=wait)
    desk.resync(ASKED | {"apply": True})
    assert len(waits) == 5
    OwnDesk(repairs, whole=True, wait=waits.append).resync(ASKED)
    assert len(waits) == 5, "a plan needs no lease"
    repairs.held["orders"] = "agent-2 holds it"
    OwnDesk(repairs, whole=True, wait=waits.append).resync(ASKED | {"apply": True})
    assert sum(waits[5:]) == pytest.approx(LEASE_SECONDS, abs=0.5)


def test_a_cluster_that_nobody_answers_for_could_not_be_looked_at(config: Path, capsys: Capture) -> None:
    assert run("--cluster", "nowhere", "--config", str(config)) == 2
    assert capsys.readouterr().err == "rabbitwatch: could not look: no node of cluster nowhere has told what it sees\n"
    assert not (config.parent / "data").exists(), "a plan opens no storage"


def test_another_cluster_is_named(config: Path, capsys: Capture) -> None:
    assert run("--cluster", "orders", "--config", str(config)) == 2
    assert capsys.readouterr().err == "rabbitwatch: no cluster is called 'orders'; known: nowhere\n"


def test_an_agent_on_the_same_storage_is_to_be_asked_instead(config: Path, capsys: Capture) -> None:
    agent = Database.open(config.parent / "data")
    try:
        assert run("--cluster", "nowhere", "--config", str(config), "--apply") == 2
    finally:
        agent.close()
    printed = capsys.readouterr()
    assert "leave out --config and that agent is asked" in printed.err
    assert len(printed.err.splitlines()) == 1


def test_nobody_to_act_as(config: Path, capsys: Capture) -> None:
    assert run("--cluster", "nowhere", "--config", str(config), "--apply") == 2
    assert "could not look" in capsys.readouterr().err


def test_a_configuration_that_is_wrong(config: Path, capsys: Capture) -> None:
    config.write_text("clusters: 3\n", encoding="utf-8")
    assert run("--cluster", "nowhere", "--config", str(config)) == 2
    assert "clusters" in capsys.readouterr().err
