"""`rabbitwatch check rules` and `rabbitwatch test rules`: promtool's commands, with its words and exit codes.

stdout and stderr carry what promtool puts there, so scripts around promtool work with either. What only rabbitwatch
sees in a rule file is told as `WARNING:` and `NOTE:` lines on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rabbitwatch.actions.metrics import ActionCounts, ActionMetrics, Figures
from rabbitwatch.alerting.own_metrics import NoRules, RuleMetrics
from rabbitwatch.alerting.rulefile.findings import Level, errors_in
from rabbitwatch.alerting.rulefile.load import Checked, Families, check
from rabbitwatch.alerting.ruletest.run import run_test_file
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.metrics.samples import COLLECTORS
from rabbitwatch.notify.metrics import NoticeCounts, NoticeMetrics, no_figures
from rabbitwatch.promql.window.own_metrics import WindowMetrics

FAILED = 1
LINT_FATAL = 3

tests = typer.Typer(help="Run unit tests.", no_args_is_help=True, rich_markup_mode=None)


class Lint(StrEnum):
    """What to look for beyond errors; the first three are promtool's."""

    ALL = "all"
    DUPLICATE_RULES = "duplicate-rules"
    NONE = "none"


def check_rules(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Rule files.")],
    lint: Annotated[
        Lint, typer.Option("--lint", help="What to warn about beyond errors; duplicate-rules is what promtool does.")
    ] = Lint.ALL,
    lint_fatal: Annotated[bool, typer.Option("--lint-fatal", help="Exit with 3 when there are warnings.")] = False,
) -> None:
    """Say whether rule files can be loaded, and what in them hardly does what was meant. Exit 0, 1 or 3."""
    code = 0
    for checked in check(files, known_families()):
        typer.echo(f"Checking {checked.file}")
        code = max(code, _tell(checked, lint, fatal=lint_fatal), key=_gravity)
        typer.echo()
    raise typer.Exit(code)


def _gravity(code: int) -> int:
    """promtool ends with 1 when any file is wrong, even if others have warnings only."""
    return {0: 0, LINT_FATAL: 1, FAILED: 2}[code]


def _tell(checked: Checked, lint: Lint, *, fatal: bool) -> int:
    errors = errors_in(checked.findings)
    if errors:
        _complain("  FAILED:", *(str(finding) for finding in errors))
    duplicates = checked.duplicates if lint is not Lint.NONE and not errors else ()
    if duplicates:
        _complain("  FAILED:", f"lint error {len(duplicates)} duplicate rule(s) found.")
        _complain(*(str(each).rstrip("\n") for each in duplicates))
        _complain("Might cause inconsistency while recording expressions")
    if not errors and not duplicates:
        typer.echo(f"  SUCCESS: {checked.rules} rules found")
    warned = [f for f in checked.findings if f.level is Level.WARNING] if lint is Lint.ALL else []
    _complain(*(f"  WARNING: {finding}" for finding in warned))
    if lint is Lint.ALL:
        _complain(*(f"  NOTE: {finding}" for finding in checked.findings if finding.level is Level.NOTE))
    if errors:
        return FAILED
    return LINT_FATAL if fatal and (duplicates or warned) else 0


@tests.callback()
def _group() -> None:
    """Holds the command `rules`."""


@tests.command("rules")
def test_rules(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Test files in promtool's format.")],
) -> None:
    """Run unit tests of rules, written for promtool. Exit 1 when any fails."""
    failed = False
    for file in files:
        typer.echo(f"Unit Testing:  {file}")
        outcome = run_test_file(file)
        _complain(*(f"  WARNING: {warning}" for warning in outcome.warnings))
        if outcome.passed:
            typer.echo("  SUCCESS")
        else:
            failed = True
            _complain("  FAILED:")
            for failure in outcome.failures:
                _complain(failure)
                typer.echo()
        typer.echo()
    raise typer.Exit(FAILED if failed else 0)


def known_families() -> Families:
    """The label names of every metric that the agent makes, by name; None for its own, whose labels come with use."""
    families: dict[str, tuple[str, ...] | None] = {each.family.name: each.family.labels for each in COLLECTORS}
    own = OwnMetrics()
    own.registry.register(RuleMetrics(NoRules()))
    own.registry.register(WindowMetrics(None))
    own.registry.register(NoticeMetrics(NoticeCounts(), no_figures))
    own.registry.register(ActionMetrics(ActionCounts(), Figures))
    for metric in own.registry.collect():
        families[f"{metric.name}_total" if metric.type == "counter" else metric.name] = None
    return families


def _complain(*lines: str) -> None:
    sys.stdout.flush()
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - a command's own output


__all__: Sequence[str] = ("check_rules", "known_families", "tests")
