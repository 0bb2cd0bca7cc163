"""Looks at a lab's cluster through the program's own line, from the poll to the samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rabbitwatch.agent import Cycle, Watch
from rabbitwatch.cli.pollers import Pollers
from rabbitwatch.config.loading import load
from rabbitwatch.sources.poll import ClusterPoller

POLL = "poll: {interval: 6s, timeout: 5s, diagnostics_interval: 20s}\n"
PREFIX = "rabbitwatch_"
DIAGNOSTICS_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the cycle, and its samples by family and labels."""

    cycle: Cycle
    samples: dict[str, dict[tuple[str, ...], float]]

    def value(self, name: str, *labels: str) -> float | None:
        """The sample of `rabbitwatch_<name>` whose labels after `cluster` are these; None when there is none."""
        rows = self.samples.get(PREFIX + name, {})
        return next((value for found, value in rows.items() if found[1:] == labels), None)

    def rows(self, name: str) -> dict[tuple[str, ...], float]:
        """All samples of the family, by the labels after `cluster`."""
        return {labels[1:]: value for labels, value in self.samples.get(PREFIX + name, {}).items()}

    @property
    def kinds(self) -> set[str]:
        """The kinds of everything that `rabbitwatch once` would call a problem."""
        return {finding.kind for finding in self.cycle.findings if finding.severity != "note"}


class Observer:
    """A poller that remembers, as the running agent's does. last: what it saw last."""

    last: Seen

    def __init__(self, watch: Watch, poller: ClusterPoller) -> None:
        self._watch = watch
        self._poller = poller

    def look(self, *, diagnostics: bool = False, at: float | None = None) -> Seen:
        """Poll once; with `diagnostics`, wait for a round of rabbitmq-diagnostics and poll again.

        at: as if the poll had begun at this time.
        """
        observation = self._poller.poll()
        if diagnostics:
            assert self._poller.await_diagnostics(DIAGNOSTICS_SECONDS), "rabbitmq-diagnostics did not end in time"
            observation = self._poller.poll()
        if at is not None:
            observation = replace(observation, at=at)
        cycle = self._watch.cycle(observation)
        self._watch.last = cycle
        found = {block.family.name: {labels: float(value) for labels, value in block.rows} for block in cycle.blocks}
        self.last = Seen(cycle, found)
        return self.last

    def until(self, wanted: Callable[[Seen], bool], within: float, what: str) -> Seen:
        """Look again and again until it is so; fails with what was last seen after `within` seconds."""
        end = time.monotonic() + within
        while True:
            seen = self.look()
            if wanted(seen):
                return seen
            if time.monotonic() > end:
                raise AssertionError(f"not within {within:.0f} s: {what}; last: {seen.cycle.sentence}")
            time.sleep(0.5)


@contextmanager
def observing(
    config_text: str, folder: Path, *, diagnostics: bool = False, extra: str = "", poll: str = POLL
) -> Iterator[Observer]:
    """An observer of the cluster that `lab config` described. extra: more YAML for the cluster, indented by four."""
    path = folder / "agent.yml"
    path.write_text(config_text + extra + poll, encoding="utf-8")
    path.chmod(0o600)
    config = load(path).config
    cluster = config.clusters[0]
    if not diagnostics:
        nodes = tuple(node.model_copy(update={"diagnostics": ()}) for node in cluster.nodes)
        cluster = cluster.model_copy(update={"diagnostics": (), "nodes": nodes})
    with Pollers() as pollers:
        poller = pollers(cluster, config.poll)
        try:
            yield Observer(Watch(cluster, config.poll, poller), poller)
        finally:
            poller.close()
