"""How every question of a poll went: what was heard, what was missed and why, what in it was broken."""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.model.cluster import SourceState
from rabbitwatch.model.observation import (
    AnyPart,
    ClusterObservation,
    Heard,
    Missed,
    NodeObservation,
    NotAsked,
    ObjectsObservation,
    Source,
)


def questions(observation: ClusterObservation) -> Iterator[tuple[str, Source, AnyPart]]:
    """Every part of an observation with the node that was asked for it and its source."""
    for node in observation.nodes:
        yield from ((node.name, source, part) for source, part in _of_node(node))
        yield from ((node.name, Source.CHECK, part) for part in node.checks.values())
    for objects in observation.objects:
        yield from ((objects.asked, source, part) for source, part in _of_objects(objects))


def _of_node(node: NodeObservation) -> tuple[tuple[Source, AnyPart], ...]:
    return (
        (Source.OVERVIEW, node.overview),
        (Source.NODES, node.nodes),
        (Source.PLUGIN, node.plugin),
        (Source.PLUGIN_CONSUMERS, node.consumers),
        (Source.CLUSTER_STATUS, node.cluster_status),
        (Source.COOKIE_HASH, node.cookie_hash),
        (Source.COOKIE_FILE, node.cookie_file_hash),
        (Source.COOKIE_SOURCES, node.cookie_sources),
    )


def _of_objects(objects: ObjectsObservation) -> tuple[tuple[Source, AnyPart], ...]:
    return (
        (Source.QUEUES, objects.queues),
        (Source.POLICIES, objects.policies),
        (Source.OPERATOR_POLICIES, objects.operator_policies),
        (Source.VHOSTS, objects.vhosts),
    )


def sources(observation: ClusterObservation) -> tuple[SourceState, ...]:
    """One state per node and source that was asked; several questions of one source, such as checks, are one:
    heard when all were, with the first reason why not."""
    states: dict[tuple[str, Source], SourceState] = {}
    for node, source, part in questions(observation):
        if isinstance(part, NotAsked):
            continue
        before = states.get((node, source))
        flaws = part.flaws if isinstance(part, Heard) else ()
        reason = part.reason if isinstance(part, Missed) else ""
        states[node, source] = SourceState(
            node=node,
            source=source,
            heard=isinstance(part, Heard) and (before is None or before.heard),
            reason=(before.reason if before else "") or reason,
            took=part.took + (before.took if before else 0.0),
            flaws=(before.flaws if before else ()) + flaws,
        )
    return tuple(states.values())
