"""From what was heard to what it means: every question of this package asked of one observation. Pure."""

from __future__ import annotations

from rabbitwatch.cluster import cookies, nodes, partitions, queues, versions, views
from rabbitwatch.cluster.answers import sources
from rabbitwatch.cluster.drift import drift
from rabbitwatch.cluster.vhosts import vhosts
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.model.cluster import ClusterState, Views
from rabbitwatch.model.observation import ClusterObservation


def assess(
    observation: ClusterObservation, config: ClusterConfig, previous: ClusterState | None = None
) -> ClusterState:
    """The state of the cluster, from one poll.

    previous: the state before, if there is one. It decides nothing but which of the queues at the edge of the cap
    keep their series.
    """
    heard = views.entries(observation)
    running = views.running(heard)
    components = views.groups(running)
    found = nodes.testimony(observation, heard, running, components)
    members = nodes.members(observation, found)
    compared = cookies.cookies(observation.nodes, len(members))
    states = nodes.nodes(observation, found, compared)
    known_versions = {state.version for state in states if state.version}
    reported = partitions.partitions(observation, heard, known_versions, {s.type for s in states if s.type})
    mirroring = versions.has_mirroring(known_versions)
    told_by = queues.sides(observation, running, components, mirroring)
    before = frozenset(queue.labels for queue in previous.queues.shown) if previous else frozenset()
    return ClusterState(
        cluster=observation.cluster,
        at=observation.at,
        took=observation.took,
        nodes=states,
        views=Views(
            running=running,
            partitioned=partitions.matrix(reported, heard),
            connected=views.connected(observation, frozenset(members) - observation.missing),
            objects=views.objects(observation),
            queues=queues.counted(told_by, config),
            counts=views.counts(observation),
        ),
        components=components,
        partitions=reported,
        cookie_groups=compared.groups,
        mirroring_supported=mirroring,
        queues=queues.queues(told_by, config, components, members, before, mirroring),
        vhosts=vhosts(told_by, config),
        policies=drift(told_by, config.policies),
        sources=sources(observation),
    )
