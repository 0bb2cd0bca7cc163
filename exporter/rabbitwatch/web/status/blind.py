"""What the agent cannot see of a cluster, and why: so that nobody takes silence for health. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rabbitwatch.cluster.wording import counted, names
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.web.status.alerts import AlertRow
from rabbitwatch.web.status.words import Capped, capped

MOST = 25


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not known, and why."""

    what: str
    why: str


def gaps(state: ClusterState, alerts: Iterable[AlertRow]) -> Capped[Gap]:
    """alerts: the cluster's own."""
    return capped([*_sources(state), *_flaws(state), *_figures(state), *_queues(state), *_blind(alerts)], MOST)


def _sources(state: ClusterState) -> Iterator[Gap]:
    """Questions that a node did not answer, those with the same reason together."""
    unheard: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source in state.sources:
        if not source.heard:
            unheard[source.node, source.reason].append(str(source.source).replace("_", " "))
    for (node, reason), asked in unheard.items():
        yield Gap(f"{names(dict.fromkeys(asked))} of {node}", reason)


def _flaws(state: ClusterState) -> Iterator[Gap]:
    for source in state.sources:
        for flaw in source.flaws[:3]:
            yield Gap(f"a part of {str(source.source).replace('_', ' ')} of {source.node}", flaw)


def _figures(state: ClusterState) -> Iterator[Gap]:
    unknown = [node.name for node in state.nodes if node.running is None]
    if unknown:
        yield Gap(f"whether {names(unknown)} runs", "nobody who answered lists it")
    if state.partitions.reportable is False:
        yield Gap("partitions by the broker's own word", "its metadata store reports none; the nodes' views decide")
    if state.cookie_groups is None and len(state.nodes) > 1:
        yield Gap("whether all Erlang cookies are the same", "too few nodes told the hash of theirs")


def _queues(state: ClusterState) -> Iterator[Gap]:
    queues = state.queues
    if not queues.complete:
        yield Gap("sums over all queues", "a part of the cluster did not tell its queues")
    if queues.totals is not None and queues.totals.depth_unknown:
        yield Gap(f"the depth of {counted(queues.totals.depth_unknown, 'queue')}", "the broker does not tell it")
    if queues.hidden:
        yield Gap(
            f"the past of {counted(queues.hidden, 'healthy queue')}",
            "more queues than queues.limit: only the deepest and those that are not healthy have series",
        )


def _blind(alerts: Iterable[AlertRow]) -> Iterator[Gap]:
    for alert in alerts:
        if alert.blind_since is not None:
            yield Gap(f"whether {alert.name} is over", "what would decide it cannot be had: it is held")
