"""The same polls into both: into the agent's window, and into Prometheus as its scrapes would leave them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.prometheus.hour import Poll
from tests.prometheus.remotewrite import Written, batches, named, sample, stamp
from tests.prometheus.server import Prometheus

from rabbitwatch.promql.labels import Matcher, MatchOp
from rabbitwatch.promql.storage import STALE
from rabbitwatch.promql.window import Requirement, Window

EVERYTHING = (Matcher(MatchOp.NOT_EQUAL, "__name__", ""),)
_SPAN_MS = 8 * 3_600_000
_SERIES_A_REQUEST = 2000


def window_of(polls: Iterable[Poll]) -> Window:
    """A window that keeps all of it."""
    window = Window()
    window.retain([Requirement(EVERYTHING, _SPAN_MS)])
    for poll in polls:
        window.ingest(poll.at_ms, poll.blocks, poll.scope)
    return window


class Writer:
    """Turns polls into remote writes; a series that a poll no longer has is ended by a staleness marker."""

    def __init__(self) -> None:
        self._living: dict[str, set[bytes]] = {}
        self._samples: dict[bytes, list[bytes]] = {}
        self._names: dict[tuple[str, tuple[str, ...]], bytes] = {}

    def take(self, poll: Poll) -> None:
        """Add one poll."""
        stamped = stamp(poll.at_ms)
        there: set[bytes] = set()
        for block in poll.blocks:
            for values, value in block.rows:
                key = (block.family.name, values)
                labels = self._names.get(key)
                if labels is None:
                    pairs = dict(zip(block.family.labels, values, strict=True))
                    labels = self._names[key] = named(block.family.name, pairs)
                there.add(labels)
                self._samples.setdefault(labels, []).append(sample(float(value), stamped))
        for labels in self._living.get(poll.scope, set()) - there:
            self._samples.setdefault(labels, []).append(sample(STALE, stamped))
        self._living[poll.scope] = there

    def flush(self, server: Prometheus) -> None:
        """Send what was taken since the last time: at most half an hour, or its head refuses the late series."""
        series = [Written(labels, samples) for labels, samples in self._samples.items()]
        for body in batches(series, _SERIES_A_REQUEST):
            server.write(body)
        self._samples = {}


def write(polls: Iterable[Poll], server: Prometheus, chunk_ms: int = 20 * 60_000) -> None:
    """Send all polls, oldest first."""
    writer = Writer()
    begun: int | None = None
    for poll in polls:
        begun = poll.at_ms if begun is None else begun
        if poll.at_ms - begun >= chunk_ms:
            writer.flush(server)
            begun = poll.at_ms
        writer.take(poll)
    writer.flush(server)
