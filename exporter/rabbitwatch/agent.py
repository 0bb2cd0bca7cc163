"""The line through the program, in code. Read this first.

    poll -> Observation -> assess -> ClusterState -> samples -> page, consumers

Each cluster is watched by one `Watch`, on one job of the scheduler. What a cycle found is published at once: the page
that Prometheus scrapes is rendered here and swapped as a whole, and then each consumer in `Agent.consumers` (the
window, and with it rules and alerts) is called with the cycle, in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Protocol

import structlog

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.findings import findings
from rabbitwatch.cluster.sentence import sentence
from rabbitwatch.config.change import Change
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import ClusterConfig, Config, PollConfig
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.metrics.exposition import Page
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.metrics.samples import blocks
from rabbitwatch.model.cluster import ClusterState, Finding, Severity
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.model.sample import Block
from rabbitwatch.scheduling import Scheduler
from rabbitwatch.web.clusters import document
from rabbitwatch.web.ports import Watched

_log = structlog.get_logger(__name__)


class Poller(Protocol):
    """Asks every node of one cluster; see sources.poll.ClusterPoller."""

    def poll(self) -> ClusterObservation:
        """One observation; what failed is in it, nothing is raised."""
        ...

    def close(self) -> None:
        """Let go of sessions and subprocesses, also of those that hang."""
        ...


MakePoller = Callable[[ClusterConfig, PollConfig], Poller]


@dataclass(frozen=True, slots=True)
class Cycle:
    """One pass along the line, for one cluster; the observation tells consumers what is missing in it."""

    observation: ClusterObservation
    state: ClusterState
    findings: Sequence[Finding]
    sentence: str
    blocks: Sequence[Block]


Consumer = Callable[[Cycle], None]


class Watch:
    """One cluster and what is known of it. last: the last cycle, None before the first and after one that failed;
    polled: any cycle has ended; trouble: why the last one failed."""

    def __init__(self, config: ClusterConfig, poll: PollConfig, poller: Poller) -> None:
        self.config = config
        self.poll = poll
        self.poller = poller
        self.cluster = config.name
        self.last: Cycle | None = None
        self.polled = False
        self.trouble: str | None = None

    @property
    def label(self) -> str:
        return self.cluster or self.config.label

    def cycle(self, observation: ClusterObservation) -> Cycle:
        """From what was heard to what it means. Pure, but for the memory of the last state."""
        before = self.last.state if self.last else None
        state = assess(observation, self.config, before)
        return Cycle(observation, state, findings(state), sentence(state, before), blocks([state]))


class Agent:
    """All watches, the page that follows from them, and those who want to know. Safe to use from any thread."""

    def __init__(
        self, config: Config, make_poller: MakePoller, own: OwnMetrics, consumers: Sequence[Consumer] = ()
    ) -> None:
        self.consumers = tuple(consumers)
        self._make_poller = make_poller
        self._own = own
        self._scheduler = Scheduler()
        self._lock = threading.Lock()
        self._watches = self._watches_for(config, ())
        self._page = Page([], own.render)

    def start(self) -> None:
        """Poll every cluster at once, a little apart, and then at its interval."""
        self._schedule(self._watches)
        self._scheduler.start()

    def stop(self) -> None:
        """End without waiting for calls that hang."""
        self._scheduler.stop()
        _close(self._watches)

    def prepare(self, loaded: Loaded) -> Change:
        """Get ready to watch what `loaded` says. A cluster whose configuration is the same keeps its poller, and so
        its sessions and known nodes, and its samples. RabbitwatchError when a poller cannot be made."""
        before = self._watches
        after = self._watches_for(loaded.config, before)
        gone = [watch for watch in before if watch not in after]
        new = [watch for watch in after if watch not in before]

        def commit() -> None:
            with self._lock:
                self._watches = after
            self.render()
            for watch in gone:
                self._scheduler.drop(_job(watch))
                watch.poller.close()
            self._schedule(new)

        return Change(commit, lambda: _close(new))

    def _watches_for(self, config: Config, before: Sequence[Watch]) -> tuple[Watch, ...]:
        watches: list[Watch] = []
        try:
            for cluster in config.clusters:
                same = (watch for watch in before if watch.config == cluster and watch.poll == config.poll)
                watch = next(same, None) or Watch(cluster, config.poll, self._make_poller(cluster, config.poll))
                watches.append(watch)
        except RabbitwatchError:
            _close([watch for watch in watches if watch not in before])
            raise
        return tuple(watches)

    def _schedule(self, watches: Sequence[Watch]) -> None:
        for index, watch in enumerate(watches):
            interval = watch.poll.interval
            delay = index * min(1.0, interval / len(watches))
            self._scheduler.every(interval, _job(watch), partial(self.run_cycle, watch), delay=delay)

    def run_cycle(self, watch: Watch) -> None:
        """One pass for one cluster: the border behind which nothing may end the program."""
        before = watch.last
        try:
            observation = self._named(watch, watch.poller.poll())
            self._own.observe(observation)
            cycle = watch.cycle(observation)
            self._publish(watch, cycle)
            for consume in self.consumers:
                consume(cycle)
        except Exception as error:  # noqa: BLE001 - the poll border: logged once, counted, tried again at the next interval
            if watch.last is before:  # nothing was published, and old samples would pass for new ones
                watch.last = None
            self._own.cycle_failed(watch.label)
            self.render()
            if str(error) != watch.trouble:
                _log.exception("this cycle failed because of a bug in rabbitwatch", cluster=watch.label)
            watch.trouble = str(error)
        else:
            watch.trouble = None
        watch.polled = True

    def _named(self, watch: Watch, observation: ClusterObservation) -> ClusterObservation:
        """The observation under a name that no other watch has: two clusters of one name would spoil every scrape."""
        with self._lock:
            taken = {other.cluster for other in self._watches if other is not watch}
            name = observation.cluster if observation.cluster not in taken else watch.config.label
            if name != observation.cluster and watch.cluster != name:
                _log.warning(
                    "another cluster has this name too: give one of them a name in the configuration",
                    cluster=observation.cluster,
                    shown_as=name,
                )
            watch.cluster = name
        return observation if name == observation.cluster else replace(observation, cluster=name)

    def _publish(self, watch: Watch, cycle: Cycle) -> None:
        watch.last = cycle
        self.render()
        bad = any(finding.severity is not Severity.NOTE for finding in cycle.findings)
        (_log.warning if bad else _log.info)(cycle.sentence)

    def render(self) -> None:
        """Make the page of all clusters anew, with the agent's own figures as they are now, and swap it as a whole."""
        with self._lock:
            blocks = _merged([watch.last.blocks for watch in self._watches if watch.last])
            self._page = Page(blocks, self._own.render, self._page)

    def scrape(self, *, openmetrics: bool, gzipped: bool) -> tuple[bytes, str]:
        """See web.ports.View."""
        return self._page.scrape(openmetrics=openmetrics, gzipped=gzipped)

    def unpolled(self) -> Sequence[str]:
        """See web.ports.View."""
        return [watch.label for watch in self._watches if not watch.polled]

    def documents(self) -> Sequence[dict[str, Any]]:
        """See web.ports.View."""
        cycles = [watch.last for watch in self._watches if watch.last]
        return [document(cycle.state, cycle.findings, cycle.sentence) for cycle in cycles]

    def watched(self) -> Sequence[Watched]:
        """See web.ports.View."""
        return [_watched(watch, watch.last) for watch in self._watches]


def _watched(watch: Watch, last: Cycle | None) -> Watched:
    return Watched(
        name=watch.label,
        interval=watch.poll.interval,
        polled=watch.polled,
        trouble=watch.trouble or "",
        state=last.state if last else None,
        findings=last.findings if last else (),
        sentence=last.sentence if last else "",
    )


def _close(watches: Sequence[Watch]) -> None:
    for watch in watches:
        watch.poller.close()


def _job(watch: Watch) -> str:
    return f"poll {watch.config.label} {id(watch)}"


def _merged(pages: Sequence[Sequence[Block]]) -> list[Block]:
    """The clusters' blocks as one: a family stands once in a page, with the rows of all."""
    if len(pages) == 1:
        return list(pages[0])
    merged: dict[str, list[Block]] = {}
    for block in chain.from_iterable(pages):
        merged.setdefault(block.family.name, []).append(block)
    return [Block(same[0].family, list(chain.from_iterable(block.rows for block in same))) for same in merged.values()]
