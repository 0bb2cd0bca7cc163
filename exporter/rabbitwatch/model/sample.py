"""Metric families and the samples of one poll: what exposition renders and the window stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The family's type. INFO is exposed as a gauge in the text format, whose names end in `_info`."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family, as docs/metrics.md prints it.

    name: the full name, `_total` and `_info` included. labels: in the order in which rows hold their values.
    source: where the figure comes from. versions: of the broker, for which it exists. since: of rabbitwatch.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    source: str
    unit: str = ""
    versions: str = "all"
    since: str = "0.1.0"


Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Block:
    """The samples of one family in one poll: label values in the family's order, and the value.

    What is unknown has no row. No two rows have the same label values.
    """

    family: Family
    rows: Sequence[Row]
