"""Blocks as Prometheus' text format 0.0.4 and as OpenMetrics 1.0.0.

The lines of the samples are the same in both; only what stands above them differs. Sources: the exposition formats
page of Prometheus' documentation, and the OpenMetrics 1.0.0 specification.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rabbitwatch.model.sample import Block, Family, Kind

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_SUFFIX = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
_EXACT = 1 << 53


def escaped(value: str) -> str:
    """A label value between its quotes. A lone surrogate, which no encoding has, becomes U+FFFD."""
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return value if value.isascii() else _SURROGATE.sub(_REPLACEMENT, value)


def number(value: float) -> str:
    """A value as Go's parser reads it: +Inf, -Inf and NaN spelled so; an integer without a fraction."""
    if type(value) is int:
        return str(value)
    if math.isfinite(value):
        return str(int(value)) if value == int(value) and abs(value) < _EXACT else repr(float(value))
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


class LabelTexts(dict[tuple[str, ...], str]):
    """How label values read between the braces, for one tuple of label names; made when first looked up."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, labels: tuple[str, ...]) -> str:
        pairs = zip(self._names, labels, strict=True)
        text = self[labels] = ",".join([f'{name}="{escaped(value)}"' for name, value in pairs])
        return text


class LabelMemory:
    """Remembers label texts from page to page: most series come back in every poll.

    It is forgotten as a whole once it holds several times what one page needs, since names come and go.
    """

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], LabelTexts] = {}

    def texts(self, names: tuple[str, ...], wanted: int) -> LabelTexts:
        """The texts for these label names; `wanted`: how many the caller is about to look up."""
        known = self._texts.get(names)
        if known is None or len(known) > 4 * wanted + 10_000:
            known = self._texts[names] = LabelTexts(names)
        return known


@dataclass(frozen=True, slots=True)
class Chunk:
    """One rendered family: the lines above its samples in either format, and the samples."""

    text_head: bytes
    openmetrics_head: bytes
    samples: bytes


def chunks(blocks: Iterable[Block], memory: LabelMemory) -> Iterator[Chunk]:
    """Every family that has samples."""
    for block in blocks:
        if block.rows:
            yield Chunk(_text_head(block.family), _openmetrics_head(block.family), _samples(block, memory))


def _samples(block: Block, memory: LabelMemory) -> bytes:
    start = block.family.name + "{"
    texts = memory.texts(block.family.labels, len(block.rows))
    lines = [
        f"{start}{texts[labels]}}} {value if type(value) is int else number(value)}\n" for labels, value in block.rows
    ]
    return "".join(lines).encode()


def _text_head(family: Family) -> bytes:
    kind = Kind.GAUGE if family.kind is Kind.INFO else family.kind
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.name} {text}\n# TYPE {family.name} {kind.value}\n".encode()


def _openmetrics_head(family: Family) -> bytes:
    name = family.name.removesuffix(_SUFFIX.get(family.kind, ""))
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    return f"# HELP {name} {escaped(family.help)}\n# TYPE {name} {family.kind.value}\n{unit}".encode()
