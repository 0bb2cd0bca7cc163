"""Families about the questions of the last poll: which were answered, in what time, and with what flaws."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rabbitwatch.metrics.family import CLUSTER, Rows, gauge, one
from rabbitwatch.model.cluster import ClusterState, SourceState
from rabbitwatch.model.sample import Row

_LABELS = ("cluster", "node", "source")


def _each(value: Callable[[SourceState], float | None]) -> Rows:
    def rows(state: ClusterState) -> Iterator[Row]:
        for source in state.sources:
            found = value(source)
            if found is not None:
                yield (state.cluster, source.node, source.source.value), found

    return rows


COLLECTORS = (
    gauge(
        "observation_timestamp_seconds",
        CLUSTER,
        one(lambda s: s.at),
        "When the poll began from which these figures come.",
        source="the agent's clock",
    ),
    gauge(
        "source_up",
        _LABELS,
        _each(lambda s: s.heard),
        "1 when the question was answered, 0 when it was asked in vain. What was not asked has no row.",
        source="every call",
    ),
    gauge(
        "source_duration_seconds",
        _LABELS,
        _each(lambda s: s.took),
        "How long the question took, answered or not.",
        source="every call",
    ),
    gauge(
        "observation_flaws",
        _LABELS,
        _each(lambda s: len(s.flaws) if s.heard else None),
        "Parts of the answer that were left out because they were broken. The log names them.",
        source="every call",
    ),
)
