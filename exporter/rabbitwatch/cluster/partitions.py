"""Partitions as the brokers report them, and whether these brokers can report any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rabbitwatch.cluster.versions import keeps_mnesia
from rabbitwatch.cluster.views import Entries
from rabbitwatch.model.cluster import Partitions
from rabbitwatch.model.observation import ClusterObservation, told

_KHEPRI = "khepri_db"


def partitions(
    observation: ClusterObservation, heard: Entries, versions: Iterable[str], types: Iterable[str]
) -> Partitions:
    """United over every node's own answer, every entry in it, and cluster_status.

    One answer is not enough: after a split has healed, the entries fill in at different times on different nodes.
    types: the node types that are known; a ram node exists with Mnesia only.
    """
    own = _own(observation, heard)
    others = {(entry.name, peer) for row in heard.values() for entry in row.values() for peer in entry.partitions or ()}
    pairs = others | {(name, peer) for name, peers in own.items() for peer in peers} | _by_command(observation)
    reportable = True if pairs else _reportable(observation, versions, types)
    return Partitions(reportable=reportable, own=own if reportable else {}, reported=frozenset(pairs))


def matrix(found: Partitions, heard: Entries) -> dict[str, dict[str, bool]]:
    """Observer -> node -> does the observer list it as partitioned from itself."""
    names = sorted({name for row in heard.values() for name in row} | found.nodes)
    return {name: {peer: peer in peers for peer in names if peer != name} for name, peers in found.own.items()}


def _own(observation: ClusterObservation, heard: Entries) -> dict[str, frozenset[str]]:
    """What each node reports of itself. cluster_status may be a minute old: it adds peers, but that it names none does
    not stand in for an answer of this poll."""
    own: dict[str, frozenset[str]] = {}
    for node in observation.nodes:
        entry = heard.get(node.name, {}).get(node.name)
        by_api = entry.partitions if entry else None
        status = told(node.cluster_status)
        by_command = (status.partitions or {}).get(node.name, []) if status else []
        if by_api is not None or by_command:
            own[node.name] = frozenset((*(by_api or ()), *by_command))
    return own


def _statuses(observation: ClusterObservation) -> Iterator[Mapping[str, list[str]]]:
    for node in observation.nodes:
        status = told(node.cluster_status)
        if status and status.partitions:
            yield status.partitions


def _by_command(observation: ClusterObservation) -> set[tuple[str, str]]:
    return {(name, peer) for found in _statuses(observation) for name, peers in found.items() for peer in peers}


def _reportable(observation: ClusterObservation, versions: Iterable[str], types: Iterable[str]) -> bool | None:
    by_version = keeps_mnesia(versions)
    if by_version is not None:
        return by_version
    if "ram" in types:
        return True
    flags = {
        flag.get("state")
        for node in observation.nodes
        if (status := told(node.cluster_status))
        for flag in status.feature_flags or ()
        if flag.get("name") == _KHEPRI
    }
    return {"enabled": False, "disabled": True}.get(str(flags.pop())) if len(flags) == 1 else None
