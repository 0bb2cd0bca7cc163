"""One observation of a cluster: every node asked at the same time, whatever the others do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from rabbitwatch.clients.diagnostics import Runner
from rabbitwatch.clients.wording import readable
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import ClusterObservation, Missed, NodeObservation
from rabbitwatch.sources.access import AccessBook
from rabbitwatch.sources.assembly import assemble
from rabbitwatch.sources.choice import Choice
from rabbitwatch.sources.cycle import Budget, Cycle
from rabbitwatch.sources.diagnostics import DiagnosticsRounds
from rabbitwatch.sources.lanes import Lanes
from rabbitwatch.sources.pauses import Pauses
from rabbitwatch.sources.roster import Roster
from rabbitwatch.sources.said import FailureLog
from rabbitwatch.sources.visibility import Visibility

_SHARE = 0.9
"""Of the interval, for asking; the rest is for assessing, rendering and evaluating before the next cycle begins."""

_log = structlog.get_logger(__name__)


class ClusterPoller:
    """Asks one cluster again and again and remembers what makes the next question cheaper.

    runner: runs rabbitmq-diagnostics; the same one for all clusters, because it limits how many run at once.
    clock: unix seconds. One thread polls at a time; `close`, `forget` and `known_nodes` are safe from others.
    """

    def __init__(
        self, cluster: ClusterConfig, poll: PollConfig, runner: Runner, clock: Callable[[], float] = time.time
    ) -> None:
        self._cluster = cluster
        self._poll = poll
        self._clock = clock
        self._guard = threading.Lock()
        self._roster = Roster(cluster, AccessBook(cluster))
        self._lanes = Lanes(clock)
        self._choice = Choice()
        self._pauses = Pauses(poll.diagnostics_interval, time.monotonic)
        self._visibility = Visibility(poll.diagnostics_interval, time.monotonic)
        self._log = FailureLog()
        self._name = cluster.name
        self._rounds = DiagnosticsRounds(
            runner=runner,
            lanes=self._lanes,
            interval=poll.diagnostics_interval,
            timeout=poll.diagnostics_timeout,
            clock=clock,
            monotonic=time.monotonic,
        )

    def poll(self) -> ClusterObservation:
        """What every node says now. Never raises, and returns within nine tenths of poll.interval."""
        at, began = self._clock(), time.monotonic()
        try:
            observation = self._observe(at, began)
            if not self._lanes.closed:
                self._log.note(observation)
        except Exception as error:  # noqa: BLE001  the border of a poll
            _log.exception("the poll itself failed: this is a fault in rabbitwatch", cluster=self._label)
            return self._nothing(at, began, error)
        return observation

    @property
    def known_nodes(self) -> tuple[str, ...]:
        """Names, declared nodes first; host and port of an address whose node has not told its name."""
        with self._guard:
            return tuple(self._roster.holders())

    def forget(self, node_name: str) -> None:
        """Drop a discovered node that is gone for good; it returns when another node lists it again."""
        with self._guard:
            urls = [member.access.url for member in self._roster.members if member.name == node_name]
            self._roster.forget(node_name)
            for url in urls:
                self._rounds.forget(url)

    def await_diagnostics(self, within: float) -> bool:
        """Wait until no round of rabbitmq-diagnostics is under way; False when `within` seconds were not enough.

        For a single observation: poll, wait here, poll again; the second one holds the answers.
        """
        deadline = time.monotonic() + within
        while not self._lanes.closed:
            finished = self._lanes.finished
            with self._guard:
                members = self._roster.members
            if not any(self._rounds.busy(member) for member in members):
                return True
            if time.monotonic() >= deadline:
                break
            self._lanes.wait(finished, deadline)
        return False

    def close(self) -> None:
        """Stop asking; a `poll` under way returns at once with what it has. Returns at once as well: calls that hang
        are left to daemon threads, which do not keep the process alive. The runner is its owner's to close."""
        self._lanes.close()

    @property
    def _label(self) -> str:
        return self._name or self._cluster.label

    def _observe(self, at: float, began: float) -> ClusterObservation:
        cycle = Cycle(
            roster=self._roster,
            guard=self._guard,
            lanes=self._lanes,
            choice=self._choice,
            pauses=self._pauses,
            visibility=self._visibility,
            budget=Budget(began, self._poll.timeout, began + _SHARE * self._poll.interval),
            discover=self._cluster.discover,
        )
        cycle.run()
        with self._guard:
            self._roster.heed(cycle.listed(), at)
            assembled = assemble(cycle, self._roster, self._rounds, self._cluster.username)
            self._choice.note({one.asked: one.queues for one in assembled.objects}, views=bool(cycle.views()))
            for member in self._roster.members:
                cycle.remember(member)
                self._rounds.start_due(member)
        self._name = self._name or assembled.cluster_name
        return ClusterObservation(
            cluster=self._label,
            at=at,
            took=time.monotonic() - began,
            nodes=assembled.nodes,
            objects=assembled.objects,
            missing=self._roster.missing,
        )

    def _nothing(self, at: float, began: float, error: Exception) -> ClusterObservation:
        took = time.monotonic() - began
        reason = f"the poll failed: {type(error).__name__}: {readable(str(error), 160)}"
        missed = Missed(CallFailure.ERROR, reason, at + took, took)
        nodes = tuple(
            NodeObservation(name=node.name or node.url, url=node.url, declared=True, overview=missed, nodes=missed)
            for node in self._cluster.nodes
        )
        return ClusterObservation(cluster=self._label, at=at, took=took, nodes=nodes, objects=())
