"""`rabbitwatch once`: one observation of every cluster, for people and for scripts."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import IntEnum, StrEnum
from typing import Annotated

import typer
from rich.console import Console

from rabbitwatch.agent import Cycle, Watch
from rabbitwatch.cli.look import PatientPoller, look
from rabbitwatch.cli.options import ConfigFile, Level, Style
from rabbitwatch.cli.pollers import Pollers
from rabbitwatch.cli.table import overview
from rabbitwatch.config.loading import Loaded, load
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.logs import LogFormat, LogLevel, configure
from rabbitwatch.metrics.exposition import Page
from rabbitwatch.metrics.samples import blocks
from rabbitwatch.model.cluster import Severity
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.redaction import Redactor
from rabbitwatch.web.clusters import document, encode

PIPE_WIDTH = 160

MakePatientPoller = Callable[[ClusterConfig, PollConfig], PatientPoller]


class Format(StrEnum):
    """What `once` prints."""

    TEXT = "text"
    JSON = "json"
    PROMETHEUS = "prometheus"


class Verdict(IntEnum):
    """The exit code, for scripts and for Nagios-like checks."""

    HEALTHY = 0
    PROBLEMS = 1
    COULD_NOT_LOOK = 2


def once(
    config: ConfigFile = None,
    form: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TEXT,
    diagnostics: Annotated[
        bool, typer.Option(help="Wait for rabbitmq-diagnostics too (cookies, health checks): some 10 s a node.")
    ] = True,
    level: Level = LogLevel.ERROR,
    style: Style = LogFormat.AUTO,
) -> None:
    """Look once at every cluster. Exit 0: healthy, 1: problems found, 2: could not look."""
    redactor = Redactor()
    configure(level, style, redact=redactor)
    loaded = load(config)
    redactor.know(loaded.secrets)
    patience = "asking every node" + (" and rabbitmq-diagnostics, which takes a while …" if diagnostics else " …")
    with Pollers() as pollers, Console(stderr=True).status(patience):  # shows on a terminal only
        cycles = observe(loaded, pollers, diagnostics=diagnostics)
    show(cycles, form)
    raise typer.Exit(verdict(cycles))


def observe(loaded: Loaded, make_poller: MakePatientPoller, *, diagnostics: bool) -> list[Cycle]:
    """One pass along the line for every cluster, all at the same time."""
    poll = loaded.config.poll
    pollers = [make_poller(cluster, poll) for cluster in loaded.config.clusters]
    try:
        observations = look(pollers, diagnostics=diagnostics)
    finally:
        for poller in pollers:
            poller.close()
    watches = [Watch(cluster, poll, poller) for cluster, poller in zip(loaded.config.clusters, pollers, strict=True)]
    return [watch.cycle(observation) for watch, observation in zip(watches, distinct(observations), strict=True)]


def distinct(observations: Sequence[ClusterObservation]) -> list[ClusterObservation]:
    """The observations under names of their own, since two clusters' series must differ."""
    names = Counter[str]()
    found = []
    for observation in observations:
        names[observation.cluster] += 1
        number = names[observation.cluster]
        found.append(observation if number == 1 else replace(observation, cluster=f"{observation.cluster} ({number})"))
    return found


def verdict(cycles: Sequence[Cycle]) -> Verdict:
    """A cluster of which no node told its view could not be looked at; notes alone are healthy."""
    if any(not cycle.state.components for cycle in cycles):
        return Verdict.COULD_NOT_LOOK
    worse = {finding.severity for cycle in cycles for finding in cycle.findings} - {Severity.NOTE}
    return Verdict.PROBLEMS if worse else Verdict.HEALTHY


def show(cycles: Sequence[Cycle], form: Format) -> None:
    """Print what was seen to stdout."""
    if form is Format.JSON:
        documents = [document(cycle.state, cycle.findings, cycle.sentence) for cycle in cycles]
        sys.stdout.buffer.write(encode({"clusters": documents}))
    elif form is Format.PROMETHEUS:
        page = Page(blocks([cycle.state for cycle in cycles]))
        sys.stdout.buffer.write(page.scrape(openmetrics=False, gzipped=False)[0])
    else:
        console = Console(width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH)
        for cycle in cycles:
            console.print(overview(cycle))
    sys.stdout.flush()
