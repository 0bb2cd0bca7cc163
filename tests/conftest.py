"""For all tests: a stop from outside clears up; in CI a test on a real broker or in a browser must not be skipped
unnoticed; what fails is tried once more."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

UNSKIPPABLE = {"cluster": "on a real broker", "browser": "in a browser"}
"""Marks of tests that CI must run, and where those run."""


def pytest_configure() -> None:
    """A stop from outside ends a run as Ctrl-C does, so that fixtures end the clusters that they started. Ctrl-C does
    too, to which a shell makes deaf what it starts in the background, and all that this starts in turn."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test has a second try: on two busy cores a broker or a thread now and then takes longer than any bound."""
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists every first failure with its reason, so that a test that is seen here often can be mended."""
    for report in terminalreporter.stats.get("rerun", ()):
        crash = getattr(report.longrepr, "reprcrash", None)
        reason = crash.message.partition("\n")[0] if crash else ""
        terminalreporter.write_line(f"RERUN {report.nodeid} ({report.when}) - {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI set, turn the skip of a test that is marked as UNSKIPPABLE into an error that says why it was skipped."""
    report = yield
    needs = [what for mark, what in UNSKIPPABLE.items() if item.get_closest_marker(mark)]
    if os.environ.get("CI") and report.skipped and needs and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: a test {needs[0]} must not be skipped in CI: {reason}"
    return report
