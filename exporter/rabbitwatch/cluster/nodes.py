"""Every member of the cluster: what is known of it, whether it answered or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rabbitwatch.cluster.cookies import Cookies, file_differs
from rabbitwatch.cluster.versions import means_something
from rabbitwatch.cluster.views import Entries, listed
from rabbitwatch.model.broker import BrokerNode, ClusterStatus
from rabbitwatch.model.cluster import NodeState, PollState
from rabbitwatch.model.observation import ClusterObservation, Heard, Missed, NodeObservation, told


@dataclass(frozen=True, slots=True)
class Testimony:
    """What all answers together say, and who speaks first: the nodes of the largest component."""

    heard: Entries
    running: Mapping[str, Mapping[str, bool]]
    components: Sequence[frozenset[str]]
    statuses: tuple[ClusterStatus, ...]

    def about(self, name: str) -> Iterator[BrokerNode]:
        """Every entry about a node, its own first, then those of the largest component."""
        in_components = [member for group in self.components for member in sorted(group)]
        for observer in dict.fromkeys([name, *in_components, *self.heard]):
            entry = self.heard.get(observer, {}).get(name)
            if entry is not None:
                yield entry

    def runs(self, name: str) -> bool | None:
        """Does anybody who answered say that it runs; None when nobody speaks of it."""
        words = [row[name] for row in self.running.values() if name in row]
        return any(words) if words else None

    def type_of(self, name: str) -> str | None:
        """disc or ram."""
        by_api = next((entry.type for entry in self.about(name) if entry.type), None)
        return by_api or next((kind for status in self.statuses if (kind := _type_in(status, name))), None)

    def version_of(self, name: str, key: str) -> str | None:
        """A version out of cluster_status, under rabbitmq_version or erlang_version."""
        found = ((status.versions or {}).get(name, {}).get(key) for status in self.statuses)
        return next((version for version in found if isinstance(version, str)), None)


def _type_in(status: ClusterStatus, name: str) -> str | None:
    if name in (status.ram_nodes or ()):
        return "ram"
    return "disc" if name in (status.disk_nodes or ()) else None


def testimony(
    observation: ClusterObservation,
    heard: Entries,
    running: Mapping[str, Mapping[str, bool]],
    components: Sequence[frozenset[str]],
) -> Testimony:
    """Bring together what the answers of this observation say about nodes."""
    statuses = tuple(s for node in observation.nodes if (s := told(node.cluster_status)) is not None)
    return Testimony(heard, running, components, statuses)


def members(observation: ClusterObservation, found: Testimony) -> tuple[str, ...]:
    """The names of all members, sorted: configured or discovered, listed by anyone, or missing.

    cluster_status, which is asked seldom, names members only where no node told its own list.
    """
    names = {node.name for node in observation.nodes} | listed(found.heard) | observation.missing
    if not found.heard:
        for status in found.statuses:
            names.update(status.disk_nodes or (), status.ram_nodes or (), status.running_nodes or ())
    return tuple(sorted(names))


def nodes(observation: ClusterObservation, found: Testimony, cookies: Cookies) -> tuple[NodeState, ...]:
    """The state of every member, sorted by name."""
    asked = _by_name(observation.nodes)
    return tuple(
        _node(name, asked.get(name), found, cookies, name in observation.missing)
        for name in members(observation, found)
    )


def _by_name(observed: Iterable[NodeObservation]) -> dict[str, NodeObservation]:
    """By name; of two addresses of one node, such as a proxy's beside its own, the one that answered."""
    best: dict[str, NodeObservation] = {}
    for node in observed:
        if node.name not in best or (_answered(node) and not _answered(best[node.name])):
            best[node.name] = node
    return best


def _node(name: str, asked: NodeObservation | None, found: Testimony, cookies: Cookies, missing: bool) -> NodeState:
    overview = told(asked.overview) if asked else None
    entries = tuple(found.about(name))
    by_entry = next((entry.rabbitmq_version for entry in entries if entry.rabbitmq_version), None)
    version = (
        (overview.rabbitmq_version if overview else None) or by_entry or found.version_of(name, "rabbitmq_version")
    )
    poll_state, reason = _poll_state(asked)
    return NodeState(
        name=name,
        url=asked.url if asked else None,
        declared=asked is not None and asked.declared,
        missing=missing,
        answered=_answered(asked),
        poll_state=poll_state,
        poll_reason=reason,
        running=found.runs(name),
        component_size=next((len(group) for group in found.components if name in group), None),
        type=found.type_of(name),
        declared_type=asked.declared_type if asked else None,
        version=version,
        erlang_version=(overview.erlang_version if overview else None) or found.version_of(name, "erlang_version"),
        figures=next((entry for entry in entries if entry.running and entry.mem_used is not None), None),
        cookie_mismatch=cookies.mismatch.get(name),
        cookie_file_differs=file_differs(asked) if asked else None,
        checks=_checks(asked, version) if asked else {},
    )


def _answered(node: NodeObservation | None) -> bool | None:
    if node is None:
        return None
    parts = [part for part in (node.overview, node.nodes) if isinstance(part, (Heard, Missed))]
    return any(isinstance(part, Heard) for part in parts) if parts else None


def _poll_state(node: NodeObservation | None) -> tuple[PollState | None, str]:
    """Its view of the others is what a node is asked for, so /api/nodes decides; else /api/overview."""
    for part in (node.nodes, node.overview) if node else ():
        if isinstance(part, Missed):
            return PollState(part.failure), part.reason
        if isinstance(part, Heard):
            return PollState.OK, ""
    return None, ""


def _checks(node: NodeObservation, version: str | None) -> dict[str, bool]:
    results = {name: told(part) for name, part in node.checks.items() if means_something(name, version)}
    return {name: result.passed for name, result in results.items() if result is not None}
