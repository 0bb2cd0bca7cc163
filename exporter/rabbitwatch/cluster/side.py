"""The queues of one component, as the node that was asked for it tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import UNSET

from rabbitwatch.cluster.mirrors import mirror_rule
from rabbitwatch.cluster.policies import Definition, merged
from rabbitwatch.model.broker import Policy, Queue
from rabbitwatch.model.cluster import QueueState
from rabbitwatch.model.observation import Heard, Missed, NotAsked, ObjectsObservation, told

RUNNING = "running"

_CALM = {None: RUNNING, "": RUNNING, "idle": RUNNING, "flow": RUNNING}
"""States that come and go by the second and mean that the queue works; a series for each would churn."""

_CLASSIC = frozenset({None, "", "classic"})

Consumers = Mapping[str, Mapping[tuple[str, str], int]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the policies in effect ask for one queue. expected: mirrors now; wanted: any mirror, whoever runs;
    both None where no policy is known to ask."""

    mode: str
    promote_on_failure: str
    expected: int | None
    wanted: bool | None


NO_WISH = Wish("", "", None, None)
_NO_MEMBERS = (None, None, None)


class Side:
    """Judges queues for one component.

    running: the nodes that run, to the node that was asked. consumers: by node, what its metrics plugin counts.
    mirroring: does this version have classic mirrors.
    """

    def __init__(
        self,
        objects: ObjectsObservation,
        cluster: str,
        running: frozenset[str],
        consumers: Consumers,
        mirroring: bool | None,
    ) -> None:
        self.objects = objects
        self._cluster = cluster
        self._running = running
        self._consumers = consumers
        self._mirroring = mirroring
        self._policies = _by_name(objects.policies)
        self._operator_policies = _by_name(objects.operator_policies)
        self._wishes: dict[tuple[str, str, str, str], Wish] = {}

    def owns(self, queue: QueueState) -> bool:
        """Is the leader of this queue a node of this component?"""
        return queue.node in self.objects.component

    def queues(self) -> Iterator[Queue]:
        """What was told; nothing when the question failed."""
        found = told(self.objects.queues)
        return iter(found or ())

    def judge(self, queue: Queue) -> QueueState:
        """One queue, with what its policy asks for laid beside what there is."""
        leader = queue.leader or queue.node or ""
        state = _CALM.get(queue.state, queue.state) or RUNNING
        wish = self._wish(queue, leader)
        mirrors = None if queue.slave_nodes is None else len(queue.slave_nodes)
        synchronised = at_risk = None
        if queue.synchronised_slave_nodes is not None:
            synchronised = len(queue.synchronised_slave_nodes)
            if wish.wanted is not False:  # a broker that tells mirrors mirrors the queue, known policy or not
                at_risk = 0 if synchronised else queue.messages
        members, online, has_leader = _NO_MEMBERS if queue.members is None else self._members(queue)
        return QueueState(
            (self._cluster, queue.vhost, queue.name),
            queue.type or "",
            state,
            leader,
            queue.durable,
            queue.exclusive,
            queue.policy or "",
            queue.operator_policy or "",
            wish.mode,
            wish.promote_on_failure,
            mirrors is not None or wish.expected is not None,
            queue.messages,
            queue.messages_ready,
            queue.messages_unacknowledged,
            self._consumers_of(queue, leader),
            mirrors,
            synchronised,
            wish.expected,
            at_risk,
            queue.sync_messages,
            members,
            online,
            has_leader,
            state != RUNNING
            or bool(at_risk)
            or has_leader is False
            or (mirrors is not None and (_fewer(synchronised, mirrors) or _fewer(mirrors, wish.expected)))
            or (members is not None and _fewer(online, members)),
        )

    def _members(self, queue: Queue) -> tuple[int | None, int | None, bool | None]:
        members = None if queue.members is None else len(queue.members)
        online = None if queue.online is None else len(queue.online)
        # null says that there is none (3.10.8); streams in the list with statistics tell members and no leader at all
        return members, online, None if queue.leader is UNSET else queue.leader in self._running

    def _wish(self, queue: Queue, leader: str) -> Wish:
        # an exclusive queue is never mirrored, although the broker names the policy that matches it
        if queue.exclusive or self._mirroring is False or queue.type not in _CLASSIC:
            return NO_WISH
        if queue.effective_policy_definition is not None:
            return self._make_wish(queue.effective_policy_definition, leader)
        if not queue.policy and not queue.operator_policy:
            return NO_WISH
        key = (queue.vhost, queue.policy or "", queue.operator_policy or "", leader)
        wish = self._wishes.get(key)
        if wish is None:
            wish = self._wishes[key] = self._make_wish(self._definition(*key[:3]), leader)
        return wish

    def _definition(self, vhost: str, policy: str, operator_policy: str) -> Definition:
        return merged(
            self._policies.get((vhost, policy), {}), self._operator_policies.get((vhost, operator_policy), {})
        )

    def _make_wish(self, definition: Definition, leader: str) -> Wish:
        rule = mirror_rule(definition)
        if rule is None:
            return NO_WISH
        expected = rule.expected(self._running, leader)
        return Wish(rule.mode, rule.promote_on_failure, expected, rule.wants_any(leader))

    def _consumers_of(self, queue: Queue, leader: str) -> int | None:
        counted = self._consumers.get(leader)
        return None if counted is None else counted.get((queue.vhost, queue.name))


def _fewer(there: int | None, wanted: int | None) -> bool:
    return there is not None and wanted is not None and there < wanted


def _by_name(
    part: Heard[tuple[Policy, ...]] | Missed | NotAsked,
) -> dict[tuple[str, str], Definition]:
    return {(policy.vhost, policy.name): policy.definition or {} for policy in told(part) or ()}
