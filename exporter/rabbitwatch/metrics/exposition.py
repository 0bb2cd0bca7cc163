"""The page that Prometheus scrapes: bytes that are rendered once per poll and served as they are."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS_1_0_0

from rabbitwatch.metrics.text import LabelMemory, chunks
from rabbitwatch.model.sample import Block

Own = Callable[[bool], bytes]
"""Renders further families in the text format, or in OpenMetrics with its closing line when called with True."""

Variant = tuple[bool, bool]
"""(OpenMetrics, gzip)"""

_EOF = b"# EOF\n"
_LEVEL = 1  # measured: a higher level costs several times the processor's time for a quarter of the size
_GZIP = zlib.MAX_WBITS | 16


def _nothing(openmetrics: bool) -> bytes:
    return _EOF if openmetrics else b""


class Page:
    """One poll's page. Never changes; the next poll makes the next one. Safe to read from any thread.

    own: the agent's own families, rendered now. before: the page that this one replaces: its memory of label texts is
    taken over, and the variants that were asked of it are prepared at once, so that no scrape waits for a
    compression. A variant that nobody has asked for yet is made when it is.
    """

    def __init__(self, blocks: Iterable[Block], own: Own | None = None, before: Page | None = None) -> None:
        self._memory: LabelMemory = before._memory if before else LabelMemory()  # noqa: SLF001 - the same class
        self._chunks = tuple(chunks(blocks, self._memory))
        own = own or _nothing
        self._own = {False: own(False), True: own(True)}
        self._lock = threading.Lock()
        self._bodies: dict[Variant, bytes] = {}
        self._asked: set[Variant] = set()
        for variant in before.asked() if before else ():
            self._bodies[variant] = self._made(variant)

    def asked(self) -> frozenset[Variant]:
        """The variants that were asked of this page."""
        with self._lock:
            return frozenset(self._asked)

    def scrape(self, *, openmetrics: bool, gzipped: bool) -> tuple[bytes, str]:
        """The page and its content type."""
        variant = (openmetrics, gzipped)
        with self._lock:
            self._asked.add(variant)
            body = self._bodies.get(variant)
            if body is None:
                body = self._bodies[variant] = self._made(variant)
        return body, OPENMETRICS_1_0_0 if openmetrics else CONTENT_TYPE_PLAIN_0_0_4

    def _made(self, variant: Variant) -> bytes:
        openmetrics, gzipped = variant
        if not gzipped:
            return b"".join(self._parts(openmetrics))
        packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
        packed = [packer.compress(part) for part in self._parts(openmetrics)]
        return b"".join(packed) + packer.flush()

    def _parts(self, openmetrics: bool) -> Iterator[bytes]:
        for chunk in self._chunks:
            yield chunk.openmetrics_head if openmetrics else chunk.text_head
            yield chunk.samples
        yield self._own[openmetrics]
