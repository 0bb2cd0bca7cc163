"""Rule files to a rule set: all or nothing, so that a wrong file never replaces a good one."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rabbitwatch.alerting.rulefile.compile import Draft, draft_rules, finish, lint, recordings
from rabbitwatch.alerting.rulefile.duplicates import Duplicate, duplicates
from rabbitwatch.alerting.rulefile.fields import Fields, read_file
from rabbitwatch.alerting.rulefile.findings import Finding, RuleFileError, by_place, errors_in
from rabbitwatch.alerting.rulefile.lint.subject import Surroundings
from rabbitwatch.alerting.rulefile.model import Group, RuleSet
from rabbitwatch.alerting.rulefile.reading import WrittenGroup, read_groups
from rabbitwatch.promql.nodes import Node

Families = Mapping[str, tuple[str, ...] | None]
DATA_INTERVAL_S = 15.0


@dataclass(frozen=True, slots=True)
class Checked:
    """One file after all checks. groups: as written. rules: how many there are. duplicates: as promtool lists them."""

    file: str
    groups: Sequence[WrittenGroup]
    drafts: Sequence[Sequence[Draft]]
    fields: Fields
    duplicates: Sequence[Duplicate]

    @property
    def findings(self) -> list[Finding]:
        """Everything told, by line."""
        return by_place(self.fields.findings)

    @property
    def rules(self) -> int:
        """How many rules the file has."""
        return sum(len(group.rules) for group in self.groups)


def expand(patterns: Iterable[Path]) -> list[Path]:
    """The files behind paths and globs, sorted within each and without repetition.

    A path without wildcards stays, so that a missing file is told; a glob may match nothing, as in Prometheus.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(matching(pattern) if glob.has_magic(str(pattern)) else [pattern]))
    return list(found)


def matching(pattern: Path) -> list[Path]:
    """The files that a glob matches, sorted."""
    return sorted(map(Path, glob.glob(str(pattern))))  # noqa: PTH207 - Path.glob takes no absolute pattern


def check(
    files: Iterable[Path], families: Families | None = None, data_interval_s: float = DATA_INTERVAL_S
) -> list[Checked]:
    """Read and check files together, because a rule may read what another file records.

    families: the label names of each metric that the agent makes; None leaves names unchecked. Raises nothing: what is
    wrong stands in the findings.
    """
    checked = [_read(file) for file in files]
    recorded: dict[str, tuple[Node, ...]] = recordings([d for each in checked for group in each.drafts for d in group])
    surroundings = Surroundings(families=families, recorded=recorded, data_interval_s=data_interval_s)
    for each in checked:
        noted: set[str] = set()
        for drafts in each.drafts:
            lint(each.fields, drafts, surroundings, noted)
    return checked


def load(files: Iterable[Path], families: Families | None = None, data_interval_s: float = DATA_INTERVAL_S) -> RuleSet:
    """The rules of all files; raises RuleFileError with every error of every file, and then nothing is loaded."""
    checked = check(expand(files), families, data_interval_s)
    findings = [finding for each in checked for finding in each.findings]
    errors = errors_in(findings)
    if errors:
        raise RuleFileError(errors)
    return RuleSet(build(checked), tuple(findings))


def build(checked: Sequence[Checked]) -> tuple[Group, ...]:
    """The groups of files that have no errors."""
    recorded = recordings([draft for each in checked for drafts in each.drafts for draft in drafts])
    used: dict[str, int] = {}
    groups = []
    for each in checked:
        for group, drafts in zip(each.groups, each.drafts, strict=True):
            count = used[group.name] = used.get(group.name, 0) + 1
            key = group.name if count == 1 else f"{group.name}#{count}"
            groups.append(finish(each.fields, group, key, drafts, recorded))
    return tuple(groups)


def _read(file: Path) -> Checked:
    fields = read_file(file)
    groups = read_groups(fields)
    drafts = [draft_rules(fields, group) for group in groups]
    return Checked(str(file), groups, drafts, fields, duplicates(groups))
