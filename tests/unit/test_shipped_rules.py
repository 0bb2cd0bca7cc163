"""The shipped rules: they load without a remark, are tested, explained and documented, one by one.

rules/tests/ holds their unit tests in promtool's format, which is run here by rabbitwatch and by promtool, once as it
stands and once with every series told by two observers, as a Prometheus sees them that scrapes two agents.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rabbitwatch.alerting.rulefile.load import check
from rabbitwatch.alerting.ruletest.run import run_test_file
from rabbitwatch.assets import shipped
from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.inhibitions import shipped_inhibit_rules
from rabbitwatch.promql.parse import parse

TOP = Path(__file__).resolve().parents[2]
FILES = tuple(sorted((TOP / "rules").glob("*.yml")))
TESTS = tuple(sorted((TOP / "rules" / "tests").glob("*.yml")))
RUNBOOKS = TOP / "docs" / "runbooks"
ALERTS = TOP / "docs" / "alerts.md"
HEADINGS = ["What it means", "How to check", "What to do", "What not to do"]
WHOLE = ("healthy", "states")
"""All rules over whole clusters, which are told twice there already, in states.yml the second time one poll later."""
METRIC = re.compile(r"rabbitwatch_[a-z_]+")
QUERY = re.compile(r"rabbitwatch query '([^']+)'")
PASSWORD = re.compile(
    r"(?:-u|--user)[ =]?\S*:\S|://[^/\s]*:[^/\s]*@|--password\b|(?:add_user|change_password|authenticate_user) \S+ \w"
)
"""A password among a command's words, where the process list and the shell's history show it."""
HEARTBEAT = "RabbitwatchHeartbeat"
"""Always fires, so it has no quiet case."""

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
by_file = pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)


@dataclass(frozen=True)
class Rule:
    """One alert as it is written. comment: the lines above it that are one."""

    written: dict[str, Any]
    comment: str

    @property
    def name(self) -> str:
        return str(self.written["alert"])

    @property
    def metrics(self) -> set[str]:
        """Those that its expression reads."""
        return set(METRIC.findall(str(self.written["expr"])))


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(rule for file in FILES for rule in _rules(file))


def _rules(file: Path) -> Iterator[Rule]:
    text = file.read_text(encoding="utf-8")
    for group in yaml.safe_load(text)["groups"]:
        for written in group["rules"]:
            above = text.partition(f"- alert: {written['alert']}\n")[0].splitlines()[:-1]
            comment = []
            while above and above[-1].lstrip().startswith("#"):
                comment.insert(0, above.pop().strip("# "))
            yield Rule(written, " ".join(comment))


def _test_file(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


@cache
def cases() -> dict[str, list[tuple[bool, frozenset[str]]]]:
    """By alert: of each of its checks whether it expects alerts, and the metrics that are fed to it."""
    found: dict[str, list[tuple[bool, frozenset[str]]]] = {}
    for test in (test for file in TESTS for test in _test_file(file)["tests"]):
        fed = frozenset(METRIC.match(each["series"])[0] for each in test["input_series"])  # type: ignore[index]
        for each in test.get("alert_rule_test", ()):
            found.setdefault(each["alertname"], []).append((bool(each.get("exp_alerts")), fed))
    return found


by_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)


def test_names_are_unique() -> None:
    names = [rule.name for rule in rules()]
    assert len(set(names)) == len(names)


def test_there_is_no_remark_about_them() -> None:
    assert [str(finding) for checked in check(FILES, known_families()) for finding in checked.findings] == []


@by_rule
def test_a_rule_says_what_a_person_needs(rule: Rule) -> None:
    assert rule.written["labels"]["severity"] in ("critical", "warning", "info", "none")
    annotations = rule.written["annotations"]
    assert set(annotations) == {"summary", "description", "runbook"}
    assert annotations["runbook"] == f"docs/runbooks/{rule.name}.md"
    if "by (cluster" in str(rule.written["expr"]):
        assert "$labels.cluster" in annotations["summary"] + annotations["description"]


@by_rule
def test_a_gap_in_the_data_does_not_resolve_it(rule: Rule) -> None:
    assert "keep_firing_for" in rule.written or "no keep_firing_for: " in rule.comment


@by_rule
def test_its_metrics_exist(rule: Rule) -> None:
    texts = " ".join((str(rule.written["expr"]), *rule.written["annotations"].values()))
    assert set(METRIC.findall(texts)) <= set(known_families())


@by_rule
def test_it_has_a_case_that_fires(rule: Rule) -> None:
    assert any(fires for fires, _ in cases()[rule.name])


@by_rule
def test_it_has_a_case_that_is_quiet_although_its_metrics_are_there(rule: Rule) -> None:
    if rule.name != HEARTBEAT:
        assert any(not fires and rule.metrics <= fed for fires, fed in cases()[rule.name])


@by_rule
def test_it_has_a_runbook(rule: Rule) -> None:
    text = (RUNBOOKS / f"{rule.name}.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == f"# {rule.name}"
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert [heading.capitalize() for heading in headings] == HEADINGS
    sections = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert all(len(section.split()) >= 8 for section in sections)
    assert re.search(r"^    \S", sections[1], re.MULTILINE), "how to check names a command"
    assert set(re.findall(r"\]\((\w+)\.md\)", text)) <= {other.name for other in rules()}


@by_rule
def test_a_runbook_begins_with_its_severity_and_what_it_means_for_the_service(rule: Rule) -> None:
    text = (RUNBOOKS / f"{rule.name}.md").read_text(encoding="utf-8")
    first = text.removeprefix(f"# {rule.name}\n\n").partition("\n\n")[0].replace("\n", " ")
    assert first.endswith(f"; severity {rule.written['labels']['severity']}.")
    assert ". " not in first, "one sentence"
    assert 8 < len(first.split()) <= 40


@by_rule
def test_a_runbook_puts_no_password_on_a_command_line(rule: Rule) -> None:
    text = (RUNBOOKS / f"{rule.name}.md").read_text(encoding="utf-8")
    assert PASSWORD.findall(text) == []


@by_rule
def test_a_runbook_asks_queries_that_can_be_answered(rule: Rule) -> None:
    text = (RUNBOOKS / f"{rule.name}.md").read_text(encoding="utf-8")
    assert "9419/metrics | grep" not in text, "rabbitwatch query answers it"
    for query in QUERY.findall(text):
        parse(query)
        assert set(METRIC.findall(query)) <= set(known_families()), query


def test_runbooks_speak_of_what_exists() -> None:
    words = {rule.name for rule in rules()} | set(known_families())
    for file in RUNBOOKS.glob("*.md"):
        assert file.stem in words
        text = file.read_text(encoding="utf-8")
        named = set(re.findall(r"\b(?:RabbitMQ|Rabbitwatch)[A-Z]\w+", text))
        assert named <= words, f"{file.name}: {named - words}"


def test_the_table_of_alerts_is_not_stale() -> None:
    told = re.findall(
        r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \| (\S+) \| (.+) \|$", ALERTS.read_text(), re.MULTILINE
    )
    expected = [(r.name, r.name, r.written["labels"]["severity"], r.written.get("for", "-")) for r in rules()]
    assert sorted(each[:4] for each in told) == sorted(expected)
    assert all(len(each[4]) > 15 for each in told)


def inhibitions() -> dict[str, Any]:
    text = ALERTS.read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    return found


def test_the_inhibitions_shown_are_those_that_are_shipped() -> None:
    shown = ALERTS.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    file = shipped("rules") / "alertmanager" / "inhibit_rules.yml"
    written = file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert shown == "".join(line for line in written if not line.startswith("#"))
    assert [rule.equal for rule in shipped_inhibit_rules()] == [
        tuple(each["equal"]) for each in inhibitions()["inhibit_rules"]
    ]


def test_inhibitions_speak_of_alerts_that_exist() -> None:
    names = {rule.name for rule in rules()}
    for inhibition in inhibitions()["inhibit_rules"]:
        for matcher in (*inhibition["source_matchers"], *inhibition["target_matchers"]):
            label, _, pattern = re.fullmatch(r'(\w+)(=~|!=|=)"(.+)"', matcher).groups()  # type: ignore[union-attr]
            assert label in ("alertname", "severity")
            if label == "alertname":
                assert any(re.fullmatch(pattern, name) for name in names), matcher


@pytest.mark.prometheus
@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_alertmanager_takes_the_inhibitions(tmp_path: Path) -> None:
    config = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}], **inhibitions()}
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    done = subprocess.run(
        ["amtool", "check-config", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def twice(file: Path, folder: Path) -> Path:
    """The test file with every series told by two observers, but for those of which each has its own already."""
    tests = _test_file(file)
    tests["rule_files"] = [str((file.parent / name).parent.resolve() / Path(name).name) for name in tests["rule_files"]]
    for test in tests["tests"]:
        test["input_series"] = [
            {"series": series, "values": each["values"]}
            for each in test["input_series"]
            for series in _told_by_two(each["series"])
        ]
    doubled = folder / file.name
    doubled.write_text(yaml.safe_dump(tests, allow_unicode=True, width=1000))
    return doubled


def _told_by_two(series: str) -> list[str]:
    if "instance=" in series:
        return [series]
    name, _, labels = series.partition("{")
    labels = labels.rstrip("}") + (", " if labels.rstrip("}") else "")
    return [f'{name}{{{labels}job="rabbitwatch", instance="{host}:9419"}}' for host in ("a", "b")]


@by_file
def test_the_unit_tests_pass(file: Path) -> None:
    assert run_test_file(file).failures == []


@pytest.mark.parametrize("file", [file for file in TESTS if file.stem not in WHOLE], ids=lambda file: file.stem)
def test_two_observers_give_the_same_alerts(file: Path, tmp_path: Path) -> None:
    assert run_test_file(twice(file, tmp_path)).failures == []


@pytest.mark.prometheus
@needs_promtool
def test_promtool_finds_nothing_wrong() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, FILES)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.prometheus
@needs_promtool
@by_file
def test_promtool_agrees(file: Path, tmp_path: Path) -> None:
    doubled = [] if file.stem in WHOLE else [str(twice(file, tmp_path))]
    done = subprocess.run(
        ["promtool", "test", "rules", str(file), *doubled],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
