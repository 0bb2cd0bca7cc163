"""A whole test file: find its rule files, run its tests one after the other, collect what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rabbitwatch.alerting.rulefile.fields import read_file
from rabbitwatch.alerting.rulefile.findings import errors_in
from rabbitwatch.alerting.rulefile.load import build, check, matching
from rabbitwatch.alerting.rulefile.model import Group
from rabbitwatch.alerting.ruletest.scenario import ScenarioRun
from rabbitwatch.alerting.ruletest.testfile import RuleTestFile, read_test_file


@dataclass(slots=True)
class Outcome:
    """What a test file came to. warnings: told even when all passed. failures: one text each, some of many lines."""

    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


def run_test_file(file: Path) -> Outcome:
    """Run every test of the file; what makes it unusable is a failure, too."""
    fields = read_file(file)
    tests = read_test_file(fields)
    wrong = errors_in(fields.findings)
    if wrong:
        return Outcome(failures=[str(finding) for finding in wrong])
    for name in tests.group_eval_order:
        if tests.group_eval_order.count(name) > 1:
            return Outcome(failures=[f"group name repeated in evaluation order: {name}"])
    outcome = Outcome()
    files = _rule_files(file.parent, tests, outcome)
    if not tests.scenarios:
        return outcome
    checked = check(files)
    broken = errors_in(finding for each in checked for finding in each.findings)
    if broken:
        outcome.failures += [str(finding) for finding in broken]
        return outcome
    groups = _ordered(build(checked), tests.group_eval_order)
    for scenario in tests.scenarios:
        outcome.failures += ScenarioRun(scenario, tests, groups).run()
    return outcome


def _rule_files(folder: Path, tests: RuleTestFile, outcome: Outcome) -> list[Path]:
    """The files behind `rule_files`, relative to the test file."""
    found: list[Path] = []
    for pattern in tests.rule_files:
        matches = matching(folder / pattern)
        if not matches:
            outcome.warnings.append(f"no file match pattern {folder / pattern}")
        found += matches
    return list(dict.fromkeys(found))


def _ordered(groups: Sequence[Group], order: Sequence[str]) -> list[Group]:
    """Groups in `group_eval_order`; those that it does not name come with its first, in the files' order."""
    places = {name: index for index, name in enumerate(order)}
    return sorted(groups, key=lambda group: places.get(group.name, 0))
