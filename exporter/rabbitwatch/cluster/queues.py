"""Every queue once, whoever told it, and the sums over all of them.

While a cluster is split, each component tells its own queues. A queue that several tell is taken from the component
that its leader's node belongs to; if each says that it leads (both sides promoted one), from the larger component; if
none does, from the first that knows its depth. So a total never counts a queue twice; that the sides differ stays
visible in `Views.queues` and `Queues.contested`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from rabbitwatch.cluster.capping import shown
from rabbitwatch.cluster.policies import ambiguous
from rabbitwatch.cluster.selection import chooser
from rabbitwatch.cluster.side import Consumers, Side
from rabbitwatch.cluster.totals import added, by_state, leaders, totals
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.model.cluster import Queues, QueueState, QueueTotals
from rabbitwatch.model.observation import ClusterObservation, Heard, ObjectsObservation, told

Name = tuple[str, str, str]


def sides(
    observation: ClusterObservation,
    running: Mapping[str, Mapping[str, bool]],
    components: Sequence[frozenset[str]],
    mirroring: bool | None,
) -> tuple[Side, ...]:
    """One side per component that was asked, in the components' order: the largest first."""
    consumers: Consumers = {
        node.name: counted for node in observation.nodes if (counted := told(node.consumers)) is not None
    }
    place = {name: index for index, group in enumerate(components) for name in group}
    ordered = sorted(observation.objects, key=lambda o: (place.get(o.asked, len(place)), o.asked))
    return tuple(
        Side(objects, observation.cluster, _running(objects, running), consumers, mirroring) for objects in ordered
    )


def _running(objects: ObjectsObservation, running: Mapping[str, Mapping[str, bool]]) -> frozenset[str]:
    view = running.get(objects.asked)
    return objects.component if view is None else frozenset(name for name, runs in view.items() if runs)


def queues(
    told_by: Sequence[Side],
    config: ClusterConfig,
    components: Sequence[frozenset[str]],
    members: Collection[str],
    before: Collection[Name],
    mirroring: bool | None,
) -> Queues:
    """Merge what the sides tell. members: of the cluster. before: the queues shown in the last poll."""
    found, contested = _merged(told_by, config)
    complete = _complete(told_by, components)
    sums = _by_vhost(found, unmirrored_matters=mirroring is True and len(members) > 1) if complete else {}
    return Queues(
        complete=complete,
        all=found,
        shown=shown(found, config.queues.limit, before),
        totals=added(tuple(sums.values())) if complete else None,
        by_vhost=sums,
        by_state=by_state(found) if complete else {},
        leaders=leaders(found, members) if complete else {},
        ambiguous=_ambiguous(told_by, found) if complete else {},
        contested=contested,
    )


def _by_vhost(found: Iterable[QueueState], unmirrored_matters: bool) -> dict[str, QueueTotals]:
    """found: sorted by vhost."""
    return {
        vhost: totals(tuple(group), unmirrored_matters) for vhost, group in groupby(found, key=lambda q: q.labels[1])
    }


def _complete(told_by: Sequence[Side], components: Sequence[frozenset[str]]) -> bool:
    told_for = {name for side in told_by if isinstance(side.objects.queues, Heard) for name in side.objects.component}
    return bool(components) and all(group & told_for for group in components)


def _merged(told_by: Sequence[Side], config: ClusterConfig) -> tuple[tuple[QueueState, ...], int]:
    if len(told_by) == 1:
        chosen = {queue.labels: queue for queue in _included(told_by[0], config)}
        return tuple([chosen[name] for name in sorted(chosen)]), 0
    chosen = {}
    ranks: dict[Name, int] = {}
    contested: set[Name] = set()
    for side in told_by:
        for queue in _included(side, config):
            name = queue.labels
            rank = _rank(side, queue)
            if name in chosen and chosen[name].node != queue.node:
                contested.add(name)
            if rank > ranks.get(name, -1):
                chosen[name], ranks[name] = queue, rank
    return tuple(chosen[name] for name in sorted(chosen)), len(contested)


def _rank(side: Side, queue: QueueState) -> int:
    """How good this side's word about the queue is; between equals the larger component's, told first, stays."""
    if side.owns(queue):
        return 2
    return 0 if queue.messages is None else 1


def _included(side: Side, config: ClusterConfig) -> Iterable[QueueState]:
    vhosts, names = chooser(config.vhosts), chooser(config.queues)
    if vhosts.everything and names.everything:
        return map(side.judge, side.queues())
    return (side.judge(q) for q in side.queues() if vhosts.keeps(q.vhost) and names.keeps(q.name))


def _ambiguous(told_by: Sequence[Side], found: Iterable[QueueState]) -> dict[str, int]:
    for side in told_by:
        policies = told(side.objects.policies)
        if policies is not None:
            return ambiguous(policies, found)
    return {}


def counted(told_by: Iterable[Side], config: ClusterConfig) -> dict[str, dict[str, int]]:
    """Observer -> vhost -> how many included queues it tells; vhosts that it tells without a queue count 0."""
    vhosts, names = chooser(config.vhosts), chooser(config.queues)
    found: dict[str, dict[str, int]] = {}
    for side in told_by:
        if not isinstance(side.objects.queues, Heard):
            continue
        known = (vhost.name for vhost in told(side.objects.vhosts) or ())
        counts = Counter([queue.vhost for queue in side.queues() if names.everything or names.keeps(queue.name)])
        found[side.objects.asked] = {
            name: counts[name] for name in dict.fromkeys((*known, *counts)) if vhosts.keeps(name)
        }
    return found
