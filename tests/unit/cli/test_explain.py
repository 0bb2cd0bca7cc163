"""`rabbitwatch explain`, alone and with an agent to ask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from starlette.applications import Starlette
from tests.unit.web.alertmanager.book import CONFIG, LABELS, TableBook
from tests.unit.web.serving import serving

from rabbitwatch.cli import main
from rabbitwatch.cli.explain import read_labels
from rabbitwatch.config.matchers import parse_matchers
from rabbitwatch.config.models import Config
from rabbitwatch.model.silence import SilenceDraft
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.alertmanager import AlertmanagerApi
from rabbitwatch.web.guard import Guard


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "agent.yml"
    telling = [{**receiver, "file_configs": [{}]} for receiver in CONFIG["receivers"]]
    external = {"rules": {"external_labels": {"site": "north"}}}
    file.write_text(yaml.safe_dump({**CONFIG, "receivers": telling, **external}))
    return file


@pytest.fixture
def agent() -> Iterator[str]:
    silences = Silences(ForgetfulSilenceStore())
    begin = time.time()
    silences.set(
        SilenceDraft(
            matchers=parse_matchers('alertname="Q",cluster=~"b|c"'),
            starts_at=begin,
            ends_at=begin + 600,
            created_by="me",
            comment="it is known",
        )
    )
    api = AlertmanagerApi(TableBook(silences), silences, lambda: Config.model_validate(CONFIG), Guard())
    with serving(Starlette(routes=list(api.routes()))) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_the_whole_answer(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(config), "Slow", "severity=warning", "cluster=lab") == 0
    assert capsys.readouterr().out.splitlines() == [
        'Alert {alertname="Slow", cluster="lab", severity="warning", site="north"}',
        "  site: from the rule or from external_labels",
        "",
        "Routes",
        "  + route: matches every alert, and so does a route below",
        ('    - route.routes[0] {severity="critical"}: severity="critical" does not match: severity is "warning"'),
        '    + route.routes[1] {alertname=~".+"}: matches: receiver team',
        "",
        "Receiver team",
        "  tells by   file",
        "  route      route.routes[1]",
        '  group      {alertname="Slow"}',
        '  group key  {}/{alertname=~".+"}:{alertname="Slow"}',
        "  waits      1s before the first, 5s between changes, 4h until it is repeated",
        "",
        "Inhibition",
        "  what fires is not known: no agent was asked (--url)",
        '  inhibit_rules[0]: kept quiet while this fires: {alertname="Down"} with cluster="lab"',
        "",
        "Silences",
        "  not known: no agent was asked (--url)",
        "",
        "It is told, unless it is inhibited or silenced.",
    ]


def test_an_agent_knows_what_inhibits(config: Path, agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(config), "--url", agent, "Slow", "severity=warning", "cluster=lab") == 0
    out = capsys.readouterr().out
    assert '  inhibited by {alertname="Down", cluster="lab", severity="critical"} (inhibit_rules[0])\n' in out
    assert out.endswith("Silences\n  none\n\nNobody hears of it now.\n")


def test_an_agent_knows_silences(config: Path, agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"{name}={value}" for name, value in LABELS[2].items()]
    assert run("--config", str(config), "--url", agent, *words) == 0
    out = capsys.readouterr().out
    assert '{alertname="Q",cluster=~"b|c"} until ' in out
    assert out.endswith(", by me: it is known\n\nNobody hears of it now.\n")
    assert run("--config", str(config), "--url", agent, "Q", "cluster=d") == 0
    assert capsys.readouterr().out.endswith("Silences\n  none\n\nIt is told.\n")


def test_an_agent_that_does_not_answer_is_no_failure(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        gone = f"127.0.0.1:{server.port}"
    assert run("--config", str(config), "--url", f"http://user:s3cret@{gone}", "Q") == 0
    out = capsys.readouterr().out
    assert f"not known: http://{gone}: no connection" in out
    assert "s3cret" not in out


def test_what_is_no_agent_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        url = f"http://127.0.0.1:{server.port}"
        assert run("--config", str(config), "--url", url, "Q") == 0
    assert f"  not known: {url}: answers 404 and no API" in capsys.readouterr().out


def test_the_labels_that_a_rule_gives_need_not_be_typed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", str(config), "RabbitMQClusterSplit", "cluster=lab") == 0
    out = capsys.readouterr().out
    assert 'severity="critical", site="north"}' in out.splitlines()[0]
    assert "Receiver pager" in out
    assert run("--config", str(config), "RabbitMQClusterSplit", "severity=info") == 0
    assert 'severity="info"' in capsys.readouterr().out.splitlines()[0]


def test_without_a_route_the_agent_tells_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "agent.yml"
    file.write_text("alertmanagers: [http://am:9093]")
    assert run("--config", str(file), "X") == 0
    out = capsys.readouterr().out
    assert "  there is no route: the agent itself tells nobody\n" in out
    assert "  + handed to http://am:9093 besides, which has routes of its own\n" in out


def test_a_moment_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nights = {"name": "nights", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "06:00"}]}]}
    file = tmp_path / "agent.yml"
    routes = [{"mute_time_intervals": ["nights"]}]
    receivers = [{"name": "a", "file_configs": [{}]}]
    file.write_text(
        yaml.safe_dump(
            {"route": {"receiver": "a", "routes": routes}, "receivers": receivers, "time_intervals": [nights]}
        )
    )
    for moment, said in (
        ("2026-11-20T05:59:59Z", "muted now by nights"),
        ("2026-11-20T06:00:00+01:00", "muted now by nights"),
        ("2026-11-20T06:00:00Z", "not muted now (nights)"),
    ):
        assert run("--config", str(file), "X", "--time", moment) == 0
        assert f"  times      {said}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a=~b"], "'a=~b' is no label: write name=value"),
        (["a!=b"], "'a!=b' is no label: write name=value"),
        (["=b"], "'=b' is no label: write name=value"),
        (['a="b'], "'a=\"b' is no label: a quote is missing"),
        (["A", "B"], "the label alertname is given twice"),
        (["A", "--time", "noon"], "'noon' is no time"),
        ([], "Missing argument 'ALERT…'"),
        (["A", "--config", "nowhere.yml"], "nowhere.yml: cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_exit_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["A"], {"alertname": "A"}),
        (["a=b=c", "d="], {"a": "b=c", "d": ""}),
        (['q="x, y\\""'], {"q": 'x, y"'}),
        (["q=x,y"], {"q": "x,y"}),
    ],
)
def test_labels_are_read_as_amtool_reads_them(words: list[str], labels: dict[str, str]) -> None:
    assert read_labels(words) == labels


def test_a_label_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(typer.BadParameter):
        read_labels(["a=~b"])
