"""A look at one cluster just before a repair, and while one is followed.

A poller of its own asks: the agent's is one thread's, sits out its cycle while nodes hang, and remembers by it which
node to ask; waiting for it would make a look late, and two users would spoil its memory. What is asked is the same, so
the broker's cache serves both. It is made at the first look, without rabbitmq-diagnostics, which takes too long for a
decision and decides nothing here. Looks of one cluster wait for each other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from rabbitwatch.actions.detail import Asker, Key, Question, Sight, from_row, is_syncing
from rabbitwatch.actions.reach import to_ask
from rabbitwatch.clients.http import Endpoint, Login
from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig, PollConfig
from rabbitwatch.model.action import Look, QueueLook, Target
from rabbitwatch.model.broker import Policy, Queue
from rabbitwatch.model.cluster import ClusterState, QueueState
from rabbitwatch.model.observation import ClusterObservation, Heard, Missed, ObjectsObservation, told
from rabbitwatch.sources.lanes import Lanes

DETAILS_AT_MOST = 50
_SHARE = 0.5


class Poller(Protocol):
    """Asks every node of one cluster; see sources.poll.ClusterPoller."""

    def poll(self) -> ClusterObservation: ...
    def close(self) -> None: ...


Teller = tuple[Queue, str]
"""A queue in a list, and the node that told the list."""

MakePoller = Callable[[ClusterConfig, PollConfig], Poller]


class ClusterLooker:
    """See ports.Looker. Made for one configuration of one cluster; a reload that changes it makes another and closes
    this one. Safe from any thread."""

    def __init__(self, cluster: ClusterConfig, poll: PollConfig, make_poller: MakePoller) -> None:
        self._cluster = _without_diagnostics(cluster)
        self._poll = poll
        self._make_poller = make_poller
        self._login = Login(cluster.username, cluster.password.get_secret_value())
        self._lanes = Lanes(time.time)
        self._one_at_a_time = threading.Lock()
        self._guard = threading.Lock()
        self._poller: Poller | None = None
        self._closed = False

    def look(self, target: Target) -> Look:
        """See ports.Looker. The cluster is called what the target calls it. Takes at most poll.interval and
        poll.timeout together, and some milliseconds where all answer."""
        with self._one_at_a_time:
            observation = replace(self._asked_poller().poll(), cluster=target.cluster)
            state = assess(observation, self._cluster)
            tellers = _tellers(observation)
            rows = {key: row for key, (row, _) in tellers.items()}
            policies = _policies(observation)
            restored = [] if policies is None or target.queue else to_ask(state, self._cluster.policies, policies)
            wanted = list(dict.fromkeys([*_wanted(state, rows, target), *restored]))
            asked = wanted[:DETAILS_AT_MOST]
            queues, missed = self._details(state, observation, tellers, asked)
        unseen = frozenset[str]().union(*(one.unseen_vhosts for one in observation.objects))
        return Look(
            state=state,
            declared=self._cluster.policies,
            policies=policies,
            unseen_vhosts=unseen,
            queues=queues,
            missed=missed,
            not_asked=len(wanted) - len(asked),
            syncing=_syncing(observation, rows) if state.queues.complete else None,
        )

    def close(self) -> None:
        """Let go. A look under way returns at once with what it has."""
        with self._guard:
            self._closed = True
            poller = self._poller
        self._lanes.close()
        if poller is not None:
            poller.close()

    def _asked_poller(self) -> Poller:
        with self._guard:
            if self._poller is None:
                self._poller = self._make_poller(self._cluster, self._poll)
                if self._closed:
                    self._poller.close()
            return self._poller

    def _details(
        self, state: ClusterState, observation: ClusterObservation, tellers: Mapping[Key, Teller], wanted: list[Key]
    ) -> tuple[dict[Key, QueueLook], dict[Key, str]]:
        """The details that could be had, and why the others could not. A queue that is being synchronised is not asked:
        it may answer nobody, and what the list tells of it is all that there is."""
        queues: dict[Key, QueueLook] = {}
        missed: dict[Key, str] = {}
        questions: list[Question] = []
        for key in wanted:
            if key not in tellers:
                missed[key] = _not_told(observation, key)
            elif is_syncing(tellers[key][0]):
                queues[key] = from_row(tellers[key][0])
            else:
                questions.append(Question(key, self._endpoint(_whom(state, observation, *tellers[key]))))
        sight = Sight(_rates_modes(state, observation))
        for key, part in Asker(self._lanes, self._poll.timeout * _SHARE, self._poll.timeout).ask(questions).items():
            if isinstance(part, Missed):
                missed[key] = part.reason
            else:
                queues[key] = sight.look(tellers[key][0], part.value)
        return queues, missed

    def _endpoint(self, url: str) -> Endpoint:
        return Endpoint(url, tls=self._cluster.tls, login=self._login)


def _without_diagnostics(cluster: ClusterConfig) -> ClusterConfig:
    nodes = tuple(node.model_copy(update={"diagnostics": ()}) for node in cluster.nodes)
    return cluster.model_copy(update={"diagnostics": (), "nodes": nodes})


def _tellers(observation: ClusterObservation) -> dict[Key, Teller]:
    """Every queue that was told and by whom, from the component of its leader where several tell it."""
    tellers: dict[Key, Teller] = {}
    for objects in observation.objects:
        for row in told(objects.queues) or ():
            key = (row.vhost, row.name)
            if key not in tellers or row.node in objects.component:
                tellers[key] = (row, objects.asked)
    return tellers


def _syncing(observation: ClusterObservation, rows: Mapping[Key, Queue]) -> frozenset[Key] | None:
    """By the lists' word: the cheap one waits for a queue that is being synchronised, so what it tells is not; the
    other one, which is asked when the cheap one is late or fails, tells it, or has a flaw (sources/calls.py)."""
    lists = [objects.queues for objects in observation.objects]
    if any(isinstance(part, Heard) and part.flaws for part in lists):
        return None
    return frozenset(key for key, row in rows.items() if is_syncing(row))


def _wanted(state: ClusterState, rows: Mapping[Key, Queue], target: Target) -> list[Key]:
    """The queues in the target that lag or are being synchronised, the riskiest first; before all the one that is
    named, whatever its state."""
    named = [(target.vhost, target.queue)] if target.vhost and target.queue else []
    lagging = [queue for queue in state.queues.all if _in(target, queue) and _lags(queue, rows)]
    lagging.sort(key=lambda q: (-(q.at_risk or 0), -(q.messages or 0), q.vhost, q.name))
    return list(dict.fromkeys([*named, *((queue.vhost, queue.name) for queue in lagging)]))


def _in(target: Target, queue: QueueState) -> bool:
    return (
        target.vhost in {"", queue.vhost}
        and target.queue in {"", queue.name}
        and target.policy in {"", queue.policy, queue.operator_policy}
    )


def _lags(queue: QueueState, rows: Mapping[Key, Queue]) -> bool:
    row = rows.get((queue.vhost, queue.name))
    return queue.unsynchronised > 0 or (row is not None and is_syncing(row))


def _whom(state: ClusterState, observation: ClusterObservation, row: Queue, teller: str) -> str:
    """The address of its leader's node where that answers, else of the node that told the queue."""
    there = {name for group in state.components for name in group}
    urls = {node.name: node.url for node in observation.nodes}
    return urls[row.node] if row.node in there and row.node in urls else urls[teller]


