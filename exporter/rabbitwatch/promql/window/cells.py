"""The cells of a table: 64-bit floats, two of whose NaNs say why there is no sample.

STALE (of promql/storage.py) ends a series and is handed to the engine. ABSENT fills a place in a row where a series
has no sample at all, before its first and after its end, and never leaves the window.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from itertools import compress, count
from operator import ne

_PACK = struct.Struct("<d").pack
_ABSENT_BITS = struct.pack("<Q", 0x7FF8000000AB5E17)

ABSENT: float = struct.unpack("<d", _ABSENT_BITS)[0]

Row = array  # of type code 'd': one cell a column

_NOWHERE: frozenset[int] = frozenset()


def is_absent(value: float) -> bool:
    """Whether the cell holds no sample, not even a staleness marker."""
    return value != value and _PACK(value) == _ABSENT_BITS


def nan_places(row: Sequence[float]) -> frozenset[int]:
    """Where the row holds a NaN of any kind; the sum tells at little cost where there is none."""
    total = sum(row)
    return _NOWHERE if total == total else frozenset(compress(count(), map(ne, row, row)))


def same_bits(one: array[float], other: array[float]) -> bool:
    """Whether two rows are the same bit for bit; `==` would tell NaNs apart from themselves."""
    return len(one) == len(other) and one.tobytes() == other.tobytes()
