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
    """A stop from outside ends a run as Ctrl-C does, so that fixtures end the clusters that they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test has a second try: on two busy cores a broker or a thread now and then takes longer than any bound. The
    first failure stays in the output, and the summary lists it as RERUN."""
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=1))


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