def _not_told(observation: ClusterObservation, key: Key) -> str:
    """Why there is nothing about a queue in any list."""
    if not observation.objects:
        return "no node told its queues"
    for objects in observation.objects:
        if isinstance(objects.queues, Missed):
            return f"the queues of {objects.asked} are not known: {objects.queues.reason}"
        if key[0] in objects.unseen_vhosts:
            return f"the polling user may not look into vhost {key[0]!r}"
    return "no such queue is told"


def _rates_modes(state: ClusterState, observation: ClusterObservation) -> frozenset[str | None]:
    """How each node that runs counts rates: a message that another node's channel publishes is counted there."""
    modes = {node.name: overview.rates_mode for node in observation.nodes if (overview := told(node.overview))}
    return frozenset(modes.get(node.name) for node in state.nodes if node.running)


def _policies(observation: ClusterObservation) -> Mapping[tuple[bool, str, str], Policy] | None:
    """What the components tell alike; None when they differ, or a part was missed or came with something left out."""
    by_component = [_policies_of(objects) for objects in observation.objects]
    first = by_component[0] if by_component else None
    return first if all(found == first for found in by_component) else None


def _policies_of(objects: ObjectsObservation) -> dict[tuple[bool, str, str], Policy] | None:
    found: dict[tuple[bool, str, str], Policy] = {}
    for operator, part in ((False, objects.policies), (True, objects.operator_policies)):
        # one flaw says that vhosts are unseen, which unseen_vhosts says too; any other is a policy that seems missing
        if not isinstance(part, Heard) or len(part.flaws) > bool(objects.unseen_vhosts):
            return None
        found.update({(operator, policy.vhost, policy.name): policy for policy in part.value})
    return found
