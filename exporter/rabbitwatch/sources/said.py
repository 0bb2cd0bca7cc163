"""The log of what a cluster does not tell: each failure once, until it changes or is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import (
    AnyPart,
    ClusterObservation,
    Heard,
    Missed,
    NodeObservation,
    ObjectsObservation,
    Source,
)

_FLAWS_SHOWN = 3

_log = structlog.get_logger(__name__)


def parts_of(node: NodeObservation) -> Mapping[str, AnyPart]:
    """All parts of a node by what a log calls them: the source, or `check_…`."""
    return {
        Source.OVERVIEW: node.overview,
        Source.NODES: node.nodes,
        Source.PLUGIN: node.plugin,
        Source.PLUGIN_CONSUMERS: node.consumers,
        Source.CLUSTER_STATUS: node.cluster_status,
        Source.COOKIE_HASH: node.cookie_hash,
        Source.COOKIE_SOURCES: node.cookie_sources,
        Source.COOKIE_FILE: node.cookie_file_hash,
        **{f"check_{name}": part for name, part in node.checks.items()},
    }


def objects_of(objects: ObjectsObservation) -> Mapping[str, AnyPart]:
    """The parts of what one component was asked."""
    return {
        Source.QUEUES: objects.queues,
        Source.POLICIES: objects.policies,
        Source.OPERATOR_POLICIES: objects.operator_policies,
        Source.VHOSTS: objects.vhosts,
    }


class FailureLog:
    """Compares each observation with the one before. Sources of a node that fail for one reason share a line."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}

    def note(self, observation: ClusterObservation) -> None:
        """Log what is new in it: failures, broken parts, and what answers again."""
        told = {node.name: parts_of(node) for node in observation.nodes}
        for objects in observation.objects:
            told[objects.asked] = {**told.get(objects.asked, {}), **objects_of(objects)}
        for name, parts in told.items():
            self._failures(observation.cluster, name, parts)
            self._flaws(observation.cluster, name, parts)
        self._said = {key: text for key, text in self._said.items() if key[0] in told}

    def _failures(self, cluster: str, node: str, parts: Mapping[str, AnyPart]) -> None:
        new: dict[str, list[str]] = {}
        over: list[str] = []
        for source, part in parts.items():
            if isinstance(part, Missed) and self._changed(node, source, _signature(part)):
                new.setdefault(part.reason, []).append(source)
            elif isinstance(part, Heard) and self._said.pop((node, source), None) is not None:
                over.append(source)
        for reason, sources in new.items():
            _log.warning("no answer", cluster=cluster, node=node, sources=_line(sources), reason=reason)
        if over:
            _log.info("answers again", cluster=cluster, node=node, sources=_line(over))

    def _flaws(self, cluster: str, node: str, parts: Mapping[str, AnyPart]) -> None:
        for source, part in parts.items():
            key = f"flaws of {source}"
            if not isinstance(part, Heard) or not part.flaws:
                self._said.pop((node, key), None)
            elif self._changed(node, key, "\n".join(part.flaws)):
                shown = "; ".join(part.flaws[:_FLAWS_SHOWN])
                rest = f" (of {len(part.flaws)})" if len(part.flaws) > _FLAWS_SHOWN else ""
                _log.warning("broken parts left out", cluster=cluster, node=node, sources=source, flaws=shown + rest)

    def _changed(self, node: str, key: str, text: str) -> bool:
        before = self._said.get((node, key))
        self._said[node, key] = text
        return before != text


def _signature(part: Missed) -> str:
    """What must differ for a failure to be news: a timeout's seconds and times differ every time."""
    return part.failure if part.failure is CallFailure.TIMEOUT else f"{part.failure} {part.reason}"


def _line(sources: Iterable[str]) -> str:
    return " ".join(sources)
